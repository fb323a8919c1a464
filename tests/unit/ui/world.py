"""An organization with something in every state that a page can show, and another one beside it."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from attrs import define, field, frozen
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from lathe.adapters import ui
from lathe.adapters.feed import WatchingFeed
from lathe.adapters.http.reports import OwnParser
from lathe.adapters.ids import RandomIds
from lathe.adapters.memory.clock import SettableClock
from lathe.adapters.memory.store import MemoryStore
from lathe.adapters.web.csrf import form_token
from lathe.adapters.web.edge import Edge
from lathe.adapters.web.parts import Parts
from lathe.adapters.web.problems import exception_handlers
from lathe.adapters.web.throttle import LoginThrottle
from lathe.application import login
from lathe.application.caller import Caller
from lathe.application.intake import Answer, Incoming
from lathe.application.ports import Store, Transaction
from lathe.domain.organization import Actor, Member, Organization, Role, User
from lathe.domain.queue_entry import QueueEntry
from lathe.entrypoints.compose import PARSERS

PASSWORD: Final = "correct horse battery staple"


class PlainPasswords:
    """A hasher that costs nothing."""

    def hash(self, password: str) -> str:
        return f"hash of {password}"

    def verify(self, stored: str | None, password: str) -> bool:
        return stored == f"hash of {password}"


class GlassBox:
    """A box that everybody can look into."""

    def seal(self, secret: bytes, context: bytes) -> bytes:
        return context + secret

    def open(self, sealed: bytes, context: bytes) -> bytes:
        return sealed.removeprefix(context)


class NoIntake:
    """Pages hand in no deliveries."""

    async def submit(self, incoming: Incoming) -> Answer:
        raise AssertionError(incoming)


def make_parts(store: Store, base_url: str | None = None) -> Parts:
    return Parts(
        store=store,
        intake=NoIntake(),
        feed=WatchingFeed(store, every=0.05),
        ids=RandomIds(),
        box=GlassBox(),
        hasher=PlainPasswords(),
        parsers=PARSERS,
        unready=lambda: None,
        base_url=base_url,
        own_parser=OwnParser(),
    )


def make_app(parts: Parts, throttle: LoginThrottle | None = None) -> Starlette:
    app = Starlette(
        routes=ui.routes(parts, throttle),
        middleware=[Middleware(Edge, ids=parts.ids, https=parts.https)],
        exception_handlers=exception_handlers,
    )
    ui.install(app, parts)
    app.router.redirect_slashes = False  # as in the whole application
    return app


@frozen
class Person:
    """Somebody who is logged in."""

    user: User
    token: str

    @property
    def csrf(self) -> str:
        return form_token(self.token)


@define
class World:
    """Everything that is there, by a name."""

    parts: Parts
    clock: SettableClock
    acme: Organization
    people: dict[str, Person] = field(factory=dict)
    ids: dict[str, UUID] = field(factory=dict)
    app: Starlette | None = None

    @property
    def caller(self) -> Caller:
        user = self.people["admin"].user
        return Caller(self.acme.id, Actor("user", user.id, user.name))

    def client(self, who: str | None = None, base_url: str = "http://lathe.test") -> Browser:
        self.app = self.app or make_app(self.parts)
        client = TestClient(self.app, base_url=base_url, follow_redirects=False)
        person = self.people[who] if who else None
        if person:
            client.cookies.set("lathe", person.token)
        return Browser(client, person)

    def entry(self, name: str) -> QueueEntry:
        return self.parts.store.read(lambda tx: tx.entries.get(self.acme.id, self.ids[name]))


@frozen
class Browser:
    """Sends forms as a browser does that shows one of our own pages."""

    client: TestClient
    person: Person | None

    def get(self, path: str) -> Any:
        return self.client.get(path)

    def post(self, path: str, /, **fields: Any) -> Any:
        """Send a form with its token, as our own page would; a field that is None is left out."""
        return self.post_with(path, {"Sec-Fetch-Site": "same-origin"}, **fields)

    def post_with(self, path: str, headers: dict[str, str], /, **fields: Any) -> Any:
        """Send a form with other headers."""
        sent = {"csrf": self.person.csrf} | fields if self.person else fields
        sent = {name: value for name, value in sent.items() if value is not None}
        said = {"Content-Type": "application/x-www-form-urlencoded"} | headers
        return self.client.post(path, data=sent, headers=said)


def make_world(base_url: str | None = None) -> World:
    """Return an empty organization with an admin, a tester and a viewer, and another one with an admin."""
    clock = SettableClock()
    parts = make_parts(MemoryStore(clock), base_url)
    acme = Organization(parts.ids.new(), "Acme", "acme", clock.now())
    other = Organization(parts.ids.new(), "Umbra", "umbra", clock.now())
    world = World(parts, clock, acme)

    def work(tx: Transaction) -> dict[str, User]:
        tx.organizations.add(acme)
        tx.organizations.add(other)
        made = {}
        for kind, name, organization, role in (
            ("admin", "Ann", acme, Role.ADMIN),
            ("tester", "Tom", acme, Role.TESTER),
            ("viewer", "Vic", acme, Role.VIEWER),
            ("stranger", "Olga", other, Role.ADMIN),
        ):
            hashed = parts.hasher.hash(PASSWORD)
            user = User(parts.ids.new(), f"{name.lower()}@acme.test", name, tx.now(), hashed)
            tx.users.add(user)
            tx.users.join(Member(organization.id, user.id, role, tx.now()))
            made[kind] = user
        return made

    for kind, user in parts.store.write(work).items():
        token = login.login(parts.store, parts.ids, parts.hasher, user.email, PASSWORD)
        world.people[kind] = Person(user, token)
    return world
