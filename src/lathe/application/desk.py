"""The desk where deliveries are decided, one after another; what each does is seen by the next."""

from __future__ import annotations

from uuid import UUID

from attrs import evolve, frozen

from lathe.application.admission import Gate
from lathe.application.intake import Admission, Answer, Changes, Incoming, Known, Once, Received, Refused
from lathe.application.ledger import Ledger
from lathe.application.placing import Given, given_by, placed
from lathe.application.ports import Ids
from lathe.domain.build import Build, Filed
from lathe.domain.build_report import BuildFacts, BuildReport, with_missing_facts, with_newer_facts
from lathe.domain.delivery import KEPT_HEADERS, Delivery, DeliveryStatus, without_credentials
from lathe.domain.errors import Invalid, LatheError
from lathe.domain.first_answer import FirstAnswer
from lathe.domain.identity import (
    Identity,
    IdentityKey,
    believed,
    event_time,
    find_identity,
    identity_key,
    is_newer,
    is_older,
    observed,
    takes_over,
)
from lathe.domain.placement import Outcome, Placement, overtaken
from lathe.domain.queue_entry import QueueEntry
from lathe.domain.repo_url import without_userinfo
from lathe.domain.repository import Repository, resolve
from lathe.domain.steps import Reason, ReasonCode, Step


@frozen
class _Case:
    """An admitted delivery that carries a report, with the repository the report speaks of."""

    incoming: Incoming
    admission: Admission
    report: BuildReport
    repository: Repository | None
    given: Given | None

    @property
    def organization_id(self) -> UUID:
        return self.admission.organization_id

    @property
    def facts(self) -> BuildFacts:
        return self.report.facts

    @property
    def repository_id(self) -> UUID | None:
        return self.repository.id if self.repository else None


