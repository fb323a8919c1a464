"""API keys: their text, what is kept of them, and when they may be used."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lathe.domain.api_key import (
    ALPHABET,
    DEFAULT_RATE_LIMIT,
    KEY_LENGTH,
    KEY_PREFIX,
    SHOWN_CHARACTERS,
    ApiKey,
    Scope,
    key_hash,
    key_text,
    new_key,
    shown,
    well_formed,
)
from lathe.domain.errors import Invalid

NOW = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
ORGANIZATION, KEY = UUID(int=1), UUID(int=2)
ENTROPY = st.binary(min_size=32, max_size=64)
TEXTS = ENTROPY.map(key_text)


def slow_crc32(data: bytes) -> int:
    """CRC-32 (ISO-HDLC) bit by bit, as the polynomial division that it is."""
    register = 0xFFFFFFFF
    for byte in data:
        for bit in range(8):
            low = (register ^ (byte >> bit)) & 1
            register = (register >> 1) ^ (0xEDB88320 if low else 0)
    return register ^ 0xFFFFFFFF


def value_of(base62: str) -> int:
    value = 0
    for character in base62:
        value = value * 62 + (string.digits + string.ascii_uppercase + string.ascii_lowercase).index(character)
    return value


def key_of_organization(
    name: str = "ci", rate_limit: int | None = DEFAULT_RATE_LIMIT, expires_at: datetime | None = None
) -> ApiKey:
    return new_key(
        organization_id=ORGANIZATION,
        key_id=KEY,
        text=key_text(bytes(32)),
        name=name,
        scopes=[Scope.BUILDS_CREATE],
        rate_limit=rate_limit,
        expires_at=expires_at,
        now=NOW,
        created_by="ann@acme.test",
    )


# --- text -------------------------------------------------------------------------------------------------------------


def test_the_reference_checksum_is_the_standard_one() -> None:
    assert slow_crc32(b"123456789") == 0xCBF43926


@given(ENTROPY)
def test_a_key_is_a_prefix_32_random_characters_and_a_checksum_over_both(entropy: bytes) -> None:
    text = key_text(entropy)
    body, checksum = text[:40], text[40:]
    assert len(text) == KEY_LENGTH == 46
    assert body.startswith("pt_live_")
    assert value_of(body[8:]) == int.from_bytes(entropy, "big") % 62**32
    assert len(checksum) == 6
    assert value_of(checksum) == slow_crc32(body.encode())
    assert well_formed(text)


def test_one_key_is_known_by_heart() -> None:
    assert key_text(bytes(32)) == "pt_live_" + "0" * 32 + "3PSvgJ"


def test_nearly_all_the_randomness_survives() -> None:
    """62**32 has over 190 bits, and 256 bits are folded onto it so evenly that no key gains more than one in 2**65."""
    assert 62**32 > 2**190
    most, least = -(-(2**256) // 62**32), 2**256 // 62**32
    assert (most - least) * 2**65 <= least


@given(st.binary(max_size=31))
def test_too_little_randomness_makes_no_key(entropy: bytes) -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        key_text(entropy)


@settings(max_examples=20)
@given(TEXTS)
def test_every_change_of_one_character_is_noticed(text: str) -> None:
    for at, old in enumerate(text):
        for new in ALPHABET + "_- é\n":
            assert well_formed(text[:at] + new + text[at + 1 :]) == (new == old)


@given(TEXTS)
def test_every_swap_of_neighbours_is_noticed(text: str) -> None:
    for at in range(len(text) - 1):
        swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        assert well_formed(swapped) == (swapped == text)


@given(TEXTS, st.integers(0, KEY_LENGTH), st.sampled_from([*ALPHABET, "\n", " "]))
def test_a_key_with_a_character_too_many_or_too_few_is_noticed(text: str, at: int, extra: str) -> None:
    assert not well_formed(text[:at] + extra + text[at:])
    assert not well_formed(text[:at] + text[at + 1 :]) or at == KEY_LENGTH


@given(TEXTS, st.sampled_from(["pt_test_", "PT_LIVE_", "xt_live_"]))
def test_another_prefix_is_refused_even_with_a_right_checksum(text: str, prefix: str) -> None:
    body = prefix + text[8:40]
    number, checksum = slow_crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        checksum = ALPHABET[digit] + checksum
    assert not well_formed(body + checksum)


@given(st.text() | st.text(min_size=38, max_size=38).map((KEY_PREFIX + "{}").format))
def test_no_text_raises_when_it_is_checked_hashed_or_shown(text: str) -> None:
    assert not well_formed(text)
    assert len(key_hash(text)) == 32
    assert text.startswith(shown(text))


@given(TEXTS, TEXTS)
def test_a_key_is_kept_as_the_hash_of_all_of_it_and_shown_as_its_beginning(text: str, other: str) -> None:
    assert key_hash(text) == sha256(text.encode()).digest()
    assert shown(text) == text[:12]
    assert len(shown(text)) == SHOWN_CHARACTERS
    assume(text != other)
    assert key_hash(text) != key_hash(other)


# --- life -------------------------------------------------------------------------------------------------------------


def test_a_new_key_keeps_its_hash_and_what_is_shown_but_not_its_text() -> None:
    key = key_of_organization(name=" CI of pay-api ")
    text = key_text(bytes(32))
    assert (key.organization_id, key.id) == (ORGANIZATION, KEY)
    assert key.name == "CI of pay-api"
    assert (key.hash, key.shown) == (key_hash(text), "pt_live_0000")
    assert key.scopes == {Scope.BUILDS_CREATE}
    assert key.rate_limit == 60
    assert (key.created_at, key.created_by) == (NOW, "ann@acme.test")
    assert (key.expires_at, key.revoked_at, key.last_used_at) == (None, None, None)
    assert (key.requests, key.refused) == (0, 0)
    assert text not in repr(key)
    assert repr(key.hash) not in repr(key)


def test_scopes_have_the_names_of_the_contract() -> None:
    assert {scope.value for scope in Scope} == {
        "builds:read",
        "builds:create",
        "queue:manage",
        "projects:manage",
        "hooks:manage",
    }


def test_a_key_expires_at_the_very_instant_of_its_expiry() -> None:
    key = key_of_organization(expires_at=NOW + timedelta(days=1))
    assert key.usable(NOW)
    assert key.usable(NOW + timedelta(days=1, microseconds=-1))
    assert not key.usable(NOW + timedelta(days=1))
    assert not key.usable(NOW + timedelta(days=2))


def test_a_key_without_expiry_is_usable_until_it_is_revoked_and_keeps_the_time_of_that() -> None:
    key = key_of_organization()
    assert key.usable(NOW + timedelta(days=36500))
    revoked = key.revoked(NOW)
    assert not revoked.usable(NOW - timedelta(days=1))
    assert revoked.revoked_at == NOW
    assert revoked.revoked(NOW + timedelta(hours=1)) == revoked


def test_a_key_can_be_renamed_and_given_another_limit() -> None:
    key = key_of_organization()
    assert key.renamed(" nightly ").name == "nightly"
    assert key.renamed("n" * 255).name == "n" * 255
    assert key.with_limit(1).rate_limit == 1
    assert key.with_limit(100_000).rate_limit == 100_000
    assert key.with_limit(None).rate_limit is None
    assert key.renamed("nightly").with_limit(5).hash == key.hash


@pytest.mark.parametrize(
    ("name", "code"),
    [("", "blank"), ("  ", "blank"), ("n" * 256, "too_long"), ("a\0b", "unprintable"), ("\ud800", "unprintable")],
)
def test_a_name_that_cannot_be_kept_is_refused_at_its_pointer(name: str, code: str) -> None:
    with pytest.raises(Invalid) as at_birth:
        key_of_organization(name=name)
    with pytest.raises(Invalid) as later:
        key_of_organization().renamed(name)
    assert [(fault.pointer, fault.code) for fault in at_birth.value.faults] == [("/name", code)]
    assert later.value.faults == at_birth.value.faults


@pytest.mark.parametrize("limit", [0, -1, 100_001])
def test_a_limit_out_of_range_is_refused_at_its_pointer(limit: int) -> None:
    with pytest.raises(Invalid, match="rate_limit must be 1 to 100,000") as at_birth:
        key_of_organization(rate_limit=limit)
    with pytest.raises(Invalid) as later:
        key_of_organization().with_limit(limit)
    assert [(fault.pointer, fault.code) for fault in at_birth.value.faults] == [("/rate_limit", "out_of_range")]
    assert later.value.faults == at_birth.value.faults


@pytest.mark.parametrize(
    "expires_at",
    [
        datetime(9999, 1, 1, tzinfo=UTC),
        datetime(9998, 12, 31, 23, 0, tzinfo=timezone(-timedelta(hours=1))),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=23))),
    ],
)
def test_an_expiry_beyond_the_calendar_is_refused_at_its_pointer(expires_at: datetime) -> None:
    with pytest.raises(Invalid, match="expires_at must lie before the year 9999") as refusal:
        key_of_organization(expires_at=expires_at)
    assert [(fault.pointer, fault.code) for fault in refusal.value.faults] == [("/expires_at", "out_of_range")]
    last = datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert key_of_organization(expires_at=last).expires_at == last


def test_all_faults_of_a_new_key_are_told_at_once() -> None:
    with pytest.raises(Invalid) as refusal:
        new_key(
            organization_id=ORGANIZATION,
            key_id=KEY,
            text=key_text(bytes(32)),
            name="",
            scopes=(),
            rate_limit=0,
            expires_at=NOW,
            now=NOW,
            created_by="ann@acme.test",
        )
    assert {(fault.pointer, fault.code) for fault in refusal.value.faults} == {
        ("/name", "blank"),
        ("/scopes", "required"),
        ("/rate_limit", "out_of_range"),
        ("/expires_at", "not_in_future"),
    }
