"""The Build Queue: what is decided about a waiting build, taken back, and by whom it was decided first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from lathe.entrypoints.sample_bodies import commit_status
from tests.integration.contract.scene import bearer, nobody, sent_by_bitbucket
from tests.integration.contract.table import ABSENT, HERE, Ask, Table

if TYPE_CHECKING:
    from tests.integration.contract.scene import Scene

TABLE: Final = Table()
ASSIGN: Final = "POST /api/v1/queue/{id}/assign"
REJECT: Final = "POST /api/v1/queue/{id}/reject"
SELECT: Final = "POST /api/v1/queue/{id}/project"
UNDO: Final = "POST /api/v1/queue/{id}/undo"
MOVE: Final = "POST /api/v1/builds/{id}/move"
REQUEUE: Final = "POST /api/v1/builds/{id}/requeue"
row = TABLE.row


@row("GET /api/v1/queue/{id}", 200, says={"status": "pending", "placement.outcome": "queued", "decided_by": ABSENT})
def a_waiting_build_is_read_with_its_placement(scene: Scene) -> Ask:
    entry = scene.waiting(branch="main")
    return Ask(ids={"id": entry}, says={"id": entry, "branch": "main", "reason.code": "no_project_match"})


@row("GET /api/v1/queue", 200, says={"data.1": ABSENT, "next_cursor": None})
def the_queue_shows_what_is_pending_unless_asked(scene: Scene) -> Ask:
    branch = uuid4().hex
    waits, rejected = scene.waiting(branch=branch), scene.waiting(branch=branch)
    scene.made("POST", f"/api/v1/queue/{rejected}/reject", {"reason": "broken"})
    assert scene.read(f"/api/v1/queue?branch={branch}&status=rejected")["data"][0]["id"] == rejected
    assert len(scene.read(f"/api/v1/queue?branch={branch}&status=any")["data"]) == 2
    return Ask(query=f"branch={branch}", says={"data.0.id": waits})


# --- assign -----------------------------------------------------------------------------------------------------------


@row(
    ASSIGN,
    201,
    says={"filed": "by_hand", "withdrawn": False, "placement.outcome": "created"},
    headers={"location": re.compile("/api/v1/builds/[0-9a-f-]{36}")},
)
def assigning_makes_a_build(scene: Scene) -> Ask:
    product = scene.product()
    return Ask(ids={"id": scene.waiting()}, body={"release_id": product.release}, says={"release.id": product.release})


@row(ASSIGN, 201)
def repeating_the_own_assignment_returns_the_same_build(scene: Scene) -> Ask:
    product, entry = scene.product(), scene.waiting()
    body = {"release_id": product.release}
    build = scene.made("POST", f"/api/v1/queue/{entry}/assign", body)["id"]
    return Ask(ids={"id": entry}, body=body, says={"id": build})


@row(ASSIGN, 201, says={"name": ABSENT, "project.name": ABSENT, "release.id": HERE})
def who_may_not_read_assigns_and_gets_ids(scene: Scene) -> Ask:
    body = {"release_id": scene.product().release}
    return Ask(ids={"id": scene.waiting()}, by=bearer(scene.key("queue:manage")), body=body)


@row("POST /api/v1/builds", 201, "created")
def a_repository_that_was_to_be_remembered_files_the_next_build(scene: Scene) -> Ask:
    product, url = scene.product(), f"https://bitbucket.org/acme/{uuid4().hex}"
    body = {"release_id": product.release, "remember_repository": True}
    scene.made("POST", f"/api/v1/queue/{scene.waiting(repo_url=url)}/assign", body)
    learned = scene.read(f"/api/v1/projects/{product.project}")["repositories"][-1]
    assert (learned["url"], learned["kind"], learned["linked_by"]["name"]) == (url, "learned", "CI")
    return Ask(body=scene.facts(repo_url=url), says={"build.project.id": product.project})


@row(ASSIGN, 409, "already_assigned", says={"detail": "Quick assigned this to 3.1 just now"})
def who_was_slower_is_told_who_was_faster_and_where_it_went(scene: Scene) -> Ask:
    entry = scene.waiting()
    quick = bearer(scene.key("queue:manage", name="Quick"))
    scene.made("POST", f"/api/v1/queue/{entry}/assign", {"release_id": scene.product().release}, quick)
    return Ask(ids={"id": entry}, body={"release_id": scene.product().release})


@row(ASSIGN, 409, "already_rejected", says={"detail": "Quick rejected this just now"})
def what_was_rejected_meanwhile_is_not_assigned(scene: Scene) -> Ask:
    entry = scene.waiting()
    quick = bearer(scene.key("queue:manage", name="Quick"))
    scene.made("POST", f"/api/v1/queue/{entry}/reject", {"reason": "broken"}, quick)
    return Ask(ids={"id": entry}, body={"release_id": scene.product().release})


@row(ASSIGN, 409, "release_not_active", says={"detail": re.compile("release 4 is planned.*")})
def builds_are_assigned_to_active_releases_only(scene: Scene) -> Ask:
    planned = scene.release(scene.product().project, "4", "planned")
    return Ask(ids={"id": scene.waiting()}, body={"release_id": planned})


@row(ASSIGN, 409, "repository_linked")
def a_repository_of_another_project_is_not_learned_and_its_owner_is_named(scene: Scene) -> Ask:
    owner, product = scene.product(), scene.product()
    scene.made("PATCH", f"/api/v1/releases/{owner.release}", {"state": "closed"})
    entry = scene.waiting(repo_url=owner.url)
    body = {"release_id": product.release, "remember_repository": True}
    return Ask(ids={"id": entry}, body=body, says={"detail": re.compile(f".*{owner.name}.*")})


@row(ASSIGN, 422, "invalid", faults=[("/remember_repository", "no_repository")])
def a_build_that_names_no_repository_has_none_to_remember(scene: Scene) -> Ask:
    entry = scene.made("POST", "/api/v1/builds", {"name": "Nightly"})["queue_entry"]["id"]
    body = {"release_id": scene.product().release, "remember_repository": True}
    return Ask(ids={"id": entry}, body=body)


@row(ASSIGN, 422, "invalid", faults=[("/remember_repository", "unverified")])
def an_unverified_report_teaches_no_link(scene: Scene) -> Ask:
    body = commit_status(repository=f"acme/{uuid4().hex}")
    ask = sent_by_bitbucket(body, by=scene.organization())
    entry = scene.ask("POST", "/api/webhooks/bitbucket", ask).json()["queue_entry"]["id"]
    return Ask(ids={"id": entry}, body={"release_id": scene.product().release, "remember_repository": True})


@row(ASSIGN, 422, "invalid", faults=[("/release_id", "not_found")])
def a_release_that_is_not_there_is_pointed_at(scene: Scene) -> Ask:
    return Ask(ids={"id": scene.waiting()}, body={"release_id": nobody()})


# --- reject, select, undo ---------------------------------------------------------------------------------------------


@row(
    REJECT,
    200,
    says={"status": "rejected", "rejected": {"reason": "other", "note": "Two lines\nof why"}, "decided_at": HERE},
)
def rejecting_keeps_the_reason_and_who_gave_it(scene: Scene) -> Ask:
    body = {"reason": "other", "note": "Two lines\nof why"}
    return Ask(ids={"id": scene.waiting()}, body=body, says={"decided_by.name": "CI", "decided_by.kind": "key"})


@row(REJECT, 200)
def repeating_the_own_rejection_changes_nothing(scene: Scene) -> Ask:
    entry = scene.waiting()
    first = scene.made("POST", f"/api/v1/queue/{entry}/reject", {"reason": "wrong_branch"})
    return Ask(ids={"id": entry}, body={"reason": "wrong_branch"}, says={"decided_at": first["decided_at"]})


@row(REJECT, 409, "already_assigned", says={"detail": "Quick assigned this to 3.1 just now"})
def what_was_assigned_meanwhile_is_not_rejected(scene: Scene) -> Ask:
    entry = scene.waiting()
    quick = bearer(scene.key("queue:manage", name="Quick"))
    scene.made("POST", f"/api/v1/queue/{entry}/assign", {"release_id": scene.product().release}, quick)
    return Ask(ids={"id": entry}, body={"reason": "duplicate"})


@row(REJECT, 422, "invalid", faults=[("/note", "blank")])
def another_reason_needs_a_note(scene: Scene) -> Ask:
    return Ask(ids={"id": scene.waiting()}, body={"reason": "other"})


@row(SELECT, 200, says={"status": "pending"})
def selecting_a_project_suggests_its_release(scene: Scene) -> Ask:
    product = scene.product()
    says = {"project.id": product.project, "suggested_release": {"id": product.release, "name": "3.1"}}
    return Ask(ids={"id": scene.waiting()}, body={"project_id": product.project}, says=says)


@row(SELECT, 409, "already_rejected")
def a_project_is_selected_for_what_is_pending_only(scene: Scene) -> Ask:
    entry = scene.waiting()
    scene.made("POST", f"/api/v1/queue/{entry}/reject", {"reason": "broken"})
    return Ask(ids={"id": entry}, body={"project_id": scene.product().project})


@row(SELECT, 409, "project_archived", says={"detail": "Kept is archived; restore it first"})
def an_archived_project_is_not_selected(scene: Scene) -> Ask:
    project = scene.made("POST", "/api/v1/projects", {"name": "Kept"})["id"]
    scene.made("PATCH", f"/api/v1/projects/{project}", {"archived": True})
    return Ask(ids={"id": scene.waiting()}, body={"project_id": project})


@row(UNDO, 200, says={"status": "pending", "decided_by": ABSENT})
def undoing_an_assignment_withdraws_the_build_and_forgets_the_link(scene: Scene) -> Ask:
    product, entry = scene.product(), scene.waiting()
    body = {"release_id": product.release, "remember_repository": True}
    build = scene.made("POST", f"/api/v1/queue/{entry}/assign", body)["id"]
    scene.made("POST", f"/api/v1/queue/{entry}/undo")
    assert scene.read(f"/api/v1/builds/{build}")["withdrawn"] is True
    assert len(scene.read(f"/api/v1/projects/{product.project}")["repositories"]) == 1
    revived = scene.made("POST", f"/api/v1/queue/{entry}/assign", body)
    assert (revived["id"], revived["withdrawn"]) == (build, False)
    return Ask(ids={"id": entry})


@row(UNDO, 409, "nothing_to_undo")
def where_nothing_was_decided_nothing_is_undone(scene: Scene) -> Ask:
    return Ask(ids={"id": scene.waiting()})


@row(UNDO, 409, "release_closed", says={"detail": re.compile("release 3.1 is closed.*")})
def what_a_closed_release_holds_is_not_undone(scene: Scene) -> Ask:
    product, entry = scene.product(), scene.waiting()
    scene.made("POST", f"/api/v1/queue/{entry}/assign", {"release_id": product.release})
    scene.made("PATCH", f"/api/v1/releases/{product.release}", {"state": "closed"})
    return Ask(ids={"id": entry})


# --- move, send back --------------------------------------------------------------------------------------------------


@row(MOVE, 200, says={"filed": "by_hand", "release.name": "3.2"})
def a_build_is_moved_to_another_active_release(scene: Scene) -> Ask:
    product = scene.product()
    build = scene.build(product)
    return Ask(ids={"id": build}, body={"release_id": scene.release(product.project, "3.2")}, says={"id": build})


@row(MOVE, 409, "release_not_active")
def a_build_is_moved_to_active_releases_only(scene: Scene) -> Ask:
    product = scene.product()
    return Ask(ids={"id": scene.build(product)}, body={"release_id": scene.release(product.project, "4", "planned")})


@row(MOVE, 409, "release_closed")
def what_a_closed_release_holds_is_not_moved(scene: Scene) -> Ask:
    product = scene.product()
    build, target = scene.build(product), scene.release(product.project, "3.2")
    scene.made("PATCH", f"/api/v1/releases/{product.release}", {"state": "closed"})
    return Ask(ids={"id": build}, body={"release_id": target})


@row(MOVE, 409, "withdrawn")
def a_withdrawn_build_is_not_moved(scene: Scene) -> Ask:
    product = scene.product()
    build = scene.build(product)
    scene.made("POST", f"/api/v1/builds/{build}/requeue")
    return Ask(ids={"id": build}, body={"release_id": product.release})


@row(MOVE, 422, "invalid", faults=[("/release_id", "not_found")])
def a_build_is_not_moved_to_a_release_that_is_not_there(scene: Scene) -> Ask:
    return Ask(ids={"id": scene.build(scene.product())}, body={"release_id": nobody()})


@row(REQUEUE, 200, says={"status": "pending", "reason.code": "sent_back"})
def a_build_sent_back_waits_with_its_project(scene: Scene) -> Ask:
    product = scene.product()
    build = scene.build(product)
    entry = scene.made("POST", f"/api/v1/builds/{build}/requeue")["id"]
    return Ask(ids={"id": build}, says={"id": entry, "build_id": build, "project.id": product.project})


@row(REQUEUE, 409, "release_closed")
def what_a_closed_release_holds_is_not_sent_back(scene: Scene) -> Ask:
    product = scene.product()
    build = scene.build(product)
    scene.made("PATCH", f"/api/v1/releases/{product.release}", {"state": "closed"})
    return Ask(ids={"id": build})
