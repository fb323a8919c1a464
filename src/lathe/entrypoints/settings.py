"""The environment, read once into Settings. All faults are reported together, each with what to do about it."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote, unquote, urlsplit

from attrs import field, frozen

T = TypeVar("T")

DEFAULT_DATABASE_URL: Final = "sqlite:///lathe.db"
_SQLITE: Final = "sqlite:///"
_POSTGRESQL: Final = "postgresql://"
_ONE_AT_SIGN = re.compile(rf"{_POSTGRESQL}(?:[^@/?]*@)?[^@]*")

_DUE: Final = (
    "LATHE_DATABASE_URL",
    "LATHE_BASE_URL",
    "LATHE_SECRET_KEY_FILE",
    "LATHE_TRUSTED_PROXIES",
    "LATHE_LOG_FORMAT",
)
_OF_CLIENTS: Final = ("LATHE_URL", "LATHE_API_KEY")  # set in CI jobs to report builds; nothing to the server
_NONE: Final[tuple[str, ...]] = ()
_PLANNED = re.compile("LATHE_METRICS_TOKEN|LATHE_RETENTION_DAYS|LATHE_OIDC_[A-Z0-9_]+")


class BadSettings(Exception):
    """Everything that is wrong with the configuration, one sentence for each fault."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class LogFormat(Enum):
    """How log lines look: for people, or for machines."""

    CONSOLE = "console"
    JSON = "json"


