"""The key file comes into being together with a SQLite database, and never otherwise."""

from __future__ import annotations

import stat
from pathlib import Path
from threading import Barrier, Thread

import pytest

from lathe.adapters.secret_box import create_key_file, read_key_file
from lathe.entrypoints.secret_key import key_fault, open_box
from lathe.entrypoints.settings import BadSettings, Settings, read_settings


def sqlite_settings(folder: Path) -> Settings:
    return read_settings({"LATHE_DATABASE_URL": f"sqlite:///{folder}/lathe.db"})


def postgres_settings(key: Path) -> Settings:
    return read_settings({"LATHE_DATABASE_URL": "postgresql://db/lathe", "LATHE_SECRET_KEY_FILE": str(key)})


def test_a_new_database_gets_a_key_that_only_its_owner_can_read(tmp_path: Path) -> None:
    settings = sqlite_settings(tmp_path)
    assert key_fault(settings) is None

    sealed = open_box(settings).seal(b"secret", b"row")

    key = tmp_path / "lathe.db.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert [len(one) for one in read_key_file(key)] == [32]
    assert list(tmp_path.iterdir()) == [key]
    assert open_box(settings).open(sealed, b"row") == b"secret"


def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    (tmp_path / "lathe.db").touch()

    open_box(sqlite_settings(tmp_path))

    assert (tmp_path / "lathe.db.key").exists()


def test_a_key_that_lies_there_before_its_database_is_used(tmp_path: Path) -> None:
    create_key_file(tmp_path / "lathe.db.key")
    before = (tmp_path / "lathe.db.key").read_text()

    open_box(sqlite_settings(tmp_path))

    assert (tmp_path / "lathe.db.key").read_text() == before


def test_a_missing_key_beside_a_database_that_exists_is_a_fault_that_names_both_in_full(tmp_path: Path) -> None:
    (tmp_path / "lathe.db").write_bytes(b"SQLite format 3\0")
    settings = sqlite_settings(tmp_path)

    fault = key_fault(settings)

    assert fault is not None
    assert f"{tmp_path}/lathe.db.key is not there" in fault
    assert f"the database {tmp_path}/lathe.db is" in fault
    assert "restore" in fault
    with pytest.raises(BadSettings):
        open_box(settings)
    assert not (tmp_path / "lathe.db.key").exists()


def test_with_postgresql_a_key_is_never_made(tmp_path: Path) -> None:
    settings = postgres_settings(tmp_path / "lathe.key")

    fault = key_fault(settings)

    assert fault is not None
    assert f"openssl rand -hex 32 > {tmp_path}/lathe.key" in fault
    with pytest.raises(BadSettings):
        open_box(settings)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_key_that_others_can_use_is_a_fault(tmp_path: Path, mode: int) -> None:
    key = tmp_path / "lathe.key"
    create_key_file(key)
    key.chmod(mode)

    assert f"chmod 600 {key}" in (key_fault(postgres_settings(key)) or "")


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"00" * 31, b"00" * 33, b"zz" * 32, b"\xff\xfe" * 32, b"00" * 32 + b" x"]
)
def test_anything_but_keys_of_32_bytes_is_a_fault_that_does_not_repeat_it(tmp_path: Path, content: bytes) -> None:
    key = tmp_path / "lathe.key"
    key.touch(mode=0o600)
    key.write_bytes(content)

    fault = key_fault(postgres_settings(key)) or ""

    assert "must hold 64 hexadecimal digits" in fault
    assert "0000" not in fault


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    assert "is not a file" in (key_fault(postgres_settings(tmp_path)) or "")


def test_whoever_starts_at_the_same_moment_gets_the_same_key(tmp_path: Path) -> None:
    settings = sqlite_settings(tmp_path)
    together, sealed = Barrier(8), []

    def start() -> None:
        together.wait()
        sealed.append(open_box(settings).seal(b"secret", b"row"))

    threads = [Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [open_box(settings).open(one, b"row") for one in sealed] == [b"secret"] * 8
    assert list(tmp_path.iterdir()) == [tmp_path / "lathe.db.key"]
