"""Replays: what would become of a delivery now, and filing it, once."""

from __future__ import annotations

from uuid import UUID

import pytest

from lathe.application import hooks, replay, triage
from lathe.application.caller import command_caller
from lathe.application.intake import Presented
from lathe.application.lists import AuditFilter
from lathe.application.replay import Pasted, Replay
from lathe.domain.build_report import BuildReport, BuildStatus
from lathe.domain.delivery import CredentialKind, Delivery, DeliveryStatus
from lathe.domain.errors import Invalid, Malformed, NotFound
from lathe.domain.project import Files
from lathe.domain.queue_entry import RejectReason
from lathe.domain.repo_url import RepoUrl
from lathe.domain.steps import Reason, ReasonCode
from tests.unit.application.rereading import Content, Rereading
from tests.unit.application.world import PAY, UUID_OF_PAY, World, report

NOT_READ = Reason(ReasonCode.EVENT_NOT_SUPPORTED, "Nobody reads this event")


@pytest.fixture
def again() -> Rereading:
    return Rereading()


def came(world: World, again: Rereading, says: Content, then: Content = NOT_READ, by: Presented | None = None) -> UUID:
    """Let a delivery come that was read as ``then`` and says something else today; return its id."""
    world.later(minutes=1)
    return world.received(then, body=again.body_of(says), by=by).delivery_id


def tried(world: World, again: Rereading, delivery_id: UUID) -> Replay:
    return replay.try_again(world.store, world.ids, {"bitbucket": again}, world.ann, delivery_id)


def filed(world: World, again: Rereading, delivery_id: UUID) -> Replay:
    return replay.file(world.store, world.ids, {"bitbucket": again}, world.ann, delivery_id)


def of_build(world: World, build_id: UUID) -> list[Delivery]:
    return world.read(lambda tx: tx.deliveries.of_subject(world.organization.id, build_id=build_id))


def everything(world: World) -> object:
    """Return all that a replay could change."""
    org = world.organization.id
    return world.read(
        lambda tx: (
            world.builds(),
            world.entries(),
            tx.deliveries.newest(org, 100),
            tx.audit.page(org, AuditFilter(), 100, None),
            tx.repositories.find_by_url(org, RepoUrl.parse(PAY) or pytest.fail("no address")),
            tx.keys.all(org),
        )
    )


def test_trying_again_says_where_it_would_go_and_stores_nothing(world: World, again: Rereading) -> None:
    pay = world.project("Pay")
    release = world.release(pay, "2.5")
    delivery_id = came(world, again, report(repository=PAY))
    before = everything(world)
    found = tried(world, again, delivery_id)
    assert everything(world) == before
    assert (found.delivery.id, found.filed) == (delivery_id, False)
    assert found.now.status is DeliveryStatus.QUEUED
    assert found.now.reason is not None
    assert found.now.reason.code is ReasonCode.NAME_MATCH_UNCONFIRMED
    assert (found.now.project, found.now.release, found.now.files) == (pay, None, True)

    world.project("Payments", PAY)
    linked = world.release(world.project("Other", "https://bitbucket.org/acme/other"), "1")
    assert linked != release
    other = tried(world, again, came(world, again, report(repository="https://bitbucket.org/acme/other")))
    assert (other.now.status, other.now.release, other.now.build) == (DeliveryStatus.CREATED, linked, None)
    assert other.now.placement is not None
    assert other.now.files


def test_filing_makes_the_build_and_tells_so(world: World, again: Rereading) -> None:
    release = world.release(world.project("Pay", PAY), "2.5")
    delivery_id = came(world, again, report())
    done = filed(world, again, delivery_id)
    (build,) = world.builds()
    assert done.filed
    assert done.now.status is DeliveryStatus.CREATED
    assert done.now.build is not None
    assert (done.now.build.build, done.now.release) == (build, release)
    assert not done.now.files
    assert (build.release_id, build.verified) == (release.id, True)
    made = of_build(world, build.id)[0]
    assert (made.credential, made.credential_id, made.replay_of) == (
        CredentialKind.REPLAY,
        world.ann.actor.id,
        delivery_id,
    )
    assert made.headers["x-event-key"] == "repo:commit_status_updated"
    event = world.read(lambda tx: tx.audit.page(world.organization.id, AuditFilter(), 1, None))[0]
    assert (event.actor, event.action.value, event.subject.id) == (world.ann.actor, "replayed", build.id)
    assert event.detail == "filed under 2.5 of Pay"
    assert world.read(lambda tx: tx.keys.all(world.organization.id))[0].requests == 1


