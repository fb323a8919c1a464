"""Samples of reports, builds, queue entries, identities and deliveries."""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from uuid import UUID

from attrs import evolve

from lathe.domain.build import Build, Filed
from lathe.domain.build_report import BuildFacts, BuildReport, BuildStatus
from lathe.domain.delivery import CredentialKind, Delivery, DeliveryStatus
from lathe.domain.first_answer import FirstAnswer
from lathe.domain.identity import Identity, IdentityKey
from lathe.domain.placement import Outcome, Placement
from lathe.domain.queue_entry import Assignment, EntryStatus, QueueEntry, Rejection, RejectReason
from lathe.domain.steps import Candidate, Reason, ReasonCode, Step
from tests.samples.basics import EARLIER, LATER, NOW, new_id, repo_url, unique
from tests.samples.people import actor, bare_actor


def facts(**changes: Any) -> BuildFacts:
    return evolve(
        BuildFacts(
            source="bitbucket",
            name="Pay API pipeline",
            status=BuildStatus.SUCCESSFUL,
            build_number="123",
            run_id="{9d0a8f61-2f0b-4c3a-8a0c-7d3a1f6f5b11}",
            commit_sha="bdf6fac0519ffd1562461eb82e018ff62efffbc9",
            branch="main",
            tag="v2.4.1",
            repo_url=repo_url(),
            url="https://bitbucket.org/acme/pay-api/pipelines/results/123",
            author="Ada Lovelace",
            finished_at=EARLIER,
        ),
        **changes,
    )


def bare_facts(**changes: Any) -> BuildFacts:
    return evolve(BuildFacts(source="api", name="Build"), **changes)


def report(**changes: Any) -> BuildReport:
    return evolve(
        BuildReport(
            facts=facts(), repository_uuid="bitbucket:{c9a5f5b2}", status_key="pipeline-123", updated_at=EARLIER
        ),
        **changes,
    )


def bare_report(**changes: Any) -> BuildReport:
    return evolve(BuildReport(facts=bare_facts()), **changes)


def placement(**changes: Any) -> Placement:
    """One that filed a build."""
    found = (Candidate(new_id(), "Pay API", "repository_url"),)
    return evolve(
        Placement(
            outcome=Outcome.CREATED,
            steps=(
                Step("repository_uuid", "not_known", "The report carries no repository UUID"),
                Step("repository_url", "matched", "Repository bitbucket.org/acme/pay-api is linked to Pay API", found),
                Step("active_release", "matched", "A branch pattern of release 2.4 fits main"),
            ),
            project_id=new_id(),
            release_id=new_id(),
        ),
        **changes,
    )


def waiting_placement(**changes: Any) -> Placement:
    """One that made a build wait, with two candidates."""
    found = (
        Candidate(new_id(), "Pay API", "repository_name"),
        Candidate(new_id(), "Pay “App” 💸", "repository_name"),
    )
    detail = "Repository name pay fits Pay API and Pay “App” 💸 equally well"
    return evolve(
        Placement(
            outcome=Outcome.QUEUED,
            steps=(Step("repository_name", "ambiguous", detail, found),),
            reason=Reason(ReasonCode.AMBIGUOUS_PROJECT, detail),
            candidates=found,
        ),
        **changes,
    )


def build(organization_id: UUID, project_id: UUID, release_id: UUID, **changes: Any) -> Build:
    """All facts set; repository, identity and entry are not, since rows of theirs must exist."""
    return evolve(
        Build(
            organization_id=organization_id,
            id=new_id(),
            project_id=project_id,
            release_id=release_id,
            facts=facts(),
            filed=Filed.AUTOMATICALLY,
            verified=True,
            placement=placement(project_id=project_id, release_id=release_id),
            created_at=NOW,
        ),
        **changes,
    )


def bare_build(organization_id: UUID, project_id: UUID, release_id: UUID, **changes: Any) -> Build:
    return build(
        organization_id,
        project_id,
        release_id,
        **{"facts": bare_facts(), "filed": Filed.BY_HAND, "verified": False} | changes,
    )


