"""Secrets open with their key, in their own place, unchanged; and in no other way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lathe.adapters.secret_box import AesGcmBox

ONE, OTHER = bytes(range(32)), bytes(range(1, 33))


@given(secret=st.binary(max_size=300), context=st.binary(max_size=50))
def test_what_was_sealed_opens_in_its_context(secret: bytes, context: bytes) -> None:
    box = AesGcmBox.with_keys([ONE])

    assert box.open(box.seal(secret, context), context) == secret


def test_the_same_secret_is_sealed_differently_each_time() -> None:
    box = AesGcmBox.with_keys([ONE])

    assert len({box.seal(b"secret", b"row") for _ in range(50)}) == 50
    assert b"secret" not in box.seal(b"secret", b"row")


def test_another_context_does_not_open_it() -> None:
    box = AesGcmBox.with_keys([ONE])

    with pytest.raises(ValueError, match="another place"):
        box.open(box.seal(b"secret", b"row 1"), b"row 2")


def test_another_key_does_not_open_it() -> None:
    sealed = AesGcmBox.with_keys([ONE]).seal(b"secret", b"row")

    with pytest.raises(ValueError, match="not in the key file"):
        AesGcmBox.with_keys([OTHER]).open(sealed, b"row")


def test_no_byte_of_it_can_be_changed_or_left_out() -> None:
    box = AesGcmBox.with_keys([ONE])
    sealed = box.seal(b"secret", b"row")

    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(ValueError, match=r"was changed|not in the key file"):
            box.open(changed, b"row")
        with pytest.raises(ValueError, match=r"was changed|not in the key file"):
            box.open(sealed[:place], b"row")


def test_a_new_first_key_seals_and_the_old_one_still_opens() -> None:
    old, both = AesGcmBox.with_keys([ONE]), AesGcmBox.with_keys([OTHER, ONE])
    before, after = old.seal(b"before", b"row"), both.seal(b"after", b"row")

    assert (both.open(before, b"row"), both.open(after, b"row")) == (b"before", b"after")
    with pytest.raises(ValueError, match="not in the key file"):
        old.open(after, b"row")


def test_its_representation_shows_no_key() -> None:
    assert ONE.hex() not in repr(AesGcmBox.with_keys([ONE]))
    assert repr(ONE) not in repr(AesGcmBox.with_keys([ONE]))
