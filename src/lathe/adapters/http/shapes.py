"""From what the use cases return to what is answered: in full, or as receipts for callers that may not read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from lathe.adapters.http import answers
from lathe.adapters.http.reason_codes import IgnoredReasonCode, QueueReasonCode
from lathe.application.intake import BuildView, EntryView
from lathe.application.projects import ProjectView
from lathe.domain import organization, placement, steps
from lathe.domain.build_report import BuildFacts
from lathe.domain.hook import Hook
from lathe.domain.project import Project
from lathe.domain.release import Release
from lathe.domain.repository import Repository, RepositoryLink


def build(view: BuildView, *, explained: bool = False) -> answers.Build:
    """Return a build in full; ``explained``: with its placement."""
    build = view.build
    return answers.Build(
        id=build.id,
        **facts(build.facts),
        status=build.facts.status.value,
        project=answers.Named(view.project.id, view.project.name),
        release=answers.Named(view.release.id, view.release.name),
        filed=build.filed.value,
        verified=build.verified,
        withdrawn=build.withdrawn,
        created_at=build.created_at,
        placement=placed(build.placement) if explained else None,
    )


def build_receipt(view: BuildView, sent: BuildFacts | None = None) -> answers.BuildReceipt:
    """Return a build for a caller that may not read; ``sent`` are the facts of its request."""
    said = {**facts(sent), "status": sent.status.value} if sent else {}
    return answers.BuildReceipt(
        id=view.build.id,
        **said,
        project=answers.Reference(view.project.id),
        release=answers.Reference(view.release.id),
    )


def entry(view: EntryView, *, explained: bool = False) -> answers.QueueEntry:
    """Return a queue entry in full; ``explained``: with its placement."""
    entry, by = view.entry, view.entry.decided_by
    rejection, suggested = entry.rejection, view.suggested_release
    return answers.QueueEntry(
        id=entry.id,
        **facts(entry.facts),
        build_status=entry.facts.status.value,
        status=entry.status.value,
        reason=_queue_reason(entry.reason),
        project=answers.Named(view.project.id, view.project.name) if view.project else None,
        candidates=_candidates(entry.candidates),
        suggested_release=answers.Named(suggested.id, suggested.name) if suggested else None,
        build_id=entry.build_id,
        rejected=answers.Rejection(rejection.reason.value, rejection.note) if rejection else None,
        decided_by=_actor(by) if by else None,
        verified=entry.verified,
        created_at=entry.created_at,
        decided_at=entry.decided_at,
        placement=placed(entry.placement) if explained else None,
    )


def entry_receipt(view: EntryView, sent: BuildFacts | None = None) -> answers.QueueEntryReceipt:
    """Return a queue entry for a caller that may not read; ``sent`` are the facts of its request."""
    entry, suggested = view.entry, view.suggested_release
    said = {**facts(sent), "build_status": sent.status.value} if sent else {}
    return answers.QueueEntryReceipt(
        id=entry.id,
        **said,
        status=entry.status.value,
        reason=answers.QueueReasonReceipt(_queue_code(entry.reason)),
        project=answers.Reference(view.project.id) if view.project else None,
        suggested_release=answers.Reference(suggested.id) if suggested else None,
        build_id=entry.build_id,
    )


def placed(placement: placement.Placement) -> answers.Placement:
    """Return a placement in full."""
    return answers.Placement(
        placement.outcome.value,
        [answers.Step(s.rule, s.result, s.detail, _candidates(s.candidates)) for s in placement.steps],
        _placement_reason(placement),
        placement.project_id,
        placement.release_id,
    )


def project(view: ProjectView) -> answers.Project:
    """Return a project with its repositories."""
    project = view.project
    repositories = [repository(one, link) for one, link in view.repositories]
    return answers.Project(
        project.id,
        project.name,
        project.slug,
        project.files.value,
        project.archived,
        repositories,
        project.created_at,
    )


def repository(repository: Repository, link: RepositoryLink) -> answers.Repository:
    """Return a repository as one of a project."""
    return answers.Repository(
        repository.id,
        repository.url.https if repository.url else None,
        repository.name,
        link.kind.value,
        _actor(link.linked_by),
        link.linked_at,
    )


def release(release: Release, project: Project) -> answers.Release:
    """Return a release with its project's name."""
    return answers.Release(
        release.id,
        answers.Named(project.id, project.name),
        release.name,
        release.state.value,
        [pattern.text for pattern in release.branch_patterns],
        release.created_at,
        release.activated_at,
        release.closed_at,
    )


def release_receipt(release: Release) -> answers.ReleaseReceipt:
    """Return a release for a caller that may not read."""
    return answers.ReleaseReceipt(release.id, answers.Reference(release.project_id))


def hook(hook: Hook, origin: str, secret: str | None = None) -> answers.Hook:
    """Return a hook; ``secret`` only where it was just made."""
    return answers.Hook(
        id=hook.id,
        provider=hook.provider.value,
        address=f"{origin}/api/webhooks/{hook.provider.value}/{hook.id}",
        created_at=hook.created_at,
        created_by=hook.created_by,
        last_delivery_at=hook.last_delivery_at,
        requests=hook.requests,
        refused=hook.refused,
        revoked_at=hook.revoked_at,
        secret=secret,
    )


def build_address(build_id: UUID) -> str:
    """Return where a build is read."""
    return f"/api/v1/builds/{build_id}"


def entry_address(entry_id: UUID) -> str:
    """Return where a queue entry is read."""
    return f"/api/v1/queue/{entry_id}"


def reason(
    reason: steps.Reason, *, may_read: bool, about_what_was_sent: bool
) -> answers.IgnoredReason | answers.IgnoredReasonReceipt:
    """Return why there was nothing to file. The sentence of a placement names projects, one about the body does not."""
    if may_read:
        return _ignored_reason(reason)
    code = IgnoredReasonCode(reason.code.value)
    return answers.IgnoredReasonReceipt(code, reason.detail if about_what_was_sent else None)


def facts(facts: BuildFacts) -> dict[str, Any]:
    """Return what builds, entries and receipts say alike; how the build ended has another name in each."""
    return {
        "name": facts.name,
        "build_number": facts.build_number,
        "run_id": facts.run_id,
        "commit_sha": facts.commit_sha,
        "branch": facts.branch,
        "tag": facts.tag,
        "repo_url": facts.repo_url.https if facts.repo_url else None,
        "source": facts.source,
        "url": facts.url,
        "author": facts.author,
        "finished_at": facts.finished_at,
    }


def _placement_reason(placed: placement.Placement) -> answers.QueueReason | answers.IgnoredReason | None:
    if placed.reason is None:
        return None
    waits = placed.outcome is placement.Outcome.QUEUED
    return _queue_reason(placed.reason) if waits else _ignored_reason(placed.reason)


def _queue_reason(reason: steps.Reason) -> answers.QueueReason:
    return answers.QueueReason(_queue_code(reason), reason.detail)


def _queue_code(reason: steps.Reason) -> QueueReasonCode:
    return QueueReasonCode(reason.code.value)


def _ignored_reason(reason: steps.Reason) -> answers.IgnoredReason:
    return answers.IgnoredReason(IgnoredReasonCode(reason.code.value), reason.detail)


def _candidates(found: tuple[steps.Candidate, ...]) -> list[answers.Candidate]:
    return [answers.Candidate(one.id, one.name, one.rule) for one in found]


def _actor(actor: organization.Actor) -> answers.Actor:
    return answers.Actor(actor.kind, actor.name, actor.id)
