"""Invented months of receiving: what CI systems would have reported, placed by the product's own rules.

Everything is made of the domain's own values, so that what is stored is what receiving would have stored: builds with
their placements, queue entries that wait or were decided, identities, deliveries and the audit log of decisions.
"""

from __future__ import annotations

import random  # noqa: TID251 - the same history every time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import orjson
from attrs import evolve, field, frozen

from lathe.adapters.ids import RandomIds
from lathe.domain.audit import Action, AuditEvent, Subject, SubjectKind, event_id
from lathe.domain.build import Build, Filed
from lathe.domain.build_report import BuildFacts, BuildReport, BuildStatus
from lathe.domain.delivery import API, CredentialKind, Delivery, DeliveryStatus
from lathe.domain.identity import Identity, identity_key
from lathe.domain.matching import match
from lathe.domain.organization import Actor
from lathe.domain.placement import Placement, filed_by_hand, place
from lathe.domain.project import LinkedProject
from lathe.domain.queue_entry import Assignment, QueueEntry, Rejection, RejectReason
from lathe.domain.release import Release, ReleaseState
from lathe.domain.repo_url import RepoUrl
from lathe.domain.repository import Repository
from lathe.entrypoints.sample_bodies import commit_of, commit_status, event_headers

SOURCES: Final = ("bitbucket",) * 16 + ("jenkins",) * 3 + ("teamcity",)
AUTHORS: Final = (
    "Mira Holm",
    "Jonas Weber",
    "Ana Ribeiro",
    "Tom Lind",
    "Sena Okafor",
    "Li Wei",
    "Eva Novak",
    "Kai Berg",
)
DECIDERS: Final = tuple(Actor("user", UUID(int=n), name) for n, name in enumerate(AUTHORS[:4], 1))
FROM_QUEUE: Final = 40
"""One build of so many was filed by hand, from the queue."""

