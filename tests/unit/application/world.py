"""A small organization over a memory store, with words for what tests do to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from attrs import evolve

from lathe.adapters.ids import RandomIds
from lathe.adapters.memory.clock import SettableClock
from lathe.adapters.memory.store import MemoryStore
from lathe.application import hooks, keys, organizations, projects, receive, releases
from lathe.application.caller import Caller
from lathe.application.intake import Answer, Incoming, Presented, Reading, Received, Refused
from lathe.application.lists import BuildFilter, EntryFilter
from lathe.application.ports import Transaction
from lathe.domain.api_key import Scope, key_hash
from lathe.domain.build import Build
from lathe.domain.build_report import BuildFacts, BuildReport, BuildStatus
from lathe.domain.delivery import CredentialKind, Delivery
from lathe.domain.errors import LatheError
from lathe.domain.hook import Hook, Provider
from lathe.domain.organization import Actor
from lathe.domain.project import Files, Project
from lathe.domain.queue_entry import QueueEntry
from lathe.domain.release import Release, ReleaseState
from lathe.domain.repo_url import RepoUrl
from lathe.domain.steps import Reason

T = TypeVar("T")

NOON = datetime.fromisoformat("2026-03-14T12:00:00+00:00")
MINUTE = timedelta(minutes=1)
PAY = "https://bitbucket.org/acme/pay-api"
UUID_OF_PAY = "bitbucket:11111111-1111-4111-8111-111111111111"


class PlainBox:
    """A box that seals nothing, for tests that are not about secrecy; the context must fit all the same."""

    def seal(self, secret: bytes, context: bytes) -> bytes:
        return context + secret

    def open(self, sealed: bytes, context: bytes) -> bytes:
        if not sealed.startswith(context):
            raise ValueError("sealed in another context")
        return sealed.removeprefix(context)


class World:
    """One organization with a key, at noon; nothing else until a test makes it."""

    def __init__(self, name: str = "Acme", clock: SettableClock | None = None) -> None:
        self.clock = clock or SettableClock(NOON)
        self.store = MemoryStore(self.clock)
        self.ids = RandomIds()
        self.box = PlainBox()
        self.organization = organizations.create(self.store, self.ids, name)
        self.ann = self.person("Ann")
        self.ben = self.person("Ben")
        self.key, self.key_text = keys.create(self.store, self.ids, self.ann, "ci", list(Scope), rate_limit=None)

    def person(self, name: str) -> Caller:
        return Caller(self.organization.id, Actor("user", self.ids.new(), name))

    def later(self, **time: float) -> None:
        self.clock.advance(timedelta(**time))

    def project(self, name: str, *repositories: str, files: Files = Files.SUCCESSFUL) -> Project:
        return projects.create(self.store, self.ids, self.ann, name, repositories, files=files).project

    def release(
        self, project: Project, name: str, *patterns: str, state: ReleaseState = ReleaseState.ACTIVE
    ) -> Release:
        self.later(seconds=1)
        return releases.create(self.store, self.ids, self.ann, project.id, name, state=state, branch_patterns=patterns)

    def hook(self) -> tuple[Hook, str]:
        return hooks.create(self.store, self.ids, self.box, self.ann, Provider.BITBUCKET)

    def change(self, *, allow_org_id: bool | None = None, confirm_name_matches: bool | None = None) -> None:
        self.organization = organizations.change(
            self.store, self.ann, allow_org_id=allow_org_id, confirm_name_matches=confirm_name_matches
        )

    # --- receiving ---

    def by_key(self, text: str | None = None) -> Presented:
        return Presented(CredentialKind.KEY, key_hash=key_hash(text or self.key_text))

    def by_hook(self, hook: Hook) -> Presented:
        return Presented(CredentialKind.HOOK, hook_id=hook.id)

    def by_id(self, organization_id: UUID | None = None) -> Presented:
        return Presented(CredentialKind.ORGANIZATION, organization_id=organization_id or self.organization.id)

    def incoming(
        self,
        content: BuildReport | Reason | LatheError,
        *,
        by: Presented | None = None,
        delivery_id: str | None = None,
        source: str = "bitbucket",
        body: bytes = b"{}",
    ) -> Incoming:
        reading = Reading("repo:commit_status_updated", delivery_id, content)
        headers = {"x-event-key": "repo:commit_status_updated", "authorization": "Bearer secret"}
        return Incoming(by or self.by_key(), source, reading, body, headers)

    def send(self, content: BuildReport | Reason | LatheError, **how: Any) -> Answer:
        return self.send_all([self.incoming(content, **how)])[0]

    def send_all(self, batch: Sequence[Incoming]) -> list[Answer]:
        return receive.receive(self.store, self.ids, batch)

    def received(self, content: BuildReport | Reason | LatheError, **how: Any) -> Received:
        answer = self.send(content, **how)
        assert isinstance(answer, Received), answer
        return answer

    def refused(self, content: BuildReport | Reason | LatheError, **how: Any) -> Refused:
        answer = self.send(content, **how)
        assert isinstance(answer, Refused), answer
        return answer

    # --- looking ---

    def read(self, work: Callable[[Transaction], T]) -> T:
        return self.store.read(work)

    def builds(self) -> list[Build]:
        return self.read(lambda tx: tx.builds.page(self.organization.id, BuildFilter(), 1000, None))

    def entries(self) -> list[QueueEntry]:
        return self.read(lambda tx: tx.entries.page(self.organization.id, EntryFilter(status=None), 1000, None))

    def build(self, build_id: UUID) -> Build:
        return self.read(lambda tx: tx.builds.get(self.organization.id, build_id))

    def entry(self, entry_id: UUID) -> QueueEntry:
        return self.read(lambda tx: tx.entries.get(self.organization.id, entry_id))

    def delivery(self, delivery_id: UUID) -> Delivery:
        return self.read(lambda tx: tx.deliveries.get(self.organization.id, delivery_id))


def report(
    number: int = 482,
    *,
    repository: str | None = "https://bitbucket.org/acme/pay-api",
    status: BuildStatus = BuildStatus.SUCCESSFUL,
    branch: str | None = "main",
    at: datetime | None = NOON,
    uuid: str | None = None,
    **facts: Any,
) -> BuildReport:
    """Return the report of a Bitbucket pipeline's build."""
    known = BuildFacts(
        source="bitbucket",
        name=f"Pipeline #{number} for {branch}",
        status=status,
        build_number=str(number),
        commit_sha=f"{number:040x}",
        branch=branch,
        repo_url=RepoUrl.parse(repository),
        finished_at=at if status.finished else None,
    )
    return BuildReport(facts=evolve(known, **facts), repository_uuid=uuid, updated_at=at)
