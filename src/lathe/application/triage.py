"""What people do with the Build Queue, and with builds that were filed in the wrong place."""

from __future__ import annotations

from uuid import UUID

from attrs import evolve

from lathe.application import auditing, projects
from lathe.application.caller import Caller
from lathe.application.intake import BuildView, EntryView
from lathe.application.ports import Ids, Store, Transaction
from lathe.application.standing import Own, Seen, must_be_as_seen, must_be_own, must_not_be_closed
from lathe.application.views import build_view, entry_view
from lathe.domain.audit import Action
from lathe.domain.build import Build, Filed
from lathe.domain.errors import Conflict, Fault, Invalid, NotFound
from lathe.domain.placement import Placement, filed_by_hand
from lathe.domain.queue_entry import Assignment, EntryStatus, QueueEntry, Rejection, RejectReason, sent_back_reason
from lathe.domain.release import Release
from lathe.domain.repo_url import RepoUrl
from lathe.domain.repository import LinkKind, RepositoryLink


def assign(
    store: Store, ids: Ids, caller: Caller, entry_id: UUID, release_id: UUID, *, remember_repository: bool = False
) -> BuildView:
    """File a pending entry under an active release, of whatever project, and return the build.

    ``remember_repository`` links the entry's repository to the release's project. Repeating one's own assignment
    returns the same build, and links the repository if only now it is to be remembered. Raises NotFound; Invalid (no
    such release, nothing to remember); Conflict (somebody was faster, the release is not active, the repository
    belongs to another project).
    """

    def work(tx: Transaction) -> BuildView:
        entry = locked_entry(tx, caller, entry_id)
        release = _named_release(tx, caller, release_id)
        if entry.repeats_assignment(release_id, caller.actor) and entry.build_id:
            if remember_repository:
                remembering = _remembering(tx, caller, entry, release.project_id)
                tx.entries.save(remembering)
                if remembering != entry:
                    auditing.note(tx, caller, Action.ASSIGNED, entry, _under(tx, release, remembering))
            return build_view(tx, tx.builds.get(caller.organization_id, entry.build_id))
        placement = filed_by_hand(entry.placement, f"{caller.actor.name} assigned it", release)
        build = file_entry(
            tx, ids, caller, entry, release, placement=placement, remember_repository=remember_repository
        )
        return build_view(tx, build)

    return store.write(work)


def file_entry(
    tx: Transaction,
    ids: Ids,
    caller: Caller,
    entry: QueueEntry,
    release: Release,
    *,
    placement: Placement,
    remember_repository: bool = False,
) -> Build:
    """File a locked entry under a locked release with the placement that explains it, within a transaction.

    Raises Invalid (nothing to remember); Conflict (the entry is not pending, the release is not active, the repository
    belongs to another project).
    """
    build_id = entry.build_id or ids.new()
    assignment = Assignment(build_id, release.id, release.name)
    assigned = entry.assigned(assignment, release.project_id, caller.actor, tx.now())
    _must_be_active(release)
    if remember_repository:
        assigned = _remembering(tx, caller, assigned, release.project_id)
    build = _assigned_build(tx, assigned, build_id, release, placement)
    tx.entries.save(assigned)
    _point_identity(tx, build)
    auditing.note(tx, caller, Action.ASSIGNED, assigned, _under(tx, release, assigned))
    return build


def locked_entry(tx: Transaction, caller: Caller, entry_id: UUID) -> QueueEntry:
    """Lock an entry. Its identity first, as receiving does, so that the two never wait for each other."""
    entry = tx.entries.get(caller.organization_id, entry_id)
    if entry.identity_id:
        tx.identities.get(caller.organization_id, entry.identity_id, lock=True)
    return tx.entries.get(caller.organization_id, entry_id, lock=True)


def select_project(
    store: Store, caller: Caller, entry_id: UUID, project_id: UUID, *, seen: Seen | None = None
) -> EntryView:
    """Choose the project of a pending entry; it stays pending, and the view suggests a release.

    With ``seen``, not over the head of somebody who chose another one since. Raises NotFound; Invalid (no such
    project); Conflict (not pending any more, another one was chosen since, the project is archived).
    """

    def work(tx: Transaction) -> EntryView:
        entry = locked_entry(tx, caller, entry_id)
        project = tx.projects.some(caller.organization_id, {project_id}).get(project_id)
        if project is None:
            raise Invalid("there is no such project", (Fault("/project_id", "not_found", "names no project"),))
        selected = entry.project_selected(project_id, tx.now())
        must_be_as_seen(tx, entry, project_id, seen)
        projects.must_be_in_use(project)
        tx.entries.save(selected)
        if selected != entry:
            auditing.note(tx, caller, Action.PROJECT_SELECTED, selected, project.name)
        return entry_view(tx, selected)

    return store.write(work)


