"""What is in the organization of a filled world: projects, releases, builds, queue entries, decisions, keys, hooks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from attrs import evolve

from lathe.application import hooks, keys, members, projects, releases, triage
from lathe.application.intake import Changes
from lathe.application.ports import Transaction
from lathe.domain.api_key import Scope
from lathe.domain.delivery import DeliveryStatus
from lathe.domain.hook import Provider
from lathe.domain.organization import Role
from lathe.domain.placement import Outcome, Placement
from lathe.domain.queue_entry import RejectReason
from lathe.domain.release import ReleaseState
from lathe.domain.repo_url import RepoUrl
from lathe.domain.steps import Candidate, Reason, ReasonCode, Step
from tests import samples
from tests.unit.ui.world import World

LONG: Final = "A-name-without-any-blank-that-goes-on-and-on-" * 5
ARABIC: Final = "تطبيق المدفوعات ١٢ 💸"
SHA: Final = "bdf6fac0519ffd1562461eb82e018ff62efffbc9"


def fill(world: World) -> World:
    """Put projects, releases, builds, queue entries, keys and hooks into the organization."""
    _products(world)
    _queue(world)
    _builds(world)
    _decisions(world)
    _credentials(world)
    _people(world)
    return world


def _products(world: World) -> None:
    parts, caller, ids = world.parts, world.caller, world.ids
    now = world.clock.now()
    world.clock.set(now - timedelta(days=30))
    for name, urls in (
        ("Pay", ["https://bitbucket.org/acme/pay-api", "git@github.com:acme/pay-web.git"]),
        ("Mobile app", []),
        ("Mobile backend", []),
        ("Console", ["https://git.corp.test/tools/console"]),
        ("Ledger", ["https://bitbucket.org/acme/ledger"]),
        (ARABIC, []),
        (LONG, [f"https://bitbucket.org/acme/{LONG[:120]}"]),
    ):
        ids[name] = projects.create(parts.store, parts.ids, caller, name, urls).project.id
        world.clock.advance(timedelta(minutes=1))
    for project, name, state, patterns in (
        ("Pay", "2.4", ReleaseState.ACTIVE, []),
        ("Pay", "2.5", ReleaseState.ACTIVE, ["release/2.*", "hotfix/**"]),
        ("Pay", "2.6", ReleaseState.PLANNED, ["main"]),
        ("Mobile app", "1.9", ReleaseState.ACTIVE, []),
        ("Ledger", "7", ReleaseState.ACTIVE, ["main"]),
        (ARABIC, "٣", ReleaseState.ACTIVE, []),
        (LONG, LONG, ReleaseState.ACTIVE, []),
        ("Console", "0.9", ReleaseState.CLOSED, []),
    ):
        made = releases.create(
            parts.store, parts.ids, caller, ids[project], name, state=state, branch_patterns=patterns
        )
        ids[f"{project} {name}"] = made.id
        world.clock.advance(timedelta(days=1))
    world.clock.set(now)


def add_entry(world: World, name: str, reason: ReasonCode, detail: str, ago: timedelta, **facts: Any) -> UUID:
    """Let a build wait. ``project`` and ``candidates`` name projects; everything else is a fact of the build."""
    project, candidates = facts.pop("project", None), facts.pop("candidates", ())
    verified, url = facts.pop("verified", True), facts.get("repo_url")
    parts, org = world.parts, world.acme.id
    found = tuple(Candidate(world.ids[one], one, "repository_name") for one in candidates)
    project_id = world.ids[project] if project else None
    steps = (
        Step("repository_uuid", "not_known", "The report carries no repository UUID"),
        Step("repository_url", "nothing", f"Repository {url.key} is linked to no project")
        if url
        else Step("repository_url", "not_known", "The report carries no repository URL"),
        Step("repository_name", "ambiguous" if found else "nothing", detail, found),
    )
    why = Reason(reason, detail)
    placement = Placement(Outcome.QUEUED, steps, why, project_id, candidates=found)

    def work(tx: Transaction) -> UUID:
        repository = tx.repositories.find_by_url(org, url) if url else None
        if url and repository is None:
            repository = samples.bare_repository(org, url=url, source="bitbucket")
            tx.repositories.add(repository)
        entry = samples.entry(
            org,
            facts=samples.facts(**{"name": name, "tag": None, "run_id": None, "author": None} | facts),
            verified=verified,
            reason=why,
            placement=placement,
            candidates=found,
            project_id=project_id,
            placed_project_id=project_id,
            repository_id=repository.id if repository else None,
            created_at=tx.now() - ago,
        )
        tx.entries.add(entry)
        return entry.id

    world.ids[name] = parts.store.write(work)
    return world.ids[name]


def _queue(world: World) -> None:
    add_entry(
        world,
        "Pipeline #482",
        ReasonCode.NO_ACTIVE_RELEASE,
        "Pay has no active release for release/2.5",
        timedelta(minutes=14),
        project="Pay",
        repo_url=RepoUrl.parse("https://bitbucket.org/acme/pay-api"),
        branch="release/2.5",
        build_number="482",
        author="Ann Arbor",
    )
    add_entry(
        world,
        "Pipeline #17",
        ReasonCode.NO_PROJECT_MATCH,
        "Repository acme/ledger-import matches no project",
        timedelta(minutes=32),
        repo_url=RepoUrl.parse("https://bitbucket.org/acme/ledger-import"),
        build_number="17",
        commit_sha="9fec847" + SHA[7:],
    )
    add_entry(
        world,
        "1.9.0+204",
        ReasonCode.AMBIGUOUS_PROJECT,
        "Repository name mobile fits Mobile app and Mobile backend equally well",
        timedelta(hours=1),
        candidates=("Mobile app", "Mobile backend"),
        repo_url=RepoUrl.parse("https://github.com/acme/mobile"),
        source="github",
        build_number="204",
        commit_sha="3484a3f" + SHA[7:],
    )
    add_entry(
        world,
        "nightly-2026-03-14",
        ReasonCode.NO_ACTIVE_RELEASE,
        "Console has no active release",
        timedelta(hours=2),
        project="Console",
        source="api",
        branch="develop",
        repo_url=RepoUrl.parse("https://git.corp.test/tools/console"),
        build_number=None,
        verified=False,
    )
    add_entry(
        world,
        f"{ARABIC} #3",
        ReasonCode.NAME_MATCH_UNCONFIRMED,
        f"Only the repository's name points to {ARABIC}: a single word in common is too little to file by",
        timedelta(hours=5),
        project=ARABIC,
        candidates=(ARABIC,),
        branch="ميزة/دفع",
        build_number="3",
        author="ليلى",
        commit_sha="r4711",
    )
    add_entry(
        world,
        f"{LONG} build",
        ReasonCode.NO_PROJECT_MATCH,
        f"Repository acme/{LONG[:120]}x matches no project",
        timedelta(days=3),
        repo_url=RepoUrl.parse(f"https://bitbucket.org/acme/{LONG[:120]}x"),
        branch="feature/" + LONG[:200],
        build_number="9" * 60,
        author=LONG,
    )


def _builds(world: World) -> None:
    org, ids = world.acme.id, world.ids

    def work(tx: Transaction) -> None:
        for number in range(60):
            branch = ("release/2.5", "hotfix/tax", "release/2.5", None)[number % 4]
            build = samples.build(
                org,
                ids["Pay"],
                ids["Pay 2.5"],
                facts=samples.facts(
                    name=f"Pipeline #{400 + number}",
                    build_number=str(400 + number),
                    branch=branch,
                    tag=None if branch else f"v2.5.{number}",
                    author=("Ann Arbor", "ليلى", "Tom")[number % 3],
                ),
                created_at=tx.now() - timedelta(hours=60 - number, minutes=7),
                placement=evolve(samples.placement(), project_id=ids["Pay"], release_id=ids["Pay 2.5"]),
            )
            tx.builds.add(build)
            ids[f"build {400 + number}"] = build.id
        long = samples.build(
            org,
            ids[LONG],
            ids[f"{LONG} {LONG}"],
            facts=samples.facts(name=LONG, branch="feature/" + LONG[:200], url=f"https://ci.test/{LONG}", author=LONG),
            created_at=tx.now() - timedelta(days=2),
        )
        tx.builds.add(long)
        ids["long build"] = long.id
        bare = samples.bare_build(
            org, ids["Mobile app"], ids["Mobile app 1.9"], created_at=tx.now() - timedelta(days=9)
        )
        tx.builds.add(bare)
        ids["bare build"] = bare.id
        _deliveries(tx, world)

    world.parts.store.write(work)


def _deliveries(tx: Transaction, world: World) -> None:
    build_id, now = world.ids["build 459"], tx.now()
    made = [
        samples.delivery(
            world.acme.id,
            world.parts.ids.new(),
            status=status,
            reason=None,
            build_id=build_id,
            received_at=now - timedelta(minutes=minutes),
            event=f"repo:commit_status_{event}",
            body=b"{}",
        )
        for status, minutes, event in (
            (DeliveryStatus.DUPLICATE, 66, "updated"),
            (DeliveryStatus.CREATED, 67, "created"),
        )
    ]
    world.ids["delivery"] = made[0].id
    tx.intake.save(Changes(now, new_deliveries=made))


def _decisions(world: World) -> None:
    parts, caller, ids = world.parts, world.caller, world.ids
    url = RepoUrl.parse("https://bitbucket.org/acme/pay-api")
    for name in ("Pipeline #480", "Pipeline #481"):
        detail = "Pay has no active release for main"
        add_entry(
            world,
            name,
            ReasonCode.NO_ACTIVE_RELEASE,
            detail,
            timedelta(hours=3),
            project="Pay",
            repo_url=url,
            build_number=name[-3:],
        )
    world.clock.advance(timedelta(minutes=-9))
    triage.assign(parts.store, parts.ids, caller, ids["Pipeline #480"], ids["Pay 2.5"])
    world.clock.advance(timedelta(minutes=6))
    triage.reject(parts.store, caller, ids["Pipeline #481"], RejectReason.OTHER, "Not ours.\nAsk ليلى.")
    triage.requeue(parts.store, parts.ids, caller, ids["build 401"])
    world.clock.advance(timedelta(minutes=3))


def _credentials(world: World) -> None:
    parts, caller, now = world.parts, world.caller, world.clock.now()
    for name, scopes, days, limit in (
        ("Bitbucket pipelines of Pay", {Scope.BUILDS_CREATE}, 9, 60),
        ("Dashboard", set(Scope), None, None),
        (LONG, {Scope.BUILDS_READ, Scope.BUILDS_CREATE}, 300, 600),
        ("Old script", {Scope.BUILDS_READ}, None, 60),
    ):
        expires = now + timedelta(days=days) if days else None
        key, _ = keys.create(parts.store, parts.ids, caller, name, scopes, expires_at=expires, rate_limit=limit)
        world.ids[f"key {name}"] = key.id
    keys.revoke(parts.store, caller, world.ids["key Old script"])
    for name in ("hook", "rotated hook", "revoked hook"):
        hook, _ = hooks.create(parts.store, parts.ids, parts.box, caller, Provider.BITBUCKET)
        world.ids[name] = hook.id
    hooks.rotate(parts.store, parts.ids, parts.box, caller, world.ids["rotated hook"])
    hooks.revoke(parts.store, caller, world.ids["revoked hook"])


def _people(world: World) -> None:
    """Somebody new and somebody with an account are invited; an invitation of a day before yesterday has ended."""
    parts, caller = world.parts, world.caller
    world.ids["member Tom"] = world.people["tester"].user.id
    world.clock.advance(timedelta(days=-2))
    members.invite(parts.store, parts.ids, caller, f"late-{LONG[:60]}@acme.test", Role.VIEWER)
    world.clock.advance(timedelta(days=2))
    for name, email in (("invited", "new@acme.test"), ("invited stranger", "olga@acme.test")):
        world.ids[name] = members.invite(parts.store, parts.ids, caller, email, Role.TESTER).user.id