def test_nothing_is_filed_twice(world: World, again: Rereading) -> None:
    """Not by the replay of a replay either, and not where nothing but the replay itself tells the build."""
    world.release(world.project("Pay", PAY), "2.5")
    nameless = report(build_number=None, commit_sha=None)
    for says in (report(), nameless):
        delivery_id = came(world, again, says)
        first = filed(world, again, delivery_id)
        assert first.filed
        assert first.now.build is not None
        before = everything(world)
        replayed = of_build(world, first.now.build.build.id)[0]
        for one in (delivery_id, replayed.id):
            found = filed(world, again, one)
            assert (found.filed, found.now.status, found.now.files) == (False, DeliveryStatus.DUPLICATE, False)
            assert found.now.build is not None
            assert found.now.build.build.id == first.now.build.build.id
            assert found.delivery.id == delivery_id
        assert everything(world) == before


def test_a_build_that_is_known_is_named_wherever_it_is_now(world: World, again: Rereading) -> None:
    world.release(world.project("Pay", PAY), "2.5")
    build = world.received(report()).build
    assert build is not None
    delivery_id = came(world, again, report())
    found = tried(world, again, delivery_id).now
    assert (found.status, found.build, found.files) == (DeliveryStatus.DUPLICATE, build, False)
    assert found.placement is not None
    triage.requeue(world.store, world.ids, world.ann, build.build.id)
    back = filed(world, again, delivery_id)
    assert not back.filed
    assert back.now.build is None
    assert back.now.entry is not None
    assert back.now.entry.entry.reason.code is ReasonCode.SENT_BACK


def test_what_waits_in_the_queue_is_filed_from_there(world: World, again: Rereading) -> None:
    delivery_id = came(world, again, report(), then=report())
    (entry,) = world.entries()
    waits = tried(world, again, delivery_id).now
    assert (waits.status, waits.files) == (DeliveryStatus.DUPLICATE, False)
    assert waits.entry is not None
    assert not filed(world, again, delivery_id).filed

    release = world.release(world.project("Pay", PAY), "2.5")
    ready = tried(world, again, delivery_id).now
    assert ready.entry is not None
    assert (ready.entry.entry.id, ready.release, ready.files) == (entry.id, release, True)
    done = filed(world, again, delivery_id)
    assert done.filed
    assert done.now.build is not None
    assert done.now.build.build == world.builds()[0]
    assert done.now.build.release == release
    assert len(world.builds()) == 1
    assert not filed(world, again, delivery_id).filed


def test_what_a_person_rejected_stays_rejected(world: World, again: Rereading) -> None:
    delivery_id = came(world, again, report(), then=report())
    world.release(world.project("Pay", PAY), "2.5")
    triage.reject(world.store, world.ann, world.entries()[0].id, RejectReason.BROKEN)
    found = filed(world, again, delivery_id)
    assert not found.filed
    assert found.now.entry is not None
    assert world.builds() == []


def test_what_fits_nothing_may_be_put_into_the_queue(world: World, again: Rereading) -> None:
    delivery_id = came(world, again, report())
    found = tried(world, again, delivery_id).now
    assert (found.status, found.project, found.files, found.entry) == (DeliveryStatus.QUEUED, None, True, None)
    done = filed(world, again, delivery_id)
    assert done.filed
    assert done.now.entry is not None
    assert done.now.entry.entry == world.entries()[0]
    event = world.read(lambda tx: tx.audit.page(world.organization.id, AuditFilter(), 1, None))[0]
    assert (event.action.value, event.detail) == ("replayed", "it waits in the Build Queue")


@pytest.mark.parametrize(
    ("says", "status", "code"),
    [
        (NOT_READ, DeliveryStatus.IGNORED, ReasonCode.EVENT_NOT_SUPPORTED),
        (report(status=BuildStatus.IN_PROGRESS), DeliveryStatus.IGNORED, ReasonCode.BUILD_NOT_FINISHED),
        (report(status=BuildStatus.FAILED), DeliveryStatus.IGNORED, ReasonCode.BUILD_NOT_SUCCESSFUL),
        (Malformed("The body is not JSON."), DeliveryStatus.INVALID, ReasonCode.UNREADABLE),
    ],
    ids=str,
)
def test_of_what_leads_nowhere_nothing_comes(
    world: World, again: Rereading, says: Content, status: DeliveryStatus, code: ReasonCode
) -> None:
    delivery_id = came(world, again, says)
    before = everything(world)
    found = filed(world, again, delivery_id)
    assert (found.filed, found.now.status, found.now.files) == (False, status, False)
    assert found.now.reason is not None
    assert found.now.reason.code is code
    assert everything(world) == before


def test_a_failed_build_is_filed_once_its_project_files_such(world: World, again: Rereading) -> None:
    """The very case: a build did not appear, the delivery tells why, the project learns, and the replay files it."""
    says = report(status=BuildStatus.FAILED)
    delivery_id = came(world, again, says, then=says)
    assert world.delivery(delivery_id).status is DeliveryStatus.IGNORED
    world.release(world.project("Pay", PAY, files=Files.FINISHED), "2.5")
    assert filed(world, again, delivery_id).filed
    assert world.builds()[0].facts.status is BuildStatus.FAILED


