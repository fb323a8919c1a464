"""Deliveries: listed, read, replayed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from lathe.entrypoints.sample_bodies import commit_status
from tests.integration.contract.scene import bearer, nobody, pay_api, sent_by_bitbucket, signed
from tests.integration.contract.table import ABSENT, HERE, Ask, Table

if TYPE_CHECKING:
    from tests.integration.contract.scene import Scene

TABLE: Final = Table()
LIST: Final = "GET /api/v1/deliveries"
READ: Final = "GET /api/v1/deliveries/{id}"
REPLAY: Final = "POST /api/v1/deliveries/{id}/replay"
_ID: Final = re.compile("[0-9a-f-]{36}")
row = TABLE.row


# --- read -------------------------------------------------------------------------------------------------------------


@row(LIST, 200, says={"data.0.body": ABSENT, "data.0.headers": ABSENT, "data.0.placement": ABSENT})
def deliveries_are_listed_without_their_bodies(scene: Scene) -> Ask:
    by = bearer(scene.fresh_key(limit=100))
    made = scene.made("POST", "/api/v1/builds", scene.facts(repo_url=scene.product().url), by)
    return Ask(
        query="limit=1",
        says={
            "data.0.id": made["delivery_id"],
            "data.0.source": "api",
            "data.0.event": None,
            "data.0.status": "created",
            "data.0.build_id": made["build"]["id"],
            "data.0.credential.kind": "key",
            "data.0.credential.name": re.compile("fresh .*"),
        },
    )


@row(LIST, 200, says={"data.1": ABSENT, "next_cursor": None})
def deliveries_are_found_by_all_filters_at_once(scene: Scene) -> Ask:
    word, hook = uuid4().hex, scene.hook()
    path = f"/api/webhooks/bitbucket/{hook.id}"
    wanted = scene.ask("POST", path, signed(hook, commit_status(repository=f"acme/{word}"))).json()["delivery_id"]
    scene.ask("POST", path, signed(hook, pay_api(scene)))
    scene.ask("POST", "/api/webhooks/bitbucket", sent_by_bitbucket(commit_status(repository=f"acme/{word}")))
    scene.ask("POST", path, signed(hook, {"repository": word}, event="repo:push"))
    query = (
        f"status=queued&source=bitbucket&credential={hook.id}&q=https%3A%2F%2Fbitbucket.org%2Facme%2F{word}.git"
        "&since=2020-01-01T00:00:00Z&until=2999-01-01T00:00:00Z"
    )
    return Ask(query=query, says={"data.0.id": wanted, "data.0.reason.code": "no_project_match"})


@row(LIST, 200, says={"data": [], "next_cursor": None})
def deliveries_of_another_time_are_left_out(scene: Scene) -> Ask:
    scene.delivery()
    return Ask(query="until=2020-01-01T00:00:00Z")


@row(LIST, 200, says={"data.0.status": "ignored", "data.0.reason.code": "event_not_supported", "data.1": ABSENT})
def a_text_is_found_in_bodies_that_carry_no_build(scene: Scene) -> Ask:
    word = uuid4().hex
    sent = sent_by_bitbucket({"repository": {"full_name": f"acme/{word}"}}, event="repo:push")
    scene.ask("POST", "/api/webhooks/bitbucket", sent)
    return Ask(query=f"q=acme/{word}")


@row(LIST, 422, "invalid", faults=[("/credential", "not_an_id"), ("/since", "not_a_time"), ("/status", "not_a_choice")])
def filters_of_deliveries_must_make_sense(_: Scene) -> Ask:
    return Ask(query="status=lost&credential=ann&since=yesterday")


@row(LIST, 422, "invalid", faults=[("/cursor", "wrong_cursor")])
def a_cursor_into_deliveries_is_bound_to_its_filters(scene: Scene) -> Ask:
    scene.delivery()
    scene.delivery()
    cursor = scene.read("/api/v1/deliveries?limit=1")["next_cursor"]
    return Ask(query=f"limit=1&status=created&cursor={cursor}")


@row(
    READ,
    200,
    says={
        "report.name": HERE,
        "report.status": "successful",
        "placement.outcome": "created",
        "headers.0.name": "content-type",
    },
)
def a_delivery_is_read_with_headers_body_and_placement(scene: Scene) -> Ask:
    sent = sent_by_bitbucket(pay_api(scene))
    assert isinstance(sent.body, bytes)
    made = scene.ask("POST", "/api/webhooks/bitbucket", sent).json()
    says = {"id": made["delivery_id"], "body": sent.body.decode(), "build_id": made["build"]["id"]}
    return Ask(ids={"id": made["delivery_id"]}, says=says)


@row(
    READ, 200, says={"status": "invalid", "reason.code": "unreadable", "body": "{", "report": ABSENT, "sender_id": None}
)
def what_could_not_be_read_is_kept_with_the_reason(scene: Scene) -> Ask:
    assert scene.ask("POST", "/api/webhooks/bitbucket", sent_by_bitbucket(b"{")).status_code == 400
    return Ask(ids={"id": scene.read("/api/v1/deliveries?status=invalid&limit=1")["data"][0]["id"]})


# --- replayed ---------------------------------------------------------------------------------------------------------


@row(REPLAY, 200, says={"then.status": "ignored", "now.status": "created", "now.build": ABSENT, "filed": False})
def a_replay_tells_what_would_become_of_a_delivery_and_stores_nothing(scene: Scene) -> Ask:
    delivery, product = _failed_before_its_project_files_such(scene)
    scene.made("POST", f"/api/v1/deliveries/{delivery}/replay", {"file": False})
    assert scene.read(f"/api/v1/builds?project={product}")["data"] == []
    return Ask(ids={"id": delivery}, body={}, says={"id": delivery, "now.project.id": product})


@row(REPLAY, 200, says={"then.status": "ignored", "now.status": "created", "now.build.id": _ID, "filed": True})
def a_replay_files_where_that_is_asked_for(scene: Scene) -> Ask:
    delivery, product = _failed_before_its_project_files_such(scene)
    return Ask(ids={"id": delivery}, body={"file": True}, says={"now.build.project.id": product})


@row(REPLAY, 200, says={"now.status": "duplicate", "filed": False})
def a_replay_never_files_twice(scene: Scene) -> Ask:
    delivery, product = _failed_before_its_project_files_such(scene)
    first = scene.made("POST", f"/api/v1/deliveries/{delivery}/replay", {"file": True})
    build = first["now"]["build"]["id"]
    assert [one["id"] for one in scene.read(f"/api/v1/builds?project={product}")["data"]] == [build]
    return Ask(ids={"id": delivery}, body={"file": True}, says={"now.build.id": build})


@row(REPLAY, 200, says={"then.status": "queued", "now.status": "duplicate", "filed": True})
def a_replay_files_what_waits_in_the_queue(scene: Scene) -> Ask:
    word = uuid4().hex
    url = f"https://bitbucket.org/acme/{word}"
    made = scene.made("POST", "/api/v1/builds", scene.facts(repo_url=url))
    project = scene.made("POST", "/api/v1/projects", {"name": f"Q {word}", "repositories": [url]})["id"]
    scene.release(project, "1")
    return Ask(ids={"id": made["delivery_id"]}, body={"file": True}, says={"now.build.project.id": project})


@row(REPLAY, 200, says={"now.status": "ignored", "now.reason": {"code": "event_not_supported"}, "filed": False})
def who_may_not_read_is_told_codes_and_ids_alone(scene: Scene) -> Ask:
    scene.ask("POST", "/api/webhooks/bitbucket", sent_by_bitbucket({}, event="repo:push"))
    delivery = scene.read("/api/v1/deliveries?status=ignored&limit=1")["data"][0]["id"]
    says = {"then.reason": {"code": "event_not_supported"}, "now.placement": ABSENT}
    return Ask(ids={"id": delivery}, body={"file": True}, by=bearer(scene.key("builds:create")), says=says)


@row(REPLAY, 422, "invalid", faults=[("/file", "not_a_boolean"), ("/twice", "unknown_field")])
def a_replay_is_asked_for_in_so_many_words(_: Scene) -> Ask:
    return Ask(ids={"id": nobody()}, body={"file": "yes", "twice": True})


@row(REPLAY, 413, "body_too_large")
def a_replay_takes_no_more_than_a_mebibyte_of_words(_: Scene) -> Ask:
    return Ask(ids={"id": nobody()}, body=b" " * (1024 * 1024 + 1))


@row(REPLAY, 404, "not_found")
def what_is_not_there_cannot_be_replayed(_: Scene) -> Ask:
    return Ask(ids={"id": nobody()}, body={"file": True})


def _failed_before_its_project_files_such(scene: Scene) -> tuple[str, str]:
    """Return a delivery that was ignored, and the project that has learned since to file what it reports."""
    word = uuid4().hex
    url = f"https://bitbucket.org/acme/{word}"
    made = scene.made("POST", "/api/v1/builds", scene.facts(repo_url=url, status="failed"))
    assert made["status"] == "ignored"
    project = scene.made("POST", "/api/v1/projects", {"name": f"F {word}", "repositories": [url], "files": "finished"})
    scene.release(project["id"], "1")
    return made["delivery_id"], project["id"]
