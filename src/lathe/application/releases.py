"""Releases of projects: made, renamed, fed by other branches, activated, closed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from lathe.application.auditing import note, note_changes
from lathe.application.caller import Caller
from lathe.application.ports import Ids, Store, Transaction
from lathe.application.projects import must_be_in_use
from lathe.domain.audit import Action
from lathe.domain.branch_pattern import parse_patterns
from lathe.domain.errors import must_all_hold
from lathe.domain.release import Release, ReleaseState
from lathe.domain.text import checked_name


def create(
    store: Store,
    ids: Ids,
    caller: Caller,
    project_id: UUID,
    name: str,
    *,
    state: ReleaseState = ReleaseState.PLANNED,
    branch_patterns: Sequence[str] = (),
) -> Release:
    """Create a release of a project.

    Raises NotFound (the project), Invalid, Conflict (the name is taken there, or the project is archived).
    """
    must_all_hold(partial(checked_name, name), partial(parse_patterns, list(branch_patterns)))
    name, patterns = checked_name(name), parse_patterns(list(branch_patterns))

    def work(tx: Transaction) -> Release:
        project = tx.projects.get(caller.organization_id, project_id, lock=True)
        must_be_in_use(project)
        now = tx.now()
        planned = Release(
            caller.organization_id, ids.new(), project_id, name, ReleaseState.PLANNED, patterns, created_at=now
        )
        release = planned.moved_to(state, now)
        tx.releases.add(release)
        note(tx, caller, Action.CREATED, release, f"in {project.name}, {state.value}")
        return release

    return store.write(work)


def change(
    store: Store,
    caller: Caller,
    release_id: UUID,
    *,
    name: str | None = None,
    state: ReleaseState | None = None,
    branch_patterns: Sequence[str] | None = None,
) -> Release:
    """Change what is given.

    Raises NotFound, Invalid, Conflict (the name is taken, no way leads to that state, or the project is archived and
    the release would become active).
    """
    patterns = None if branch_patterns is None else parse_patterns(list(branch_patterns))

    def work(tx: Transaction) -> Release:
        if state is ReleaseState.ACTIVE:
            project_id = tx.releases.get(caller.organization_id, release_id).project_id
            # Locked, and before the release: archiving looks for active releases under the same lock.
            must_be_in_use(tx.projects.get(caller.organization_id, project_id, lock=True))
        before = release = tx.releases.get(caller.organization_id, release_id, lock=True)
        if name is not None:
            release = release.renamed(name)
        if patterns is not None:
            release = release.with_patterns(patterns)
        if state is not None:
            release = release.moved_to(state, tx.now())
        tx.releases.save(release)
        note_changes(
            tx,
            caller,
            release,
            name=(before.name, release.name),
            state=(before.state, release.state),
            branches=(_patterns(before), _patterns(release)),
        )
        return release

    return store.write(work)


def get(store: Store, organization_id: UUID, release_id: UUID) -> Release:
    """Return a release. Raises NotFound."""
    return store.read(lambda tx: tx.releases.get(organization_id, release_id))


def _patterns(release: Release) -> str:
    return ", ".join(pattern.text for pattern in release.branch_patterns)
