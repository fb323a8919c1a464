"""An organization with long lists: 500 builds wait, 500 are filed under one release. And one where nothing waits."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from attrs import evolve

from lathe.application import projects, releases
from lathe.domain.release import ReleaseState
from lathe.domain.repo_url import RepoUrl
from lathe.domain.steps import Reason, ReasonCode
from tests import samples

if TYPE_CHECKING:
    from lathe.application.ports import Transaction
    from tests.unit.ui.world import World

MANY: Final = 500
_WAITING: Final = Reason(ReasonCode.NO_PROJECT_MATCH, "Repository mill/loom matches no project")


def fill(world: World) -> None:
    """Put the long lists into the organization."""
    parts, org = world.parts, world.acme.id
    url = RepoUrl.parse("https://bitbucket.org/mill/loom")
    project = projects.create(parts.store, parts.ids, world.caller, "Spindle", []).project
    release = releases.create(
        parts.store, parts.ids, world.caller, project.id, "9", state=ReleaseState.ACTIVE, branch_patterns=[]
    )
    placement = evolve(samples.placement(), project_id=project.id, release_id=release.id)

    def work(tx: Transaction) -> None:
        repository = samples.bare_repository(org, url=url, source="bitbucket")
        tx.repositories.add(repository)
        for number in range(MANY):
            facts = samples.facts(
                name=f"Pipeline #{number + 1}", build_number=str(number + 1), branch="main", tag=None, repo_url=url
            )
            at = tx.now() - timedelta(minutes=11 * (MANY - number))
            waiting = samples.waiting_placement(reason=_WAITING)
            entry = samples.bare_entry(
                org, facts=facts, reason=_WAITING, placement=waiting, repository_id=repository.id, created_at=at
            )
            tx.entries.add(entry)
            tx.builds.add(samples.build(org, project.id, release.id, facts=facts, placement=placement, created_at=at))

    parts.store.write(work)
    world.ids |= {"Spindle": project.id, "Spindle 9": release.id}


def fill_quiet(world: World) -> None:
    """File one build, and let none wait."""
    parts, org = world.parts, world.acme.id
    project = projects.create(parts.store, parts.ids, world.caller, "Harbour", []).project
    release = releases.create(
        parts.store, parts.ids, world.caller, project.id, "1", state=ReleaseState.ACTIVE, branch_patterns=[]
    )
    placement = evolve(samples.placement(), project_id=project.id, release_id=release.id)
    facts = samples.facts(name="Pipeline #12 for main", build_number="12", tag=None)

    def work(tx: Transaction) -> None:
        at = tx.now() - timedelta(minutes=12)
        tx.builds.add(samples.build(org, project.id, release.id, facts=facts, placement=placement, created_at=at))

    parts.store.write(work)
