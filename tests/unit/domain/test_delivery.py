"""Deliveries: what is kept of a request, and that no credential is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lathe.adapters.ids import RandomIds
from lathe.domain.delivery import KEPT_HEADERS, REPLAY_OF, CredentialKind, lowest_id, without_credentials
from tests import samples

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


def test_a_replay_knows_what_it_is_a_replay_of_and_no_sender_can_say_so() -> None:
    organization_id, of = samples.new_id(), samples.new_id()
    headers = {REPLAY_OF: str(of)}
    replay = samples.delivery(organization_id, organization_id, credential=CredentialKind.REPLAY, headers=headers)
    assert replay.replay_of == of
    assert samples.delivery(organization_id, organization_id, headers=headers).replay_of is None
    assert samples.delivery(organization_id, organization_id, credential=CredentialKind.REPLAY).replay_of is None
    assert REPLAY_OF not in KEPT_HEADERS


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_no_id_of_a_time_is_below_its_lowest_and_all_earlier_ones_are(time: datetime) -> None:
    ids = RandomIds(lambda: (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000)
    assert lowest_id(time) <= ids.new() < lowest_id(time + timedelta(milliseconds=1))
    assert lowest_id(time - timedelta(days=365 * 200)) == UUID(int=0)
