"""Which key file belongs to a database, and when it may be made."""

from __future__ import annotations

from pathlib import Path

from lathe.adapters.secret_box import AesGcmBox, KeyFileError, create_key_file, read_key_file
from lathe.entrypoints.settings import BadSettings, Settings


def open_box(settings: Settings) -> AesGcmBox:
    """Return the box for the secrets in a database; makes the key file where the database is about to be made.

    A key is made together with a new SQLite database and never otherwise: beside a database that exists, a new key
    would open nothing that is in it. Raises BadSettings.
    """
    path = _named(settings)
    try:
        if _is_first(settings, path):
            create_key_file(path)
    except OSError as error:
        raise BadSettings((f"the secret key file {path} cannot be made: {error.strerror}",)) from None
    if fault := key_fault(settings):
        raise BadSettings((fault,))
    return AesGcmBox.from_file(path)


def key_fault(settings: Settings) -> str | None:
    """Return what is wrong with the key file and what to do; None too where it is yet to be made."""
    path = settings.secret_key_file
    try:
        if path is not None and not _is_first(settings, path):
            read_key_file(path)
    except KeyFileError as fault:
        return _explained(str(fault), path, settings)
    except OSError as fault:
        return f"{fault.filename} cannot be looked at: {fault.strerror}"
    return None


def has_content(database: Path) -> bool:
    """Whether a SQLite database is there; an empty file is a new one."""
    return database.exists() and database.stat().st_size > 0


def _is_first(settings: Settings, path: Path) -> bool:
    """Whether neither database nor key are there.

    The database is looked at first: somebody who starts at the same moment makes the key before the database.
    """
    return settings.database_file is not None and not has_content(settings.database_file) and not path.exists()


def _named(settings: Settings) -> Path:
    if settings.secret_key_file is None:
        raise AssertionError("settings without a key file are refused when they are read")
    return settings.secret_key_file


def _explained(fault: str, path: Path | None, settings: Settings) -> str:
    if path is None or path.exists():
        return f"secret key file {fault}"
    if settings.database_file is None:
        return (
            f"secret key file {fault}; name another one in LATHE_SECRET_KEY_FILE, "
            f"or for a new database make it with: (umask 077; openssl rand -hex 32 > {path})"
        )
    return (
        f"secret key file {fault}, but the database {settings.database_file} is, with secrets sealed by that key; "
        "restore the file from a backup, or name it in LATHE_SECRET_KEY_FILE"
    )