_MONTHS: Final = timedelta(days=270)
_HOUR: Final = timedelta(hours=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_RUN: Final = timedelta(minutes=4)


@frozen
class Stream:
    """Whose builds are reported: a repository, its project if it is linked, and where builds go as time goes by.

    ``releases`` took the builds one after the other, the last one still does; none: what comes waits.
    """

    repository: Repository
    linked: LinkedProject | None = None
    releases: tuple[Release, ...] = ()
    _placements: dict[UUID | None, Placement] = field(factory=dict, eq=False, repr=False)

    def placement(self, facts: BuildFacts, release: Release | None) -> Placement:
        """Return what the rules said while ``release`` was the active one."""
        key = release.id if release else None
        found = self._placements.get(key)
        if found is None:
            report = BuildReport(facts=facts, repository_uuid=self.repository.uuid)
            active = [evolve(release, state=ReleaseState.ACTIVE)] if release else []
            found = place(facts, match(report, [self.linked] if self.linked else []), active)
            self._placements[key] = found
        return found


@frozen
class Come:
    """Everything that one delivery left behind, and what people decided about it later."""

    identity: Identity
    delivery: Delivery
    build: Build | None = None
    entry: QueueEntry | None = None
    event: AuditEvent | None = None


class History:
    """Goes through the months and reports builds, the oldest first."""

    def __init__(self, now: datetime, filing: Sequence[Stream], waiting: Sequence[Stream], key_id: UUID) -> None:
        """``filing`` are those whose builds are filed, ``waiting`` those whose builds wait; ``key_id`` is the API key
        that everything came with."""
        self._now, self._filing, self._waiting, self._key_id = now, filing, waiting, key_id
        self._random = random.Random(20)
        self._at = now
        self._ids = RandomIds(lambda: (self._at - _EPOCH) // _MICROSECOND * 1000)
        self.highest: dict[UUID, int] = {}
        """The highest build number of each repository so far."""

    def go(self, builds: int, pending: int, rejected: int, bodies: int) -> Iterator[Come]:
        """Report so many builds that are filed, that wait still, and that were rejected, all mixed.

        Deliveries of the last ``bodies`` of them have their bodies; those of others were removed since.
        """
        left = {"build": builds, "pending": pending, "rejected": rejected}
        total = sum(left.values())
        for turn in range(total):
            spread = turn + self._random.random()
            self._at = self._now - _MONTHS * (1 - spread / total)
            kind = self._random.choices(list(left), list(left.values()))[0]
            left[kind] -= 1
            yield self._one(kind, turn / total, kept=total - turn <= bodies)

    def _one(self, kind: str, elapsed: float, *, kept: bool) -> Come:
        streams = self._filing if kind == "build" else self._waiting
        # A few repositories are built far more often than most.
        stream = streams[int(len(streams) * self._random.random() ** 2)]
        number = self.highest.get(stream.repository.id, 0) + 1
        self.highest[stream.repository.id] = number
        facts = self._facts(stream, number, elapsed)
        release = stream.releases[int(len(stream.releases) * elapsed)] if stream.releases else None
        placement = stream.placement(facts, release)
        identity = self._identity(stream, facts)
        build: Build | None
        if kind == "build" and number % FROM_QUEUE:
            build = self._build(stream, facts, placement, release, identity)
            entry = event = None
        else:
            first = placement if kind != "build" else stream.placement(facts, None)
            entry = self._entry(stream, facts, first, identity)
            entry, build, event = self._decided(kind, entry, release)
        came = build if entry is None else None
        identity = evolve(identity, build_id=build.id if build else None, entry_id=entry.id if entry else None)
        return Come(identity, self._delivery(facts, came, entry, number, kept=kept), build, entry, event)

    def _facts(self, stream: Stream, number: int, elapsed: float) -> BuildFacts:
        url = stream.repository.url
        assert url, "repositories of this history have one"
        source = SOURCES[number % len(SOURCES)]
        branch = _branch(number, elapsed)
        return BuildFacts(
            source=source,
            name=f"Pipeline #{number} for {branch}",
            build_number=str(number),
            run_id=None if source == "bitbucket" else f"{url.slug}/{number}",
            commit_sha=commit_of(url.full_name, number),
            branch=branch,
            repo_url=url,
            url=f"{url.https}/addon/pipelines/home#!/results/{number}",
            author=AUTHORS[number % len(AUTHORS)],
            finished_at=self._at,
        )

    def _identity(self, stream: Stream, facts: BuildFacts) -> Identity:
        of, repository_id = stream.repository.organization_id, stream.repository.id
        key = identity_key(BuildReport(facts=facts, repository_uuid=stream.repository.uuid), repository_id)
        assert key, "every one of these has a number"
        found = Identity(of, self._ids.new(), key, 0, facts.status, self._at, True)
        return evolve(found, commit_sha=facts.commit_sha, branch=facts.branch)

    def _build(
        self, stream: Stream, facts: BuildFacts, placement: Placement, release: Release | None, identity: Identity
    ) -> Build:
        assert release, "what is filed is filed under a release"
        return Build(
            identity.organization_id,
            self._ids.new(),
            release.project_id,
            release.id,
            facts,
            Filed.AUTOMATICALLY,
            verified=True,
            placement=placement,
            created_at=self._at,
            repository_id=stream.repository.id,
            identity_id=identity.id,
        )

    def _entry(self, stream: Stream, facts: BuildFacts, placement: Placement, identity: Identity) -> QueueEntry:
        assert placement.reason, "what waits has a reason"
        return QueueEntry(
            identity.organization_id,
            self._ids.new(),
            facts,
            verified=True,
            reason=placement.reason,
            placement=placement,
            created_at=self._at,
            candidates=placement.candidates,
            project_id=placement.project_id,
            placed_project_id=placement.project_id,
            repository_id=stream.repository.id,
            identity_id=identity.id,
        )

    def _decided(
        self, kind: str, entry: QueueEntry, release: Release | None
    ) -> tuple[QueueEntry, Build | None, AuditEvent | None]:
        """Let somebody decide about an entry an hour later, unless it waits still."""
        if kind == "pending":
            return entry, None, None
        by, at = DECIDERS[entry.id.int % len(DECIDERS)], min(entry.created_at + _HOUR, self._now)
        build = None
        if kind == "rejected":
            rejection = Rejection(RejectReason.WRONG_BRANCH)
            entry, action, said = entry.rejected(rejection, by, at), Action.REJECTED, rejection.said()
        else:
            assert release, "what is filed is filed under a release"
            assignment = Assignment(self._ids.new(), release.id, release.name)
            entry, action, said = entry.assigned(assignment, release.project_id, by, at), Action.ASSIGNED, release.name
            build = Build(
                entry.organization_id,
                assignment.build_id,
                release.project_id,
                release.id,
                entry.facts,
                Filed.BY_HAND,
                verified=True,
                placement=filed_by_hand(entry.placement, f"{by.name} assigned it", release),
                created_at=at,
                repository_id=entry.repository_id,
                identity_id=entry.identity_id,
                entry_id=entry.id,
            )
        subject = Subject(SubjectKind.ENTRY, entry.id, entry.facts.name)
        return entry, build, AuditEvent(entry.organization_id, event_id(at, entry.id), at, by, action, subject, said)

    def _delivery(
        self,
        facts: BuildFacts,
        build: Build | None,
        entry: QueueEntry | None,
        number: int,
        *,
        kept: bool,
    ) -> Delivery:
        webhook = facts.source == "bitbucket"
        sent_as = str(UUID(int=self._random.getrandbits(128), version=4)) if webhook else None
        came = build or entry
        assert came, "every report left something"
        return Delivery(
            came.organization_id,
            self._ids.new(),
            "bitbucket" if webhook else API,
            CredentialKind.KEY,
            self._key_id,
            self._at,
            _body(facts, number) if kept else b"",
            DeliveryStatus.CREATED if build else DeliveryStatus.QUEUED,
            _headers(sent_as),
            "repo:commit_status_updated" if webhook else None,
            sent_as,
            entry.reason if entry else None,
            build.id if build else None,
            entry.id if entry else None,
            came.placement,
        )


def stray(organization_id: UUID, ids: RandomIds, number: int, at: datetime) -> Repository:
    """Return a repository whose name fits no project."""
    url = RepoUrl.parse(f"https://bitbucket.org/elsewhere/stray-{number}x")
    return Repository(organization_id, ids.new(), url, f"bitbucket:{ids.new()}", "bitbucket", at)


def _branch(number: int, elapsed: float) -> str:
    """Half is built from main, the rest from branches that come and go."""
    if number % 2:
        return "main"
    if number % 8 == 0:
        return f"release/{1 + int(elapsed * 9)}.{int(elapsed * 90) % 10}"
    return "develop" if number % 4 == 0 else f"feature/task-{number // 24}"


def _headers(sent_as: str | None) -> dict[str, str]:
    if sent_as is None:
        return {"content-type": "application/json", "user-agent": "lathe-report"}
    return {name.lower(): value for name, value in event_headers("repo:commit_status_updated", sent_as).items()}


def _body(facts: BuildFacts, number: int) -> bytes:
    assert facts.repo_url, "every one of these has one"
    assert facts.finished_at, "every one of these has ended"
    if facts.source != "bitbucket":
        return orjson.dumps(_own_body(facts, facts.repo_url))
    made = commit_status(
        repository=facts.repo_url.full_name,
        number=number,
        branch=facts.branch,
        commit=facts.commit_sha,
        created_on=facts.finished_at - _RUN,
        updated_on=facts.finished_at,
        author=facts.author or "",
    )
    return orjson.dumps(made)


def _own_body(facts: BuildFacts, url: RepoUrl) -> Mapping[str, str | None]:
    names = ("name", "source", "build_number", "run_id", "commit_sha", "branch", "url", "author")
    return {name: getattr(facts, name) for name in names} | {
        "repo_url": url.https,
        "status": BuildStatus.SUCCESSFUL.value,
    }
