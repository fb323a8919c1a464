"""Hooks: signatures over bodies, rotation with overlap, revocation."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from lathe.domain.errors import Conflict
from lathe.domain.hook import (
    HOOK_RATE_LIMIT,
    SECRET_BYTES,
    TIMESTAMP_TOLERANCE,
    Hook,
    Provider,
    hub_signature,
    is_token,
    secret_text,
    signed_by,
    signed_in_time,
    standard_signature,
)

NOW = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
HOOK = Hook(UUID(int=1), UUID(int=2), Provider.BITBUCKET, b"first", NOW, "ann@acme.test")
SECRET = b"It's a Secret to Everybody"
SECRETS = st.binary(min_size=1, max_size=80)

VENDORS_EXAMPLES = [
    (b"Hello World!", "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"),
    (b"Hello, World!", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
]


def slow_hmac_sha256(secret: bytes, body: bytes) -> str:
    """RFC 2104 by its definition."""
    block = (hashlib.sha256(secret).digest() if len(secret) > 64 else secret).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in block) + body).digest()
    return hashlib.sha256(bytes(b ^ 0x5C for b in block) + inner).hexdigest()


def flipped(data: bytes, bit: int) -> bytes:
    bit %= len(data) * 8
    return data[: bit // 8] + bytes([data[bit // 8] ^ (1 << bit % 8)]) + data[bit // 8 + 1 :]


# --- signatures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "signature"), VENDORS_EXAMPLES)
def test_the_examples_of_the_vendors_verify(body: bytes, signature: str) -> None:
    assert hub_signature(SECRET, body) == signature
    assert signed_by([SECRET], body, signature)


@given(st.binary(max_size=80), st.binary())
def test_a_signature_is_the_hmac_of_the_raw_body(secret: bytes, body: bytes) -> None:
    assert hub_signature(secret, body) == "sha256=" + slow_hmac_sha256(secret, body)


@given(SECRETS, st.binary(min_size=1), st.integers(0))
def test_any_flipped_bit_of_body_or_secret_or_signature_fails(secret: bytes, body: bytes, bit: int) -> None:
    signature = hub_signature(secret, body)
    assert signed_by([secret], body, signature)
    assert not signed_by([secret], flipped(body, bit), signature)
    # HMAC pads a short key with zeros, so that only a change within its length counts as another key.
    assert not signed_by([flipped(secret, bit)], body, signature)
    wrong = "sha256=" + flipped(bytes.fromhex(signature[7:]), bit).hex()
    assert not signed_by([secret], body, wrong)


@given(st.lists(SECRETS, min_size=1, max_size=3), st.integers(0, 2), st.binary())
def test_any_of_several_secrets_may_have_signed(secrets: list[bytes], which: int, body: bytes) -> None:
    signer = secrets[which % len(secrets)]
    assert signed_by(secrets, body, hub_signature(signer, body))


def test_hex_digits_may_be_upper_case_and_everything_else_is_exact() -> None:
    body, signature = VENDORS_EXAMPLES[0]
    digits = signature.removeprefix("sha256=")
    assert signed_by([SECRET], body, "sha256=" + digits.upper())
    for other in (
        digits,
        "SHA256=" + digits,
        "sha1=" + digits,
        "sha256=" + digits[:-1],
        "sha256=" + digits + "0",
        " " + signature,
        signature + "\n",
        "sha256=" + "٣" * 64,
        "sha256=",
        "",
        None,
    ):
        assert not signed_by([SECRET], body, other)


@given(st.text() | st.text(min_size=64, max_size=64).map("sha256={}".format) | st.none(), st.binary())
def test_no_text_that_is_presented_raises_or_verifies(presented: str | None, body: bytes) -> None:
    assume(presented != hub_signature(SECRET, body))
    assert not signed_by([SECRET], body, presented)


@given(st.binary())
def test_no_secret_and_an_empty_secret_verify_nothing(body: bytes) -> None:
    assert not signed_by([], body, hub_signature(b"", body))
    assert not signed_by([b""], body, hub_signature(b"", body))
    assert not signed_by([b"", SECRET], body, hub_signature(b"", body))
    assert signed_by([b"", SECRET], body, hub_signature(SECRET, body))


def test_every_secret_is_compared_also_after_one_has_matched(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def recording(secret: bytes, body: bytes) -> str:
        compared.append(secret)
        return hub_signature(secret, body)

    monkeypatch.setattr("lathe.domain.hook.hub_signature", recording)
    assert signed_by([SECRET, b"older"], b"body", hub_signature(SECRET, b"body"))
    assert compared == [SECRET, b"older"]


# --- tokens -----------------------------------------------------------------------------------------------------------


@given(st.lists(SECRETS, max_size=3), st.text())
def test_a_token_is_one_of_the_secrets_or_it_is_not(secrets: list[bytes], presented: str) -> None:
    assert is_token(secrets, presented) == (presented != "" and presented.encode() in secrets)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=3), st.integers(0, 2))
def test_any_of_several_secrets_may_be_the_token(secrets: list[str], which: int) -> None:
    assert is_token([secret.encode() for secret in secrets], secrets[which % len(secrets)])


def test_an_empty_token_and_half_a_character_are_nobodys() -> None:
    assert not is_token([b""], "")
    assert not is_token([SECRET], "\ud800")


# --- Standard Webhooks ------------------------------------------------------------------------------------------------

STANDARD_SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = "1614265330"
TEST_BODY = b'{"test": 2432232314}'
STANDARD_EXAMPLE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
SIGNED_AT = datetime.fromtimestamp(int(TIMESTAMP), UTC)


def in_time(
    secrets: list[bytes] | None = None,
    *,
    message_id: str = MESSAGE_ID,
    timestamp: str = TIMESTAMP,
    body: bytes = TEST_BODY,
    presented: str = STANDARD_EXAMPLE,
    now: datetime = SIGNED_AT,
) -> bool:
    return signed_in_time(secrets or [STANDARD_SECRET], message_id, timestamp, body, presented, now=now)


def test_the_example_of_the_standard_verifies() -> None:
    assert standard_signature(STANDARD_SECRET, MESSAGE_ID, TIMESTAMP, TEST_BODY) == STANDARD_EXAMPLE
    assert in_time()


@given(st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES), st.binary(), st.text(), st.integers(0, 2**33))
def test_a_standard_signature_is_the_hmac_of_id_time_and_body(
    random: bytes, body: bytes, message_id: str, seconds: int
) -> None:
    signature = standard_signature(secret_text(random).encode(), message_id, str(seconds), body)
    assert signature is not None
    version, _, digest = signature.partition(",")
    assert version == "v1"
    assert b64decode(digest).hex() == slow_hmac_sha256(random, f"{message_id}.{seconds}.".encode() + body)


@pytest.mark.parametrize(
    "changed",
    [
        {"message_id": "msg_q5jXN8AQM9LWM0D4loKWxJek"},
        {"timestamp": "1614265331"},
        {"body": TEST_BODY + b" "},
        {"secrets": [b"whsec_NfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]},
        {"presented": STANDARD_EXAMPLE.replace("v1,", "v1a,")},
        {"presented": STANDARD_EXAMPLE.removeprefix("v1,")},
        {"presented": ""},
        {"presented": "\ud800"},
    ],
)
def test_any_other_id_time_body_secret_or_signature_fails(changed: dict[str, Any]) -> None:
    assert not in_time(**changed)


@given(st.integers(-400, 400))
def test_a_signature_counts_for_five_minutes_before_and_after_its_time(seconds: int) -> None:
    assert in_time(now=SIGNED_AT + timedelta(seconds=seconds)) == (abs(seconds) <= TIMESTAMP_TOLERANCE.seconds)


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "1614265330.5", "٣", "9" * 12, " 1614265330", "9" * 5000])
def test_what_is_no_time_is_never_in_time_however_well_it_is_signed(timestamp: str) -> None:
    signature = standard_signature(STANDARD_SECRET, MESSAGE_ID, timestamp, TEST_BODY)
    assert signature is not None
    assert not in_time(timestamp=timestamp, presented=signature)


def test_of_several_secrets_and_several_signatures_one_pair_must_fit() -> None:
    other = secret_text(bytes(SECRET_BYTES)).encode()
    assert in_time([other, STANDARD_SECRET])
    assert in_time(presented=f"v2,abc v1,AAAA {STANDARD_EXAMPLE}")
    assert not in_time(presented="v1,AAAA " * 8 + STANDARD_EXAMPLE), "nobody rotates that often"
    assert not in_time([other])


@pytest.mark.parametrize("secret", [b"", b"whsec_", b"whsec_***", b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b"whsec_\xff"])
def test_a_secret_of_another_form_signs_nothing(secret: bytes) -> None:
    assert standard_signature(secret, MESSAGE_ID, TIMESTAMP, TEST_BODY) is None
    assert not in_time([secret])


@given(st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES))
def test_one_secret_fits_every_scheme_and_every_field_that_it_is_pasted_into(random: bytes) -> None:
    secret = secret_text(random)
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    assert b64decode(secret.removeprefix("whsec_")) == random
    sealed = [secret.encode()]
    assert is_token(sealed, secret)
    assert signed_by(sealed, TEST_BODY, hub_signature(secret.encode(), TEST_BODY))
    assert standard_signature(sealed[0], MESSAGE_ID, TIMESTAMP, TEST_BODY)


# --- life -------------------------------------------------------------------------------------------------------------


def test_a_new_hook_is_live_with_its_one_secret_which_it_does_not_print() -> None:
    assert HOOK.live()
    assert HOOK.live_secrets(NOW) == (b"first",)
    assert (HOOK.requests, HOOK.refused, HOOK_RATE_LIMIT) == (0, 0, 600)
    rotated = HOOK.rotated(b"second", NOW)
    assert "first" not in repr(rotated)
    assert "second" not in repr(rotated)


def test_providers_have_the_names_of_their_addresses() -> None:
    assert [provider.value for provider in Provider] == ["bitbucket", "github", "gitlab", "generic"]


def test_rotation_lets_the_old_secret_live_for_a_day() -> None:
    rotated = HOOK.rotated(b"second", NOW)
    assert rotated.live_secrets(NOW) == (b"second", b"first")
    assert rotated.live_secrets(NOW + timedelta(hours=24, microseconds=-1)) == (b"second", b"first")
    assert rotated.live_secrets(NOW + timedelta(hours=24)) == (b"second",)


HOURS = st.integers(0, 100).map(lambda hours: timedelta(hours=hours))


@given(HOURS, HOURS, HOURS)
def test_the_old_secret_lives_exactly_as_long_as_the_overlap(
    wait: timedelta, overlap: timedelta, look: timedelta
) -> None:
    rotated = HOOK.rotated(b"second", NOW + wait, overlap)
    old = (b"first",) if look < overlap else ()
    assert rotated.live_secrets(NOW + wait + look) == (b"second", *old)


def test_rotating_again_drops_the_older_secret_at_once() -> None:
    twice = HOOK.rotated(b"second", NOW).rotated(b"third", NOW + timedelta(minutes=1))
    assert twice.live_secrets(NOW + timedelta(minutes=2)) == (b"third", b"second")


def test_a_previous_secret_without_an_end_does_not_count() -> None:
    assert evolve(HOOK, previous_secret=b"older").live_secrets(NOW) == (b"first",)


def test_a_revoked_hook_has_no_secrets_is_not_rotated_and_keeps_the_time_of_its_revocation() -> None:
    revoked = HOOK.rotated(b"second", NOW).revoked(NOW)
    assert not revoked.live()
    assert revoked.live_secrets(NOW) == ()
    assert revoked.revoked(NOW + timedelta(hours=1)) == revoked
    assert revoked.revoked_at == NOW
    with pytest.raises(Conflict):
        revoked.rotated(b"third", NOW)