def create_project(
    store: Store,
    ids: Ids,
    caller: Caller,
    entry_id: UUID,
    name: str,
    *,
    declare_repository: bool = True,
    seen: Seen | None = None,
) -> EntryView:
    """Create a project and choose it for a pending entry; the entry's repository is declared to belong to it.

    A repository of unknown address, or that belongs to another project, is passed over. ``seen`` as for choosing one.
    Raises NotFound; Invalid (name); Conflict (not pending any more, another project was chosen since, the name is
    taken). Then there is no new project either.
    """

    def work(tx: Transaction) -> EntryView:
        entry, project_id = locked_entry(tx, caller, entry_id), ids.new()
        selected = entry.project_selected(project_id, tx.now())
        must_be_as_seen(tx, entry, project_id, seen)
        url = _unowned_url(tx, entry) if declare_repository else None
        project = projects.add(tx, caller, project_id, name)
        if url:
            projects.declare(tx, ids, caller, project, url)
        tx.entries.save(selected)
        auditing.note(tx, caller, Action.PROJECT_SELECTED, selected, project.name)
        return entry_view(tx, selected)

    return projects.adding(store, work)


def reject(store: Store, caller: Caller, entry_id: UUID, reason: RejectReason, note: str | None = None) -> EntryView:
    """Reject a pending entry: no build is made.

    Raises NotFound, Invalid (the note), Conflict (not pending any more).
    """
    rejection = Rejection.checked(reason, note)

    def work(tx: Transaction) -> EntryView:
        entry = locked_entry(tx, caller, entry_id)
        rejected = entry.rejected(rejection, caller.actor, tx.now())
        tx.entries.save(rejected)
        if rejected != entry:
            auditing.note(tx, caller, Action.REJECTED, rejected, rejection.said())
        return entry_view(tx, rejected)

    return store.write(work)


def undo(store: Store, caller: Caller, entry_id: UUID, *, own: Own | None = None) -> EntryView:
    """Take the last decision on an entry back: a build made by it is withdrawn, a link learned by it revoked.

    With ``own``, only if that is what stands. Raises NotFound; Conflict (nothing to undo, something else was decided
    since, or the build's release is closed).
    """

    def work(tx: Transaction) -> EntryView:
        entry = locked_entry(tx, caller, entry_id)
        if own:
            must_be_own(tx, caller, entry, own)
        undone, revoked = entry.undone(), ""
        if entry.status is EntryStatus.ASSIGNED and entry.build_id:
            revoked = _withdraw(tx, caller, tx.builds.get(caller.organization_id, entry.build_id, lock=True), entry)
        tx.entries.save(undone)
        auditing.note(tx, caller, Action.UNDONE, undone, _decision(entry) + revoked)
        return entry_view(tx, undone)

    return store.write(work)


def move(store: Store, caller: Caller, build_id: UUID, release_id: UUID) -> BuildView:
    """File a build under another active release, of whatever project; the same one changes nothing.

    Raises NotFound; Invalid (no such release); Conflict (the release is not active, the one it is under is closed, the
    build was withdrawn).
    """

    def work(tx: Transaction) -> BuildView:
        build = _locked_build(tx, caller, build_id)
        # In the order of their ids, so that a move there and a move back never wait for each other.
        held = {one: _named_release(tx, caller, one) for one in sorted({build.release_id, release_id})}
        release = held[release_id]
        if build.withdrawn:
            raise Conflict("this build was withdrawn; its entry waits in the Build Queue", code="withdrawn")
        if build.release_id == release.id:
            return build_view(tx, build)
        must_not_be_closed(held[build.release_id])
        _must_be_active(release)
        placement = filed_by_hand(build.placement, f"{caller.actor.name} moved it", release)
        moved = evolve(build.filed_under(release.project_id, release.id), placement=placement)
        tx.builds.save(moved)
        auditing.note(tx, caller, Action.MOVED, moved, f"from {held[build.release_id].name} to {_place(tx, release)}")
        return build_view(tx, moved)

    return store.write(work)


def requeue(store: Store, ids: Ids, caller: Caller, build_id: UUID) -> EntryView:
    """Send a filed build back to the Build Queue: it is withdrawn, and its entry (one is made if needed) waits again.

    Repeating it returns the same entry. Raises NotFound; Conflict (the build's release is closed).
    """

    def work(tx: Transaction) -> EntryView:
        build = _locked_build(tx, caller, build_id)
        known = tx.entries.get(caller.organization_id, build.entry_id, lock=True) if build.entry_id else None
        if build.withdrawn and known:
            return entry_view(tx, known)
        release = tx.releases.get(caller.organization_id, build.release_id)
        reason = sent_back_reason(caller.actor, release.name)
        if known:
            entry = known.sent_back(reason)
            tx.entries.save(entry)
        else:
            entry = QueueEntry(
                caller.organization_id,
                ids.new(),
                build.facts,
                build.verified,
                reason,
                build.placement,
                tx.now(),
                project_id=build.project_id,
                placed_project_id=build.project_id,
                repository_id=build.repository_id,
                identity_id=build.identity_id,
                build_id=build.id,
            )
            tx.entries.add(entry)
        revoked = _withdraw(tx, caller, evolve(build, entry_id=entry.id), known)
        auditing.note(tx, caller, Action.SENT_BACK, build, f"from {_place(tx, release)}{revoked}")
        return entry_view(tx, entry)

    return store.write(work)


