"""The environment becomes Settings, or every fault at once with what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lathe.entrypoints.compose import load_settings
from lathe.entrypoints.settings import BadSettings, LogFormat, read_settings


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_any_variable_there_is_a_database_in_the_current_folder_with_its_key_beside_it(tmp_path: Path) -> None:
    settings = read_settings({"PATH": "/usr/bin", "HOME": "/"})

    assert settings.database_file == tmp_path / "lathe.db"
    assert settings.database_url == f"sqlite:///{tmp_path}/lathe.db"
    assert settings.secret_key_file == tmp_path / "lathe.db.key"
    assert (settings.base_url, settings.trusted_proxies, settings.log_format) == (None, (), LogFormat.CONSOLE)
    assert settings.warnings == ()


def test_everything_can_be_chosen(tmp_path: Path) -> None:
    settings = read_settings(
        {
            "LATHE_DATABASE_URL": "postgresql://lathe:hunter2@db/lathe",
            "LATHE_SECRET_KEY_FILE": "keys/lathe.key",
            "LATHE_BASE_URL": " https://Lathe.example.com:8443/ ",
            "LATHE_TRUSTED_PROXIES": "10.1.2.3/8, 2001:db8::1",
            "LATHE_LOG_FORMAT": "json",
        }
    )

    assert settings.database_file is None
    assert settings.database_url == "postgresql://lathe:hunter2@db/lathe"
    assert settings.secret_key_file == tmp_path / "keys/lathe.key"
    assert settings.base_url == "https://Lathe.example.com:8443"
    assert settings.trusted_proxies == ("10.0.0.0/8", "2001:db8::1/128")
    assert settings.log_format is LogFormat.JSON
    assert "hunter2" not in repr(settings)


def test_an_empty_variable_counts_as_absent() -> None:
    assert read_settings({"LATHE_BASE_URL": "", "LATHE_DATABASE_URL": "  "}) == read_settings({})


def test_variables_of_the_clients_mean_nothing_to_the_server() -> None:
    assert read_settings({"LATHE_URL": "https://x.example", "LATHE_API_KEY": "pt_live_x"}) == read_settings({})


def test_a_blank_in_the_path_of_a_database_may_be_written_either_way(tmp_path: Path) -> None:
    written = {read_settings({"LATHE_DATABASE_URL": f"sqlite:///my{blank}data.db"}) for blank in (" ", "%20")}

    (settings,) = written
    assert settings.database_file == tmp_path / "my data.db"
    assert settings.database_url == f"sqlite:///{tmp_path}/my%20data.db"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("LATHE_DATABASE_URL", "mysql://root:hunter2@db/lathe", "must begin with sqlite:///"),
        ("LATHE_DATABASE_URL", "sqlite://", "must begin with sqlite:///"),
        ("LATHE_DATABASE_URL", "sqlite:///", "must name a file"),
        ("LATHE_DATABASE_URL", "sqlite:///:memory:", "must name a file"),
        ("LATHE_DATABASE_URL", "sqlite:///a.db?mode=ro", "must name a file"),
        ("LATHE_DATABASE_URL", "sqlite:///nowhere/lathe.db", "mkdir -p"),
        ("LATHE_DATABASE_URL", "sqlite:///../..", "names a folder"),
        ("LATHE_DATABASE_URL", "postgresql://db/lathe", "LATHE_SECRET_KEY_FILE must name the file"),
        ("LATHE_BASE_URL", "https://lathe.example.com/\udcff", "LATHE_BASE_URL holds bytes that are no text"),
        ("LATHE_BASE_URL", "lathe.example.com", "as https://lathe.example.com"),
        ("LATHE_BASE_URL", "ftp://lathe.example.com", "as https://lathe.example.com"),
        ("LATHE_BASE_URL", "https://", "as https://lathe.example.com"),
        ("LATHE_BASE_URL", "https://lathe.example.com/studio", "without a path"),
        ("LATHE_BASE_URL", "https://lathe.example.com?x=1", "without a path"),
        ("LATHE_BASE_URL", "https://me@lathe.example.com", "as https://lathe.example.com"),
        ("LATHE_BASE_URL", "https://lathe.example.com:port", "as https://lathe.example.com"),
        ("LATHE_BASE_URL", "https://lathe.exa mple.com", "as https://lathe.example.com"),
        ("LATHE_TRUSTED_PROXIES", "10.0.0.0/8, proxy.corp", "'proxy.corp', which is no address or network"),
        ("LATHE_TRUSTED_PROXIES", "10.0.0.0/33", "which is no address or network"),
        ("LATHE_LOG_FORMAT", "xml", "must be console or json"),
        ("LATHE_BASEURL", "https://lathe.example.com", "did you mean LATHE_BASE_URL?"),
        ("LATHE_COLOUR", "blue", "known are LATHE_DATABASE_URL,"),
    ],
)
def test_a_faulty_variable_is_named_with_its_remedy(name: str, value: str, told: str) -> None:
    with pytest.raises(BadSettings) as bad:
        read_settings({name: value})

    (fault,) = bad.value.faults
    assert told in fault
    assert "LATHE_" in fault
    assert "hunter2" not in fault
    assert "\n" not in fault


@pytest.mark.parametrize(
    "address",
    [
        "lathe:hunter2@[db/lathe",
        "lathe:hunter2@db/lathe?bogus=1",
        "lathe:hunter2@db/lathe?connect_timeout=soon",
        "lathe:hunter2@db:port/lathe",
        "lathe:hunter2%zz@db/lathe",
        "lathe:hunter2%00@db/lathe",
        "lathe:hunter2%ff@db/lathe",
        "lathe:hunter2\udcff@db/lathe",
        "lathe:secret@hunter2@db/lathe",
        "lathe:secret/hunter2@db/lathe",
        "lathe:5432/hunter2@db/lathe",
        "lathe:secret?hunter2@db/lathe",
        "db?password=secret@hunter2",
        "%ff",
    ],
)
def test_an_address_of_postgresql_that_is_none_is_told_beside_all_else_without_its_password(address: str) -> None:
    settings = {"LATHE_DATABASE_URL": f"postgresql://{address}", "LATHE_SECRET_KEY_FILE": "k", "LATHE_LOG_FORMAT": "x"}
    with pytest.raises(BadSettings) as bad:
        load_settings(settings)

    database, log_format = bad.value.faults
    assert database.startswith("LATHE_DATABASE_URL ")
    assert "write" in database
    assert not any(part in database for part in ("hunter2", "secret", "\n"))
    assert log_format.startswith("LATHE_LOG_FORMAT ")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/lathe",
        "db",
        "db:5432/lathe",
        "lathe@db/lathe",
        "lathe:a%40b%3Fc%2Fd%25@db/lathe?sslmode=require&password=hunter%402",
        "a:1,b:2,[2001:db8::1]:3/lathe?target_session_attrs=read-write&connect_timeout=5",
        "/lathe?host=/run/postgresql",
        "/lathe?service=lathe",
    ],
)
def test_every_address_that_libpq_knows_may_be_chosen(address: str) -> None:
    url = f"postgresql://{address}"

    assert read_settings({"LATHE_DATABASE_URL": url, "LATHE_SECRET_KEY_FILE": "k"}).database_url == url


def test_all_faults_are_told_at_once_the_key_files_included(tmp_path: Path) -> None:
    key = tmp_path / "my.key"
    key.write_text("too short")
    key.chmod(0o600)

    with pytest.raises(BadSettings) as bad:
        load_settings(
            {
                "LATHE_SECRET_KEY_FILE": str(key),
                "LATHE_LOG_FORMAT": "loud",
                "LATHE_BASE_URL": "nowhere",
                "LATHE_PROXIES": "10.0.0.1",
            }
        )

    found = " | ".join(sorted(bad.value.faults))
    assert len(bad.value.faults) == 4
    assert all(word in found for word in ("LATHE_LOG_FORMAT", "LATHE_BASE_URL", "LATHE_PROXIES", str(key)))


@pytest.mark.parametrize("name", ["LATHE_METRICS_TOKEN", "LATHE_RETENTION_DAYS", "LATHE_OIDC_ISSUER"])
def test_a_setting_that_is_not_supported_yet_is_warned_of(name: str) -> None:
    (warning,) = read_settings({name: "7"}).warnings

    assert warning == f"{name} is not supported yet and has no effect"


@pytest.mark.parametrize(
    ("base_url", "warned"),
    [
        ("https://lathe.example.com", False),
        ("http://127.0.0.1:8000", False),
        ("http://localhost:8000", False),
        ("http://[::1]:8000", False),
        ("http://lathe.corp", True),
        ("http://192.0.2.7:8000", True),
    ],
)
def test_plain_http_is_warned_of_except_on_loopback(base_url: str, warned: bool) -> None:
    warnings = read_settings({"LATHE_BASE_URL": base_url}).warnings

    assert any("https" in warning for warning in warnings) is warned
