"""Settings in, running parts out: the only place that knows every adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from attrs import frozen

from lathe.adapters.clock import SystemClock
from lathe.adapters.feed import WatchingFeed
from lathe.adapters.http.reports import OwnParser
from lathe.adapters.ids import RandomIds
from lathe.adapters.ingest import Ingest
from lathe.adapters.memory.store import MemoryStore
from lathe.adapters.passwords import Argon2Passwords
from lathe.adapters.providers import parsers
from lathe.adapters.secret_box import AesGcmBox, random_key
from lathe.adapters.sql import is_current, migrate, open_store
from lathe.adapters.sql.store import SqlStore
from lathe.adapters.web.parts import Parts
from lathe.application.ports import Clock, Ids, SecretBox, Store
from lathe.domain.errors import Unavailable
from lathe.entrypoints.secret_key import has_content, key_fault, open_box
from lathe.entrypoints.settings import BadSettings, Settings, examine

PARSERS: Final = parsers(OwnParser())
"""What reads the deliveries of each provider."""

PROVIDERS: Final = tuple(PARSERS)
"""Whose deliveries are taken."""


@frozen(kw_only=True)
class Running(Parts):
    """All parts, with an intake and a feed that are closed along with the server."""

    intake: Ingest
    feed: WatchingFeed


@frozen
class Workbench:
    """What a command works with, beside a running server or without one."""

    settings: Settings
    store: Store
    ids: Ids
    box: SecretBox


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings of this process. Raises BadSettings with all faults, the secret key file's included."""
    settings, faults = examine(environ)
    if not faults.keys() & {"LATHE_DATABASE_URL", "LATHE_SECRET_KEY_FILE"} and (fault := key_fault(settings)):
        faults["LATHE_SECRET_KEY_FILE"] = fault
    if faults:
        raise BadSettings(tuple(faults.values()))
    return settings


def prepare(settings: Settings) -> None:
    """Make the database if it is not there, with its key, and bring its schema up to date.

    Safe when several processes do it at once. Raises BadSettings, Unavailable.
    """
    open_box(settings)
    migrate(settings.database_url)


def compose(settings: Settings) -> Running:
    """Open a prepared database and wire everything around it. Raises BadSettings, Unavailable."""
    store = open_store(settings.database_url)
    return _wired(
        store,
        open_box(settings),
        _readiness(store, settings),
        base_url=settings.base_url,
        trusted_proxies=settings.trusted_proxies,
    )


def in_memory(clock: Clock | None = None, *, base_url: str | None = None) -> Running:
    """Return everything wired around a store in memory: for developers and tests. Nothing outlives the process."""
    box = AesGcmBox.with_keys([random_key()])
    return _wired(MemoryStore(clock or SystemClock()), box, lambda: None, base_url=base_url)


@contextmanager
def workbench(settings: Settings) -> Iterator[Workbench]:
    """Open a database that is there and migrated, for one command. Raises Unavailable, naming it, if it is not."""
    name = database_name(settings)
    if settings.database_file is not None and not has_content(settings.database_file):
        raise Unavailable(f"there is no database {name}: run `lathe migrate` or `lathe serve` first")
    if not is_current(settings.database_url):
        raise Unavailable(f"the database {name} is not up to date with this program: run `lathe migrate` first")
    store = open_store(settings.database_url)
    try:
        yield Workbench(settings, store, RandomIds(), open_box(settings))
    finally:
        store.close()


def database_name(settings: Settings) -> str:
    """Return which database is meant, as people may read it: the full path of a file, an address without password."""
    if settings.database_file is not None:
        return str(settings.database_file)
    scheme, _, rest = settings.database_url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"


def _wired(
    store: Store,
    box: SecretBox,
    unready: Callable[[], str | None],
    *,
    base_url: str | None,
    trusted_proxies: tuple[str, ...] = (),
) -> Running:
    ids = RandomIds()
    return Running(
        store=store,
        intake=Ingest(store, ids),
        feed=WatchingFeed(store),
        ids=ids,
        box=box,
        hasher=Argon2Passwords(),
        parsers=PARSERS,
        unready=unready,
        base_url=base_url,
        trusted_proxies=trusted_proxies,
        own_parser=OwnParser(),
    )


def _readiness(store: SqlStore, settings: Settings) -> Callable[[], str | None]:
    """Return the check behind ``/readyz``. A schema that was current once stays good for this process."""
    current = False

    def unready() -> str | None:
        nonlocal current
        try:
            store.ping()
            current = current or is_current(settings.database_url)
        except Unavailable as away:
            return away.detail
        return None if current else "the database is not migrated"

    return unready