def _place(tx: Transaction, release: Release) -> str:
    return f"{release.name} of {tx.projects.get(release.organization_id, release.project_id).name}"


def _under(tx: Transaction, release: Release, entry: QueueEntry) -> str:
    """Say where an entry was filed, for the audit log."""
    learned = entry.assignment is not None and entry.assignment.learned_link
    return f"under {_place(tx, release)}" + ("; its repository belongs to the project from now on" if learned else "")


def _decision(entry: QueueEntry) -> str:
    """Say what was decided about an entry, for the audit log."""
    if entry.assignment and entry.status is EntryStatus.ASSIGNED:
        return f"it was filed under {entry.assignment.release_name}"
    return f"it was rejected as {entry.rejection.said()}" if entry.rejection else "its project was chosen"


def _locked_build(tx: Transaction, caller: Caller, build_id: UUID) -> Build:
    """Lock a build, its identity first."""
    build = tx.builds.get(caller.organization_id, build_id)
    if build.identity_id:
        tx.identities.get(caller.organization_id, build.identity_id, lock=True)
    return tx.builds.get(caller.organization_id, build_id, lock=True)


def _named_release(tx: Transaction, caller: Caller, release_id: UUID) -> Release:
    try:
        return tx.releases.get(caller.organization_id, release_id, lock=True)
    except NotFound:
        fault = Fault("/release_id", "not_found", "names no release")
        raise Invalid("there is no such release", (fault,)) from None


def _must_be_active(release: Release) -> None:
    if not release.active:
        raise Conflict(
            f"release {release.name} is {release.state.value}; builds go under active ones", code="release_not_active"
        )


def _unowned_url(tx: Transaction, entry: QueueEntry) -> RepoUrl | None:
    """Return the address of an entry's repository, None if it has none or belongs to a project."""
    if entry.repository_id is None or tx.repositories.find_link(entry.organization_id, entry.repository_id):
        return None
    return tx.repositories.get(entry.organization_id, entry.repository_id).url


def _remembering(tx: Transaction, caller: Caller, entry: QueueEntry, project_id: UUID) -> QueueEntry:
    """Link an assigned entry's repository to the project; return the entry, which knows what it taught."""
    if entry.assignment is None or not _learn(tx, caller, entry, project_id):
        return entry
    return evolve(entry, assignment=evolve(entry.assignment, learned_link=True))


def _learn(tx: Transaction, caller: Caller, entry: QueueEntry, project_id: UUID) -> bool:
    """Link the entry's repository to the project; return whether that was news."""
    pointer = "/remember_repository"
    if entry.repository_id is None:
        raise Invalid("there is no repository to remember", (Fault(pointer, "no_repository", "the build names none"),))
    if not entry.verified:
        fault = Fault(pointer, "unverified", "an unverified report teaches no repository link")
        raise Invalid(fault.detail, (fault,))
    known = tx.repositories.find_link(caller.organization_id, entry.repository_id)
    if known and known.project_id == project_id:
        return False
    if known:
        owner = tx.projects.get(caller.organization_id, known.project_id)
        raise Conflict(f"this repository belongs to project {owner.name}", code="repository_linked")
    tx.repositories.link(
        RepositoryLink(
            caller.organization_id, entry.repository_id, project_id, LinkKind.LEARNED, caller.actor, tx.now(), entry.id
        )
    )
    return True


def _assigned_build(
    tx: Transaction, entry: QueueEntry, build_id: UUID, release: Release, placement: Placement
) -> Build:
    """Make the build of an assigned entry, or revive the one that an earlier assignment made."""
    build = Build(
        entry.organization_id,
        build_id,
        release.project_id,
        release.id,
        entry.facts,
        Filed.BY_HAND,
        entry.verified,
        placement,
        tx.now(),
        entry.repository_id,
        entry.identity_id,
        entry.id,
    )
    try:
        known = tx.builds.get(entry.organization_id, build_id, lock=True)
    except NotFound:
        tx.builds.add(build)
        return build
    revived = evolve(build, created_at=known.created_at)
    tx.builds.save(revived)
    return revived


def _point_identity(tx: Transaction, build: Build) -> None:
    """Let the identity know its build, so that the next report of it finds the build."""
    if build.identity_id:
        identity = tx.identities.get(build.organization_id, build.identity_id, lock=True)
        tx.identities.save(evolve(identity, build_id=build.id, entry_id=build.entry_id))


def _withdraw(tx: Transaction, caller: Caller, build: Build, entry: QueueEntry | None) -> str:
    """Withdraw a build, and revoke the link that its assignment taught; return that for the audit log."""
    must_not_be_closed(tx.releases.get(caller.organization_id, build.release_id, lock=True))
    tx.builds.save(evolve(build, withdrawn=True))
    _point_identity(tx, build)
    if entry and entry.assignment and entry.assignment.learned_link and entry.repository_id:
        link = tx.repositories.find_link(caller.organization_id, entry.repository_id)
        if link and link.entry_id == entry.id:
            tx.repositories.unlink(caller.organization_id, entry.repository_id)
            return "; its repository does not belong to the project any more"
    return ""