@frozen
class Settings:
    """What an operator can choose.

    ``database_file`` is the full path of a SQLite database, None with PostgreSQL. ``secret_key_file`` is None only with
    PostgreSQL, where it must be named. ``base_url`` has no trailing slash. ``warnings`` are for the log.
    """

    database_url: str = field(repr=False)
    database_file: Path | None
    secret_key_file: Path | None
    base_url: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    log_format: LogFormat = LogFormat.CONSOLE
    warnings: tuple[str, ...] = ()


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings that the variables spell; an empty variable counts as absent. Raises BadSettings."""
    settings, faults = examine(environ)
    if faults:
        raise BadSettings(tuple(faults.values()))
    return settings


def examine(environ: Mapping[str, str]) -> tuple[Settings, dict[str, str]]:
    """Return the settings, and what is wrong by the name of the variable; a faulty one has its default."""
    given = {name: value.strip() for name, value in environ.items() if name.startswith("LATHE_") and value.strip()}
    faults = {name: fault for name in sorted(given) if (fault := _unknown(name))}

    def read(name: str, reader: Callable[[str], T], default: T) -> T:
        if name not in given:
            return default
        try:
            given[name].encode()
        except UnicodeEncodeError:
            faults[name] = f"{name} holds bytes that are no text in UTF-8: write it again"
            return default
        try:
            return reader(given[name])
        except ValueError as fault:
            faults[name] = f"{name} {fault}"
            return default

    url, database_file = read("LATHE_DATABASE_URL", _database, _database(DEFAULT_DATABASE_URL))
    base_url = read("LATHE_BASE_URL", _base_url, None)
    key_file = read("LATHE_SECRET_KEY_FILE", _file, _beside(database_file))
    proxies = read("LATHE_TRUSTED_PROXIES", _networks, _NONE)
    log_format = read("LATHE_LOG_FORMAT", _log_format, LogFormat.CONSOLE)
    if key_file is None:
        faults["LATHE_SECRET_KEY_FILE"] = (
            "LATHE_SECRET_KEY_FILE must name the file with the secret key where the database is PostgreSQL; "
            "make one with: (umask 077; openssl rand -hex 32 > lathe.key)"
        )
    warnings = tuple(f"{name} is not supported yet and has no effect" for name in sorted(given) if _planned(name))
    warnings += _plain_http(base_url)
    return Settings(url, database_file, key_file, base_url, proxies, log_format, warnings), faults


def _unknown(name: str) -> str | None:
    if name in _DUE or name in _OF_CLIENTS or _planned(name):
        return None
    near = difflib.get_close_matches(name, _DUE, n=1, cutoff=0.7)
    remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(_DUE)}"
    return f"{name} is no setting of Lathe; {remedy}"


def _planned(name: str) -> bool:
    return bool(_PLANNED.fullmatch(name))


def _database(url: str) -> tuple[str, Path | None]:
    """Return the address to open and, for SQLite, the full path of the file."""
    if url.startswith(_POSTGRESQL):
        if not _connectable(url):
            # What is wrong with it may be the password, and so may every part of it: nothing of it is repeated.
            raise ValueError(
                f"is no address of a PostgreSQL database: write {_POSTGRESQL}USER:PASSWORD@HOST:5432/NAME, in the"
                " password %40 for @, %3A for :, %2F for /, %3F for ? and %25 for %, and behind ? only parameters that"
                " libpq knows"
            )
        return url, None
    path = url.removeprefix(_SQLITE)
    if path == url:
        # The value may hold a password: it is not repeated.
        raise ValueError(f"must begin with {_SQLITE} (then the file's path) or {_POSTGRESQL}")
    if not path or path == ":memory:" or "?" in path or path.endswith("/"):
        raise ValueError(f"must name a file, as {_SQLITE}/var/lib/lathe/lathe.db or {DEFAULT_DATABASE_URL} do")
    file = Path(unquote(path)).absolute()
    if not file.parent.is_dir():
        raise ValueError(f"names a file in a folder that is not there: mkdir -p {file.parent}")
    if file.is_dir():
        raise ValueError(f"names a folder, {file}; add the name of the database file")
    return f"{_SQLITE}{quote(str(file))}", file


def _connectable(url: str) -> bool:
    """Whether libpq can read this address, and reads it as people do.

    It takes an @ or / in a password for its end, and the rest for a host or a database, whose names may be shown.
    """
    # Here, so that a SQLite installation never loads the PostgreSQL driver and its libraries.
    import psycopg  # noqa: PLC0415
    from psycopg.conninfo import conninfo_to_dict, timeout_from_conninfo  # noqa: PLC0415

    try:
        parameters = conninfo_to_dict(url)
        timeout_from_conninfo(parameters)
    except (psycopg.ProgrammingError, UnicodeError):
        return False
    ports = str(parameters.get("port", "")).split(",")
    return bool(_ONE_AT_SIGN.fullmatch(url)) and all(re.fullmatch("[0-9]{0,5}", port) for port in ports)


def _base_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError unless it is a number that ports have
    except ValueError:
        parts = urlsplit("")
    whole = parts.scheme in ("http", "https") and parts.hostname and re.fullmatch(r"[!-~]+", url)
    if not whole or parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be the address that people open, without a path, as https://lathe.example.com")
    return f"{parts.scheme}://{parts.netloc}"


def _plain_http(base_url: str | None) -> tuple[str, ...]:
    if base_url is None or base_url.startswith("https://") or is_loopback(urlsplit(base_url).hostname or ""):
        return ()
    warning = (
        f"LATHE_BASE_URL is {base_url}: passwords and keys travel readable for everyone on the way, and session cookies"
        " lack the protection that https gives; serve it behind https"
    )
    return (warning,)


def is_loopback(host: str) -> bool:
    """Whether what is sent to this host stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _file(path: str) -> Path | None:
    return Path(path).absolute()


def _beside(database_file: Path | None) -> Path | None:
    return database_file.with_name(f"{database_file.name}.key") if database_file else None


def _networks(text: str) -> tuple[str, ...]:
    networks = []
    for part in filter(None, re.split(r"[,\s]+", text)):
        try:
            networks.append(str(ipaddress.ip_network(part, strict=False)))
        except ValueError:
            raise ValueError(
                f"holds {part!r}, which is no address or network; separate several by commas: 10.0.0.0/8, 192.0.2.7"
            ) from None
    return tuple(networks)


def _log_format(text: str) -> LogFormat:
    try:
        return LogFormat(text)
    except ValueError:
        raise ValueError(f"is {text!r}; it must be console or json") from None
