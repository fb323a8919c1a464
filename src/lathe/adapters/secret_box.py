"""Encrypts secrets that must be read again, with keys from a file that lies outside the database."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from attrs import field, frozen
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
_VERSION: Final = b"\x01"
_KEY_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_HEAD_BYTES: Final = len(_VERSION) + _KEY_ID_BYTES
_KEY_LINE = re.compile(rf"[0-9A-Fa-f]{{{2 * KEY_BYTES}}}")


class KeyFileError(Exception):
    """The key file cannot be used; the message says why and what to do, and shows nothing of what is in it."""


@frozen
class AesGcmBox:
    """AES-256-GCM (NIST SP 800-38D). The first key seals, every one opens, so that keys can be exchanged one by one.

    A sealed secret is: version, id of the key, nonce, ciphertext with tag. All before the ciphertext is authenticated
    along with the caller's context. Nonces are random, which is safe for 2**32 secrets with one key.
    """

    _keys: dict[bytes, AESGCM] = field(repr=False)
    _sealing: bytes

    @classmethod
    def with_keys(cls, keys: Sequence[bytes]) -> AesGcmBox:
        """Return a box with these keys of 32 bytes, at least one."""
        ids = [_key_id(key) for key in keys]
        return cls({key_id: AESGCM(key) for key_id, key in zip(ids, keys, strict=True)}, ids[0])

    @classmethod
    def from_file(cls, path: Path) -> AesGcmBox:
        """Return a box with the keys of a key file. Raises KeyFileError."""
        return cls.with_keys(read_key_file(path))

    def seal(self, secret: bytes, context: bytes) -> bytes:
        """Encrypt a secret that opens in this context only."""
        head = _VERSION + self._sealing
        nonce = os.urandom(_NONCE_BYTES)
        return head + nonce + self._keys[self._sealing].encrypt(nonce, secret, head + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Return the secret. Raises ValueError if it was sealed with another key or context, or changed since."""
        head, rest = sealed[:_HEAD_BYTES], sealed[_HEAD_BYTES:]
        nonce, ciphertext = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
        key = self._keys.get(head[len(_VERSION) :]) if head.startswith(_VERSION) else None
        if key is None:
            raise ValueError("the secret was sealed with a key that is not in the key file")
        try:
            return key.decrypt(nonce, ciphertext, head + context)
        except (InvalidTag, ValueError):  # ValueError: so short that there is no tag or nonce
            raise ValueError("the secret was sealed for another place, or was changed") from None


def random_key() -> bytes:
    """Return a new key."""
    return os.urandom(KEY_BYTES)


def create_key_file(path: Path) -> None:
    """Make a key file that only its owner can read. One that is there already stays as it is.

    The file appears whole or not at all, also to somebody who starts at the same moment. Raises OSError.
    """
    draft = path.with_name(f"{path.name}.{os.urandom(8).hex()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(random_key().hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_key_file(path: Path) -> list[bytes]:
    """Return the keys of a file: one in each line, 64 hexadecimal digits. Raises KeyFileError."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise KeyFileError(f"{path} is not a file")
        if mode & 0o077:
            raise KeyFileError(f"{path} can be used by others than its owner: chmod 600 {path}")
        lines = path.read_bytes().decode("ascii", "replace").split()
    except FileNotFoundError:
        raise KeyFileError(f"{path} is not there") from None
    except OSError as fault:
        raise KeyFileError(f"{path} cannot be read: {fault.strerror}") from None
    if not lines or not all(_KEY_LINE.fullmatch(line) for line in lines):
        raise KeyFileError(
            f"{path} must hold {2 * KEY_BYTES} hexadecimal digits ({KEY_BYTES} bytes), as `openssl rand -hex 32` prints"
        )
    return [bytes.fromhex(line) for line in lines]


def _key_id(key: bytes) -> bytes:
    """Return what tells keys apart, and tells nothing about them."""
    return hashlib.sha256(b"lathe key id" + key).digest()[:_KEY_ID_BYTES]
