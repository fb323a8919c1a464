"""Passwords are hashed with argon2id, at most two at once, and nobody's takes as long as somebody's."""

from __future__ import annotations

from threading import Lock, Thread

import argon2
import pytest

from lathe.adapters import passwords
from lathe.adapters.passwords import Argon2Passwords

PASSWORD = "correct horse battery"


def test_the_right_password_fits_and_no_other_does() -> None:
    hasher = Argon2Passwords()
    stored = hasher.hash(PASSWORD)

    assert hasher.verify(stored, PASSWORD)
    assert not hasher.verify(stored, PASSWORD + " ")
    assert not hasher.verify(stored, "\ud800")
    assert PASSWORD not in stored


def test_the_same_password_is_stored_differently_each_time() -> None:
    hasher = Argon2Passwords()

    assert hasher.hash(PASSWORD) != hasher.hash(PASSWORD)


def test_nobody_and_a_damaged_hash_never_fit() -> None:
    hasher = Argon2Passwords()

    assert not hasher.verify(None, PASSWORD)
    assert not hasher.verify(None, "")
    assert not hasher.verify("$argon2id$damaged", PASSWORD)


def test_nobodys_hash_costs_what_everybodys_does() -> None:
    expected = argon2.Parameters(
        type=argon2.Type.ID, version=19, salt_len=16, hash_len=32, time_cost=1, memory_cost=46 * 1024, parallelism=1
    )

    assert argon2.extract_parameters(passwords.NOBODY) == expected
    assert argon2.extract_parameters(Argon2Passwords().hash(PASSWORD)) == expected


def test_at_most_two_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, counting = 0, 0, Lock()
    real = argon2.PasswordHasher.hash

    def counted(self: argon2.PasswordHasher, password: str | bytes, *, salt: bytes | None = None) -> str:
        nonlocal running, most
        with counting:
            running += 1
            most = max(most, running)
        try:
            return real(self, password, salt=salt)
        finally:
            with counting:
                running -= 1

    monkeypatch.setattr(argon2.PasswordHasher, "hash", counted)
    hasher = Argon2Passwords()
    threads = [Thread(target=hasher.hash, args=(PASSWORD,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == 2
