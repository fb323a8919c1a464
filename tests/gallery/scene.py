"""The real application on a database of its own, with four organizations in it, at a time that stands still."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvicorn
from attrs import frozen

from lathe.adapters.feed import WatchingFeed
from lathe.adapters.http.reports import OwnParser
from lathe.adapters.ids import RandomIds
from lathe.adapters.ingest import Ingest
from lathe.adapters.memory.clock import MORNING, SettableClock
from lathe.adapters.passwords import Argon2Passwords
from lathe.adapters.secret_box import AesGcmBox, random_key
from lathe.adapters.sql import migrate, open_store
from lathe.application import login, organizations
from lathe.domain.organization import Member, Role, User
from lathe.domain.session import LinkPurpose
from lathe.entrypoints.asgi import create_app
from lathe.entrypoints.compose import PARSERS, Running
from lathe.entrypoints.sample import Sample, make_sample
from tests.gallery import acme, busy
from tests.unit.ui import sample
from tests.unit.ui.world import PASSWORD, Person, World

if TYPE_CHECKING:
    from lathe.application.ports import Transaction
    from lathe.domain.organization import Organization

BASE_URL: Final = "https://lathe.acme.example"
"""What the pages call this server, whatever port it listens on."""

NOW: Final = MORNING
_STAFF: Final = (
    ("admin", "Ann Lindqvist", Role.ADMIN),
    ("tester", "Tom Okafor", Role.TESTER),
    ("viewer", "Vic Moreau", Role.VIEWER),
)


@frozen
class Scene:
    """The server's address, a link that sets it up, and what is in each organization, by slug.

    ``acme`` is a month into its work; ``atelier`` has just been made; ``edges`` holds what is hard to show; ``mill``
    has long lists; in ``quiet`` nothing waits.
    """

    address: str
    setup_token: str
    worlds: dict[str, World]


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """Make the database in a folder, serve it, and fill it, as long as the block lasts."""
    url = f"sqlite:///{folder}/lathe.db"
    migrate(url)
    clock = SettableClock(NOW - timedelta(days=22))
    store = open_store(url, clock=clock)
    drawn = random.Random(482)
    ids = RandomIds(lambda: int(clock.now().timestamp() * 1e9), drawn.randbytes)
    parts = Running(
        store=store,
        intake=Ingest(store, ids),
        feed=WatchingFeed(store, every=0.1),
        ids=ids,
        box=AesGcmBox.with_keys([random_key()]),
        hasher=Argon2Passwords(),
        parsers=PARSERS,
        unready=lambda: None,
        base_url=BASE_URL,
        own_parser=OwnParser(),
    )
    demo = make_sample(store, ids, parts.box)
    with serving(parts) as address:
        worlds = _filled(parts, clock, demo, address)
        yield Scene(address, _setup_token(parts), worlds)


def _filled(parts: Running, clock: SettableClock, demo: Sample, address: str) -> dict[str, World]:
    hashed = parts.hasher.hash(PASSWORD)
    worlds = {"acme": _staffed(parts, clock, organizations.find(parts.store, "acme"), hashed)}
    acme.fill(worlds["acme"], demo, address, NOW)
    for slug, name in (("atelier", "Atelier"), ("edges", "Edges"), ("mill", "Mill"), ("quiet", "Quiet")):
        made = organizations.create(parts.store, parts.ids, name)
        worlds[slug] = _staffed(parts, clock, made, hashed, slug)
    sample.fill(worlds["edges"])
    busy.fill(worlds["mill"])
    busy.fill_quiet(worlds["quiet"])
    for world in worlds.values():
        for who, one in world.people.items():  # a month is longer than a session lasts
            world.people[who] = Person(one.user, log_in(world, who, "Firefox on Linux"))
    return worlds


def _setup_token(parts: Running) -> str:
    """Return the token of a set-up link, as if nobody were set up."""
    token = parts.ids.entropy(32).hex()
    parts.store.write(lambda tx: tx.links.add(login.new_link(tx, token, LinkPurpose.SETUP)))
    return token


def _staffed(parts: Running, clock: SettableClock, organization: Organization, hashed: str, at: str = "acme") -> World:
    """Return an organization with its people, each of them logged in."""
    made: dict[str, Person] = {}

    def work(tx: Transaction) -> None:
        for kind, name, role in _STAFF:
            email = f"{name.partition(' ')[0].lower()}@{at}.example"
            person = Person(User(parts.ids.new(), email, name, tx.now(), hashed), parts.ids.entropy(32).hex())
            tx.users.add(person.user)
            tx.users.join(Member(organization.id, person.user.id, role, tx.now()))
            made[kind] = person

    parts.store.write(work)
    return World(parts, clock, organization, made)


def log_in(world: World, who: str, browser: str) -> str:
    """Return the token of a new session of somebody."""
    parts, person = world.parts, world.people[who]
    token = parts.ids.entropy(32).hex()
    parts.store.write(lambda tx: login.open_session(tx, person.user.id, token, browser))
    return token


@contextmanager
def serving(parts: Running) -> Iterator[str]:
    """Serve the application on a free port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(parts), log_config=None, ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        parts.feed.close()
        server.should_exit = True
        thread.join()
        listening.close()