def entry(organization_id: UUID, **changes: Any) -> QueueEntry:
    """A pending one; projects, repository, identity and build are not set, since rows of theirs must exist."""
    waiting = waiting_placement()
    return evolve(
        QueueEntry(
            organization_id=organization_id,
            id=new_id(),
            facts=facts(),
            verified=True,
            reason=Reason(ReasonCode.AMBIGUOUS_PROJECT, "Two projects fit equally well"),
            placement=waiting,
            created_at=NOW,
            candidates=waiting.candidates,
        ),
        **changes,
    )


def bare_entry(organization_id: UUID, **changes: Any) -> QueueEntry:
    reason = Reason(ReasonCode.NO_PROJECT_MATCH, "The report names no repository")
    bare = {
        "facts": bare_facts(),
        "verified": False,
        "reason": reason,
        "placement": Placement(Outcome.QUEUED, (), reason),
        "candidates": (),
    }
    return entry(organization_id, **bare | changes)


def assigned_entry(organization_id: UUID, build: Build, **changes: Any) -> QueueEntry:
    """One that was filed as ``build`` by a person, who taught a link on the way."""
    assigned = {
        "status": EntryStatus.ASSIGNED,
        "project_id": build.project_id,
        "build_id": build.id,
        "assignment": Assignment(build.id, build.release_id, "2.4 “final”", learned_link=True),
        "decided_by": actor(),
        "decided_at": LATER,
    }
    return entry(organization_id, **assigned | changes)


def rejected_entry(organization_id: UUID, **changes: Any) -> QueueEntry:
    rejected = {
        "status": EntryStatus.REJECTED,
        "rejection": Rejection(RejectReason.OTHER, "Not ours.\nAsk Bob."),
        "decided_by": bare_actor(),
        "decided_at": LATER,
    }
    return entry(organization_id, **rejected | changes)


def identity_key(**changes: Any) -> IdentityKey:
    return evolve(IdentityKey("bitbucket", f"name:{unique('pay-api')}", "run:123"), **changes)


def identity(organization_id: UUID, **changes: Any) -> Identity:
    """All that a report says; build and entry are not set, since rows of theirs must exist."""
    return evolve(
        Identity(
            organization_id=organization_id,
            id=new_id(),
            key=identity_key(),
            ordinal=0,
            status=BuildStatus.SUCCESSFUL,
            updated_at=EARLIER,
            verified=True,
            commit_sha="bdf6fac0519ffd1562461eb82e018ff62efffbc9",
            branch="main",
            tag="v2.4.1",
        ),
        **changes,
    )


def bare_identity(organization_id: UUID, **changes: Any) -> Identity:
    bare = {"status": BuildStatus.IN_PROGRESS, "verified": False, "commit_sha": None, "branch": None, "tag": None}
    return identity(organization_id, **bare | changes)


def delivery(organization_id: UUID, credential_id: UUID, **changes: Any) -> Delivery:
    """Build and entry are not set, since rows of theirs must exist."""
    return evolve(
        Delivery(
            organization_id=organization_id,
            id=new_id(),
            source="bitbucket",
            credential=CredentialKind.KEY,
            credential_id=credential_id,
            received_at=NOW,
            body='{"name": "Größe “L” 💸", "nul": "\\u0000"}'.encode() + bytes(range(256)),
            status=DeliveryStatus.QUEUED,
            headers={"x-event-key": "repo:commit_status_created", "user-agent": "Bitbucket-Webhooks/2.0"},
            event="repo:commit_status_created",
            provider_delivery_id=str(new_id()),
            reason=Reason(ReasonCode.AMBIGUOUS_PROJECT, "Two projects fit equally well"),
            placement=waiting_placement(),
        ),
        **changes,
    )


def bare_delivery(organization_id: UUID, credential_id: UUID, **changes: Any) -> Delivery:
    return evolve(
        Delivery(
            organization_id=organization_id,
            id=new_id(),
            source="generic",
            credential=CredentialKind.ORGANIZATION,
            credential_id=credential_id,
            received_at=NOW,
            body=b"",
            status=DeliveryStatus.INVALID,
        ),
        **changes,
    )


def first_answer(organization_id: UUID, **changes: Any) -> FirstAnswer:
    name = sha256(new_id().bytes).digest()
    written = "201 /api/v1/builds/1\n{“L” 💸}".encode() + bytes(range(256))
    return evolve(FirstAnswer(organization_id, name, name[::-1], new_id(), NOW, written), **changes)