class Desk:
    """Decides about the deliveries of one batch, in order."""

    def __init__(self, known: Known, ids: Ids) -> None:
        self._organizations = known.organizations
        self._ids = ids
        self._gate = Gate(known)
        self._ledger = Ledger(known)

    def changes(self) -> Changes:
        """Return what the batch writes."""
        changes = self._ledger.changes()
        self._gate.write_into(changes)
        return changes

    def take(self, incoming: Incoming) -> Answer:
        """Decide about one delivery: the credential first, then whether it came before, then what it says."""
        admission = self._gate.admit(incoming.presented, incoming.source)
        if isinstance(admission, Refused):
            return admission
        name = incoming.first_answer_name
        if incoming.once and name:
            return self._take_once(incoming, admission, incoming.once, name)
        return self._take(incoming, admission)

    def _take_once(self, incoming: Incoming, admission: Admission, once: Once, name: bytes) -> Answer:
        """Repeat the first answer, storing nothing, or give it. What is refused stays free to be mended or retried."""
        organization_id, digest = admission.organization_id, incoming.digest
        first = self._ledger.first_answer(organization_id, name)
        if first is None:
            answer = self._take(incoming, admission)
            if isinstance(answer, Refused):
                return answer
            written = once.writes(answer, incoming.reading)
            kept = FirstAnswer(organization_id, name, digest, answer.delivery_id, self._ledger.now, written)
            self._ledger.keep_first_answer(kept)
            return evolve(answer, written=written)
        if first.digest == digest:
            return Received(DeliveryStatus.DUPLICATE, first.delivery_id, admission, written=first.written)
        return self._unreadable(incoming, admission, _other_body())

    def _take(self, incoming: Incoming, admission: Admission) -> Answer:
        """Decide about one admitted delivery."""
        first = self._ledger.delivery(admission.organization_id, incoming.source, incoming.sent_as)
        if first is not None:
            return self._repeated(first, admission)
        content = incoming.reading.content
        if isinstance(content, Reason):
            delivery = self._keep(incoming, admission, DeliveryStatus.IGNORED, reason=content)
            return Received(DeliveryStatus.IGNORED, delivery.id, admission, reason=content)
        if isinstance(content, LatheError):
            return self._unreadable(incoming, admission, content)
        organization_id = admission.organization_id
        given = given_by(
            content,
            lambda project_id: self._ledger.project(organization_id, project_id),
            lambda release_id: self._ledger.release(organization_id, release_id),
        )
        if isinstance(given, Invalid):
            return self._unreadable(incoming, admission, given)
        repository = self._repository(content, admission)
        if repository and content.facts.repo_url is None:
            content = evolve(content, facts=evolve(content.facts, repo_url=repository.url))
        return self._file(_Case(incoming, admission, content, repository, given))

    def _repeated(self, first: Delivery, admission: Admission) -> Received:
        """Answer a delivery that came before with the first answer's facts, storing nothing."""
        if first.status is DeliveryStatus.IGNORED:
            return Received(DeliveryStatus.IGNORED, first.id, admission, reason=first.reason)
        return self._duplicate(first, admission)

    def _unreadable(self, incoming: Incoming, admission: Admission, error: LatheError) -> Refused:
        """Refuse what cannot be taken, and keep it without its delivery id: a corrected one may come under the same."""
        nameless = evolve(incoming, reading=evolve(incoming.reading, delivery_id=None))
        reason = Reason(ReasonCode.UNREADABLE, without_userinfo(error.detail))
        self._keep(nameless, admission, DeliveryStatus.INVALID, reason=reason)
        return Refused(error, admission)

    def _repository(self, report: BuildReport, admission: Admission) -> Repository | None:
        """Return the repository that the report speaks of, keeping what it teaches."""
        of, url, uuid = admission.organization_id, report.facts.repo_url, report.repository_uuid
        known, links = self._ledger.same_repositories(of, url, uuid)
        if len(known) == 1 and known[0].url == url and known[0].uuid == uuid:
            return known[0]  # almost always: it teaches nothing
        new_id = known[0].id if known else self._ids.new()
        fresh = Repository(of, new_id, url, uuid, report.facts.source, self._ledger.now)
        found = resolve(fresh, known, links, verified=admission.verified)
        if found is None:
            return None
        self._ledger.keep_repository(found)
        return found.repository

    def _file(self, case: _Case) -> Received:
        """Find the build that the report speaks of, or place it as a new one."""
        verified = case.admission.verified
        at = event_time(case.report.updated_at, self._ledger.now)
        key = identity_key(case.report, case.repository_id)
        same_key = self._ledger.identities_of(case.organization_id, key) if key else []
        known = find_identity(same_key, case.report, verified=verified)
        if known is None:
            fresh = self._new_identity(case, key, same_key) if key else None
            placement = self._place(case)
            if same_key:
                placement = placement.noting(_contradiction(same_key[0], case.report))
            return self._settle(case, placement, fresh)
        if known.build_id or known.entry_id:
            return self._more_of(known, case)
        overruled = is_older(known, case.facts.status, at) and not takes_over(known, verified=verified)
        if overruled or not believed(known, verified=verified):
            return self._settle(case, overtaken(case.facts, known.status), known)
        return self._settle(case, self._place(case), observed(known, case.report, at, verified=verified))

    def _new_identity(self, case: _Case, key: IdentityKey, same_key: list[Identity]) -> Identity:
        facts = case.facts
        ordinal = same_key[-1].ordinal + 1 if same_key else 0
        at = event_time(case.report.updated_at, self._ledger.now)
        return Identity(
            case.organization_id,
            self._ids.new(),
            key,
            ordinal,
            facts.status,
            at,
            case.admission.verified,
            facts.commit_sha,
            facts.branch,
            facts.tag,
        )

    def _place(self, case: _Case) -> Placement:
        """Decide where a build that is not known yet goes."""
        organization, _ = self._organizations[case.organization_id]
        return placed(
            case.report,
            case.given,
            lambda: self._ledger.projects(case.organization_id, case.repository),
            self._ledger.releases_of,
            confirm_name_matches=organization.confirm_name_matches,
        )

    def _more_of(self, known: Identity, case: _Case) -> Received:
        """Take one more report of a build that is filed or queued: nothing new, but newer facts are kept."""
        verified = case.admission.verified
        if believed(known, verified=verified):
            at = event_time(case.report.updated_at, self._ledger.now)
            newer = is_newer(known, case.facts.status, at)
            over = takes_over(known, verified=verified)
            self._ledger.identities.put(observed(known, case.report, at, verified=verified))
            build = self._ledger.builds.by_id.get(known.build_id) if known.build_id else None
            if build:
                facts = _updated(build.facts, case.facts, newer=newer, takes_over=over)
                self._ledger.builds.put(evolve(build, facts=facts, verified=build.verified or verified))
            entry = self._ledger.entries.by_id.get(known.entry_id) if known.entry_id else None
            if entry:
                facts = _updated(entry.facts, case.facts, newer=newer, takes_over=over)
                self._ledger.entries.put(evolve(entry, facts=facts, verified=entry.verified or verified))
        delivery = self._keep(
            case.incoming,
            case.admission,
            DeliveryStatus.DUPLICATE,
            build_id=known.build_id,
            entry_id=known.entry_id,
        )
        return self._duplicate(delivery, case.admission)

    def _duplicate(self, delivery: Delivery, admission: Admission) -> Received:
        """Answer with the known build, or with its entry while that holds it."""
        build = self._ledger.builds.by_id.get(delivery.build_id) if delivery.build_id else None
        entry = self._ledger.entries.by_id.get(delivery.entry_id) if delivery.entry_id else None
        if entry is None and build and build.entry_id:
            entry = self._ledger.entries.by_id.get(build.entry_id)
        status = DeliveryStatus.DUPLICATE
        if entry and (build is None or build.withdrawn):
            return Received(status, delivery.id, admission, entry=self._ledger.view_entry(entry))
        if build is None:
            raise LookupError(f"delivery {delivery.id} was filed, but neither its build nor its entry is there")
        return Received(status, delivery.id, admission, build=self._ledger.view_build(build))

    def _settle(self, case: _Case, placement: Placement, identity: Identity | None) -> Received:
        """Store what the placement says: a build, a queue entry, or nothing; its identity; and the delivery."""
        identity_id = identity.id if identity else None
        build = entry = None
        if placement.project_id and placement.release_id:
            build = self._new_build(case, placement, placement.project_id, placement.release_id, identity_id)
        elif placement.reason and placement.outcome is Outcome.QUEUED:
            entry = self._new_entry(case, placement, placement.reason, identity_id)
        build_id = build.id if build else None
        entry_id = entry.id if entry else None
        if identity:
            self._ledger.identities.put(evolve(identity, build_id=build_id, entry_id=entry_id))
        status = DeliveryStatus(placement.outcome.value)
        delivery = self._keep(
            case.incoming,
            case.admission,
            status,
            reason=placement.reason,
            placement=placement,
            build_id=build_id,
            entry_id=entry_id,
        )
        return Received(
            status,
            delivery.id,
            case.admission,
            build=self._ledger.view_build(build) if build else None,
            entry=self._ledger.view_entry(entry) if entry else None,
            reason=None if build or entry else placement.reason,
            placement=placement,
        )

    def _new_build(
        self, case: _Case, placement: Placement, project_id: UUID, release_id: UUID, identity_id: UUID | None
    ) -> Build:
        build = Build(
            organization_id=case.organization_id,
            id=self._ids.new(),
            project_id=project_id,
            release_id=release_id,
            facts=case.facts,
            filed=Filed.AUTOMATICALLY,
            verified=case.admission.verified,
            placement=placement,
            created_at=self._ledger.now,
            repository_id=case.repository_id,
            identity_id=identity_id,
        )
        self._ledger.builds.put(build)
        return build

    def _new_entry(self, case: _Case, placement: Placement, reason: Reason, identity_id: UUID | None) -> QueueEntry:
        entry = QueueEntry(
            organization_id=case.organization_id,
            id=self._ids.new(),
            facts=case.facts,
            verified=case.admission.verified,
            reason=reason,
            placement=placement,
            created_at=self._ledger.now,
            candidates=placement.candidates,
            project_id=placement.project_id,
            placed_project_id=placement.project_id,
            repository_id=case.repository_id,
            identity_id=identity_id,
        )
        self._ledger.entries.put(entry)
        return entry

    def _keep(
        self,
        incoming: Incoming,
        admission: Admission,
        status: DeliveryStatus,
        *,
        reason: Reason | None = None,
        placement: Placement | None = None,
        build_id: UUID | None = None,
        entry_id: UUID | None = None,
    ) -> Delivery:
        """Store the delivery with what became of it."""
        delivery = Delivery(
            admission.organization_id,
            self._ids.new(),
            incoming.source,
            admission.kind,
            admission.credential_id,
            self._ledger.now,
            without_credentials(incoming.body),
            status,
            {name: incoming.headers[name] for name in KEPT_HEADERS & incoming.headers.keys()},
            incoming.reading.event,
            incoming.sent_as,
            reason,
            build_id,
            entry_id,
            placement,
        )
        self._ledger.keep_delivery(delivery)
        return delivery


def _other_body() -> Invalid:
    detail = "This Idempotency-Key came with another body within 24 hours: another build takes another key"
    return Invalid(detail, code="idempotency_key_reused")


def _updated(known: BuildFacts, report: BuildFacts, *, newer: bool, takes_over: bool) -> BuildFacts:
    """Return the facts of a known build after one more report that is to be believed."""
    if takes_over:
        # A run that started again keeps its last finished status until it ends.
        return report if report.status.finished else evolve(report, status=known.status)
    return with_newer_facts(known, report) if newer else with_missing_facts(known, report)


def _contradiction(known: Identity, report: BuildReport) -> Step:
    """Note that a build carries the key of another one and yet cannot be it."""
    commit, other = report.facts.commit_sha, known.commit_sha
    if commit and other and commit != other:
        detail = f"Another build of the same number is known, of commit {other[:12]}; this one is of {commit[:12]}"
    else:
        detail = "Another build of the same number was reported without verification, for another branch"
    return Step("same_build", "contradicted", detail)
