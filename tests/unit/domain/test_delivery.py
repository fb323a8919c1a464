"""Deliveries: what is kept of a request, and that no credential is."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lathe.domain.delivery import KEPT_HEADERS, without_credentials

tokens = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)
# Everything that a person may have as a name or secret, but what ends the authority of a URL.
anything = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"], exclude_characters="/@"), max_size=12)


@given(anything, anything, st.booleans())
def test_no_user_or_secret_survives_in_any_script(user: str, token: str, ascii_only: bool) -> None:
    body = json.dumps({"url": f"https://{user}:{token}@git.corp/acme", "note": "\u20ac"}, ensure_ascii=ascii_only)
    assert json.loads(without_credentials(body.encode()))["url"] == "https://git.corp/acme"


@given(tokens, tokens, st.sampled_from(["/", "\\/", "\\u002f", "\\u002F"]), st.sampled_from(["@", "\\u0040"]))
def test_the_userinfo_of_an_address_is_blanked_however_json_spells_it(
    user: str, token: str, slash: str, at: str
) -> None:
    body = f'{{"url": "https:{slash}{slash}{user}:{token}{at}git.corp{slash}acme{slash}pay"}}'
    kept = json.loads(without_credentials(body.encode()))["url"]
    assert (urlsplit(kept).netloc, urlsplit(kept).path) == ("git.corp", "/acme/pay")


@pytest.mark.parametrize(
    "body",
    [
        b'{"author": "Ada <ada@acme.test>", "url": "https://git.corp/acme/pay"}',
        b'{"ssh": "git@git.corp:acme/pay.git"}',
        b'{"url": "https://git.corp/acme/pay", "mail": "ada@acme.test"}',
        b'{"url": "https://git.corp/@ada"}',
        b"\xff\x00 //",
        b"",
    ],
)
def test_what_is_no_userinfo_stays_as_it_was_sent(body: bytes) -> None:
    assert without_credentials(body) == body


def test_every_address_of_a_body_is_blanked() -> None:
    body = b'["https://a:b@one.test/x", "http://c@two.test", "https://d@e@three.test"]'
    assert without_credentials(body) == b'["https://one.test/x", "http://two.test", "https://three.test"]'


def test_no_header_that_may_carry_a_secret_is_kept() -> None:
    secret = {
        "authorization",
        "cookie",
        "x-gitlab-token",
        "x-hub-signature",
        "x-hub-signature-256",
        "webhook-signature",
    }
    assert not KEPT_HEADERS & secret
    assert {header.lower() for header in KEPT_HEADERS} == KEPT_HEADERS