def test_nobody_vouches_later_for_what_nobody_vouched_for(world: World, again: Rereading) -> None:
    world.change(allow_org_id=True)
    world.release(world.project("Pay", PAY), "2.5")
    delivery_id = came(world, again, report(uuid=UUID_OF_PAY), by=world.by_id())
    world.change(allow_org_id=False)
    assert filed(world, again, delivery_id).filed
    assert not filed(world, again, delivery_id).filed
    (build,) = world.builds()
    assert not build.verified
    for one in world.read(lambda tx: tx.deliveries.newest(world.organization.id, 10)):
        assert not filed(world, again, one.id).filed
    assert world.builds() == [build]


def test_a_revoked_hook_and_a_used_up_limit_are_in_nobodys_way(world: World, again: Rereading) -> None:
    world.release(world.project("Pay", PAY), "2.5")
    hook, _ = world.hook()
    delivery_id = came(world, again, report(), by=world.by_hook(hook))
    hooks.revoke(world.store, world.ann, hook.id)
    assert filed(world, again, delivery_id).filed


def test_a_report_that_names_a_project_which_is_gone_cannot_be_taken(world: World, again: Rereading) -> None:
    known = report()
    gone = BuildReport(facts=known.facts, project_id=world.ids.new())
    world.release(world.project("Pay", PAY), "2.5")
    assert tried(world, again, came(world, again, gone)).now.status is DeliveryStatus.INVALID
    filed_then = came(world, again, gone, then=known)
    found = tried(world, again, filed_then).now
    assert (found.status, found.placement) == (DeliveryStatus.DUPLICATE, None)
    assert found.build is not None


def test_of_a_filed_build_that_today_says_nothing_no_rules_are_shown(world: World, again: Rereading) -> None:
    world.release(world.project("Pay", PAY), "2.5")
    found = tried(world, again, came(world, again, NOT_READ, then=report())).now
    assert (found.status, found.placement) == (DeliveryStatus.DUPLICATE, None)


def test_what_is_not_there_cannot_be_replayed(world: World, again: Rereading) -> None:
    foreign = World("Umbra", world.clock)
    theirs = came(foreign, again, report())
    for delivery_id in (world.ids.new(), theirs):
        with pytest.raises(NotFound):
            tried(world, again, delivery_id)


def test_a_command_replays_in_the_name_of_the_organization(world: World, again: Rereading) -> None:
    world.release(world.project("Pay", PAY), "2.5")
    delivery_id = came(world, again, report())
    caller = command_caller(world.organization.id)
    assert replay.file(world.store, world.ids, {"bitbucket": again}, caller, delivery_id).filed
    made = world.read(lambda tx: tx.deliveries.newest(world.organization.id, 1))[0]
    assert made.credential_id == world.organization.id


# --- a pasted body ----------------------------------------------------------------------------------------------------


def pasted(world: World, again: Rereading, says: Content) -> Pasted:
    return replay.try_body(
        world.store,
        world.ids,
        {"bitbucket": again},
        world.ann,
        source="bitbucket",
        headers={"x-event-key": "repo:push"},
        body=again.body_of(says),
    )


def test_a_pasted_body_says_where_it_would_go_and_stores_nothing(world: World, again: Rereading) -> None:
    pay = world.project("Pay", PAY)
    release = world.release(pay, "2.5")
    came(world, again, NOT_READ)  # by the id that every reading has here: a pasted body is not that delivery
    before = everything(world)
    found = pasted(world, again, report(author="https://mira:secret@acme.test"))
    assert everything(world) == before
    assert found.now.status is DeliveryStatus.CREATED
    assert (found.now.project, found.now.release, found.now.build, found.now.files) == (pay, release, None, True)
    assert found.facts is not None
    assert (found.facts.author, found.at) == ("https://acme.test", world.clock.now())


def test_a_pasted_body_of_a_known_build_leads_there(world: World, again: Rereading) -> None:
    world.release(world.project("Pay", PAY), "2.5")
    (build,) = [world.received(report()).build]
    found = pasted(world, again, report())
    assert found.now.status is DeliveryStatus.DUPLICATE
    assert found.now.build == build
    assert not found.now.files


def test_a_pasted_body_without_a_build_says_why(world: World, again: Rereading) -> None:
    found = pasted(world, again, NOT_READ)
    assert (found.facts, found.now.status, found.now.reason) == (None, DeliveryStatus.IGNORED, NOT_READ)
    assert not found.now.files


def test_a_pasted_body_that_cannot_be_read_is_a_fault_of_the_body(world: World, again: Rereading) -> None:
    with pytest.raises(Invalid) as raised:
        pasted(world, again, Malformed("The body is not JSON."))
    assert [(one.pointer, one.code, one.detail) for one in raised.value.faults] == [
        ("/body", "malformed", "The body is not JSON.")
    ]
