"""What came in: every stored delivery, what it said, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from attrs import evolve, field, frozen

from lathe.application.intake import BuildView, EntryView, Reading
from lathe.application.lists import DeliveryFilter, Looked, Place
from lathe.application.ports import ReportParser, Store, Transaction
from lathe.application.views import build_views, entry_views
from lathe.domain.api_key import ApiKey
from lathe.domain.build_report import BuildFacts, BuildReport
from lathe.domain.delivery import CredentialKind, Delivery
from lathe.domain.errors import Malformed
from lathe.domain.hook import Hook
from lathe.domain.repo_url import RepoUrl

LOOKED_AT: Final = 5000
"""How many deliveries one page of the list looks at in search of those that are wanted."""

_CHUNKS: Final = 10
_CHUNK: Final = 100
_BODIES: Final = 32 * 1024 * 1024
"""In search of a text, bodies are read: at most ten times a hundred, and not many more bytes than these."""

Readers = Mapping[str, ReportParser]
"""What reads the deliveries of each source."""


@frozen
class Search:
    """What is looked for: a filter, and a text that stands anywhere in a delivery, case aside.

    The address of a repository finds every spelling of it. Bodies are searched only ``in_bodies``: whoever may not see
    them must not learn by trying what is in them.
    """

    wanted: DeliveryFilter = field(factory=DeliveryFilter)
    text: str = ""
    in_bodies: bool = False


@frozen
class Row:
    """A delivery, what was read from it, and the build or entry that it led to, as they are now.

    The delivery's body is kept only where it may be seen. ``facts`` are None where it carries no report.
    """

    delivery: Delivery
    facts: BuildFacts | None = None
    build: BuildView | None = None
    entry: EntryView | None = None


@frozen
class Credentials:
    """What deliveries come with: the keys and hooks of an organization, and the names of those and of its people."""

    keys: list[ApiKey]
    hooks: list[Hook]
    names: dict[UUID, str]

    @property
    def refused_by_keys(self) -> int:
        """How many requests were refused for the limit of their key. They are counted, not stored."""
        return sum(key.refused for key in self.keys)

    @property
    def refused_by_hooks(self) -> int:
        """How many requests to webhooks were refused: wrong signature, or the limit."""
        return sum(hook.refused for hook in self.hooks)


@frozen
class DeliveryList:
    """A page of the list, and where it goes on. ``any`` tells whether anything was ever received."""

    rows: list[Row]
    next: Place | None
    any: bool
    credentials: Credentials
    now: datetime


def delivery_list(
    store: Store, readers: Readers, organization_id: UUID, search: Search, *, limit: int, after: Place | None
) -> DeliveryList:
    """Return a page of the list with everything that is shown beside each delivery."""

    def work(tx: Transaction) -> DeliveryList:
        looked = found(tx, readers, organization_id, search, limit=limit, after=after, bodies=True)
        return DeliveryList(
            _rows(tx, readers, organization_id, looked.rows),
            looked.next,
            bool(looked.rows or tx.deliveries.newest(organization_id, 1)),
            credentials(tx, organization_id),
            tx.now(),
        )

    return store.read(work)


def listed(
    store: Store, readers: Readers, organization_id: UUID, search: Search, *, limit: int, after: Place | None
) -> tuple[Looked, dict[UUID, str]]:
    """Return a page of deliveries alone, and the names of what they came with."""

    def work(tx: Transaction) -> tuple[Looked, dict[UUID, str]]:
        looked = found(tx, readers, organization_id, search, limit=limit, after=after)
        return looked, credential_names(tx, organization_id, looked.rows)

    return store.read(work)


def found(
    tx: Transaction,
    readers: Readers,
    organization_id: UUID,
    search: Search,
    *,
    limit: int,
    after: Place | None,
    bodies: bool = False,
) -> Looked:
    """Return up to ``limit`` that are looked for, and where to go on: perhaps none, and yet there are some further on.

    Bodies come along where they are wanted, or had to be read to search for a text.
    """
    if not search.text:
        return tx.deliveries.look(organization_id, search.wanted, limit, after, LOOKED_AT, bodies=bodies)
    rows: list[Delivery] = []
    read = 0
    for _ in range(_CHUNKS):
        share = LOOKED_AT // _CHUNKS
        looked = tx.deliveries.look(organization_id, search.wanted, _CHUNK, after, share, bodies=True)
        for row in looked.rows:
            read += len(row.body)
            if _holds(row, readers, search):
                rows.append(row)
                if len(rows) == limit:
                    over = row is looked.rows[-1] and looked.next is None
                    return Looked(rows, None if over else Place(row.received_at, row.id))
        after = looked.next
        if after is None or read > _BODIES:
            break
    return Looked(rows, after)


def _holds(row: Delivery, readers: Readers, search: Search) -> bool:
    url = RepoUrl.parse(search.text)
    text = (url.full_name if url else search.text).casefold()
    return any(text in one.casefold() for one in _texts(row, readers, in_bodies=search.in_bodies))


def _texts(row: Delivery, readers: Readers, *, in_bodies: bool) -> Iterator[str]:
    """Go through all that a delivery is found by."""
    yield from (one for one in (row.event, row.provider_delivery_id, row.reason and row.reason.detail) if one)
    if row.placement:
        yield from (step.detail for step in row.placement.steps)
    if in_bodies:
        yield row.body.decode("utf-8", "replace").replace("\\/", "/")
    if facts := facts_of(readers, row):
        named = (facts.name, facts.build_number, facts.branch, facts.tag, facts.commit_sha, facts.author)
        yield from (one for one in named if one)
        if facts.repo_url:
            yield facts.repo_url.key


@frozen
class DeliveryPage:
    """One delivery. ``name`` is that of what it came with."""

    row: Row
    name: str | None
    now: datetime


def delivery_page(
    store: Store, readers: Readers, organization_id: UUID, delivery_id: UUID, *, body: bool
) -> DeliveryPage:
    """Return one delivery, its body only where that may be seen. Raises NotFound."""

    def work(tx: Transaction) -> DeliveryPage:
        delivery = tx.deliveries.get(organization_id, delivery_id)
        (row,) = _rows(tx, readers, organization_id, [delivery])
        name = credential_names(tx, organization_id, [delivery]).get(delivery.credential_id)
        return DeliveryPage(evolve(row, delivery=delivery) if body else row, name, tx.now())

    return store.read(work)


def read_again(readers: Readers, delivery: Delivery) -> Reading:
    """Return what a stored delivery says, to today's eyes."""
    parser = readers.get(delivery.source)
    if not delivery.body:
        return Reading(delivery.event, None, Malformed("Its body is not kept"))
    if parser is None:
        return Reading(delivery.event, None, Malformed(f"Nothing reads deliveries of {delivery.source} any more"))
    return parser.read(delivery.headers, delivery.body)


def facts_of(readers: Readers, delivery: Delivery) -> BuildFacts | None:
    """Return the facts of a build that a delivery carries, without userinfo; None if it carries none."""
    content = read_again(readers, delivery).content
    return content.facts.without_userinfo() if isinstance(content, BuildReport) else None


def credentials(tx: Transaction, organization_id: UUID) -> Credentials:
    """Return everything that deliveries can have come with."""
    keys, hooks = tx.keys.all(organization_id), tx.hooks.all(organization_id)
    people = {user.id: user.name for user, _ in tx.users.members(organization_id)}
    return Credentials(keys, hooks, people | {key.id: key.name for key in keys})


def credential_names(tx: Transaction, organization_id: UUID, deliveries: Collection[Delivery]) -> dict[UUID, str]:
    """Return the names of the keys and people that deliveries came by; hooks have none."""
    kinds = {one.credential for one in deliveries}
    named = kinds & {CredentialKind.KEY, CredentialKind.REPLAY}
    return credentials(tx, organization_id).names if named else {}


def _rows(tx: Transaction, readers: Readers, organization_id: UUID, deliveries: Sequence[Delivery]) -> list[Row]:
    """Complete deliveries with what was read from them and what they led to, in sets; bodies are left out."""
    builds = tx.builds.some(organization_id, {one.build_id for one in deliveries if one.build_id})
    entries = tx.entries.some(organization_id, {one.entry_id for one in deliveries if one.entry_id})
    filed = {view.build.id: view for view in build_views(tx, organization_id, list(builds.values()))}
    queued = {view.entry.id: view for view in entry_views(tx, organization_id, list(entries.values()))}
    return [
        Row(
            evolve(one, body=b""),
            facts_of(readers, one),
            filed.get(one.build_id) if one.build_id else None,
            queued.get(one.entry_id) if one.entry_id else None,
        )
        for one in deliveries
    ]
