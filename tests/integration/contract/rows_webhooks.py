"""Deliveries to a provider's address, by API key and by organization id: every outcome there is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from attrs import evolve

from lathe.entrypoints.sample_bodies import commit_status, pipeline_span
from tests.integration.contract.scene import (
    CREATED,
    SPAN,
    UNKNOWN_KEY,
    bearer,
    nobody,
    pay_api,
    sent_by_bitbucket,
)
from tests.integration.contract.table import ABSENT, HERE, Ask, Table

if TYPE_CHECKING:
    from tests.integration.contract.scene import Scene

TABLE: Final = Table()
WEBHOOK: Final = "POST /api/webhooks/{provider}"
CREATES: Final = "builds:create"
row = TABLE.row


# --- filed ------------------------------------------------------------------------------------------------------------


@row(
    WEBHOOK,
    201,
    "created",
    says={
        "status": "created",
        "delivery_id": HERE,
        "build.project.name": "Pay API",
        "build.release.name": "2.5",
        "build.source": "bitbucket",
        "build.repo_url": "https://bitbucket.org/acme/pay-api",
        "build.branch": "release/2.5",
        "build.commit_sha": re.compile("[0-9a-f]{40}"),
        "build.author": "Mira Holm",
        "build.status": "successful",
        "build.filed": "automatically",
        "build.finished_at": "2026-03-12T09:41:26.482913Z",
        "build.verified": True,
        "build.withdrawn": False,
        "placement.outcome": "created",
        "placement.steps.1.rule": HERE,
    },
    headers={"location": re.compile("/api/v1/builds/[0-9a-f-]{36}")},
)
def a_build_of_a_linked_repository_is_filed(scene: Scene) -> Ask:
    number = scene.number()
    return evolve(sent_by_bitbucket(commit_status(number=number)), says={"build.build_number": str(number)})


@row(WEBHOOK, 201, "created", says={"build.status": "failed"})
def a_failed_build_is_filed_where_the_project_files_every_finished_one(scene: Scene) -> Ask:
    product = scene.product()
    scene.made("PATCH", f"/api/v1/projects/{product.project}", {"files": "finished"})
    return sent_by_bitbucket(commit_status(repository=product.repository, state="FAILED"))


@row(WEBHOOK, 201, "created", says={"build.run_id": HERE, "build.commit_sha": None})
def a_pipeline_run_is_filed_by_the_repository_id_that_a_status_taught(scene: Scene) -> Ask:
    scene.ask("POST", "/api/webhooks/bitbucket", sent_by_bitbucket(pay_api(scene)))
    return sent_by_bitbucket(pipeline_span(number=scene.number()), event=SPAN)


@row(
    WEBHOOK,
    201,
    "created",
    says={
        "placement": {"outcome": "created"},
        "build.project.name": ABSENT,
        "build.filed": ABSENT,
        "build.author": "Mira Holm",
        "build.release.id": HERE,
    },
)
def without_the_right_to_read_an_answer_holds_ids_and_what_was_sent(scene: Scene) -> Ask:
    return sent_by_bitbucket(pay_api(scene), by=bearer(scene.key(CREATES)))


# --- waiting ----------------------------------------------------------------------------------------------------------

_WAITS: Final = {
    "status": "queued",
    "delivery_id": HERE,
    "queue_entry.status": "pending",
    "queue_entry.build_status": "successful",
    "queue_entry.verified": True,
    "queue_entry.reason.detail": HERE,
    "placement.outcome": "queued",
}
_AT_THE_QUEUE: Final = {"location": re.compile("/api/v1/queue/[0-9a-f-]{36}")}


@row(WEBHOOK, 202, "no_project_match", says={**_WAITS, "queue_entry.project": ABSENT}, headers=_AT_THE_QUEUE)
def a_build_of_a_repository_that_nobody_knows_waits(scene: Scene) -> Ask:
    return sent_by_bitbucket(commit_status(repository=f"acme/{uuid4().hex}"))


@row(
    WEBHOOK,
    202,
    "ambiguous_project",
    says={**_WAITS, "queue_entry.project": ABSENT, "queue_entry.candidates.1.name": HERE},
    headers=_AT_THE_QUEUE,
)
def a_build_that_fits_two_projects_equally_waits_with_both(scene: Scene) -> Ask:
    return sent_by_bitbucket(commit_status(repository="acme/shop", number=scene.number()))


@row(
    WEBHOOK,
    202,
    "name_match_unconfirmed",
    says={**_WAITS, "queue_entry.project.name": "Reports", "queue_entry.suggested_release.name": "1"},
    headers=_AT_THE_QUEUE,
)
def a_build_whose_name_fits_only_weakly_waits_with_the_project_filled_in(scene: Scene) -> Ask:
    return sent_by_bitbucket(commit_status(repository="acme/reports-api", number=scene.number()))


@row(
    WEBHOOK,
    202,
    "no_active_release",
    says={**_WAITS, "queue_entry.project.name": "Idle", "queue_entry.suggested_release": ABSENT},
    headers=_AT_THE_QUEUE,
)
def a_build_of_a_project_without_an_active_release_waits(scene: Scene) -> Ask:
    return sent_by_bitbucket(commit_status(repository="acme/idle", number=scene.number()))


@row(
    WEBHOOK,
    202,
    "ambiguous_project",
    says={"queue_entry.reason": {"code": "ambiguous_project"}, "placement": {"outcome": "queued"}},
)
def without_the_right_to_read_a_waiting_build_has_no_candidates_and_no_steps(scene: Scene) -> Ask:
    body = commit_status(repository="acme/shop", number=scene.number())
    return evolve(sent_by_bitbucket(body, by=bearer(scene.key(CREATES))), says={"queue_entry.candidates": ABSENT})


# --- known already ----------------------------------------------------------------------------------------------------


@row(WEBHOOK, 200, "duplicate", says={"status": "duplicate", "queue_entry": ABSENT})
def a_redelivery_returns_the_first_build_and_the_first_delivery_id(scene: Scene) -> Ask:
    ask = sent_by_bitbucket(pay_api(scene), delivery_id=f"{{{uuid4()}}}")
    first = scene.ask("POST", "/api/webhooks/bitbucket", ask).json()
    return evolve(ask, says={"delivery_id": first["delivery_id"], "build.id": first["build"]["id"]})


@row(WEBHOOK, 200, "duplicate", says={"status": "duplicate", "build": ABSENT})
def another_event_of_a_waiting_build_returns_its_entry(scene: Scene) -> Ask:
    body = commit_status(repository=f"acme/{uuid4().hex}")
    first = scene.ask("POST", "/api/webhooks/bitbucket", sent_by_bitbucket(body, event=CREATED)).json()
    return evolve(sent_by_bitbucket(body), says={"queue_entry.id": first["queue_entry"]["id"]})


@row(WEBHOOK, 200, "duplicate", says={"build.name": re.compile("Pipeline #.*")})
def the_run_of_a_filed_pipeline_is_the_same_build(scene: Scene) -> Ask:
    number = scene.number()
    body, span = commit_status(number=number), pipeline_span(number=number)
    first = scene.ask("POST", "/api/webhooks/bitbucket", sent_by_bitbucket(body)).json()
    return evolve(sent_by_bitbucket(span, event=SPAN), says={"build.id": first["build"]["id"]})


@row(WEBHOOK, 200, "duplicate", says={"build.status": "failed"})
def a_later_failure_changes_the_status_of_a_filed_build_and_unfiles_nothing(scene: Scene) -> Ask:
    body = pay_api(scene)
    scene.ask("POST", "/api/webhooks/bitbucket", sent_by_bitbucket(body))
    body["commit_status"] |= {"state": "FAILED", "updated_on": "2026-03-12T10:00:00+00:00"}
    return sent_by_bitbucket(body)


# --- nothing to file --------------------------------------------------------------------------------------------------

_IGNORED: Final = {"status": "ignored", "delivery_id": HERE, "reason.detail": HERE}


@row(WEBHOOK, 200, "event_not_supported", says=_IGNORED)
def an_event_that_tells_of_no_build_is_ignored(scene: Scene) -> Ask:
    return sent_by_bitbucket({"push": {"changes": []}}, event="repo:push")


@row(WEBHOOK, 200, "build_not_finished", says=_IGNORED)
def a_build_that_runs_is_ignored_until_it_has_finished(scene: Scene) -> Ask:
    return sent_by_bitbucket(pay_api(scene, state="INPROGRESS"), event=CREATED)


@row(WEBHOOK, 200, "build_not_successful", says=_IGNORED)
def a_failed_build_is_ignored_where_the_project_files_successful_ones(scene: Scene) -> Ask:
    return sent_by_bitbucket(pay_api(scene, state="FAILED"))


@row(WEBHOOK, 200, "build_not_successful", says={"reason": {"code": "build_not_successful"}})
def without_the_right_to_read_the_reason_of_a_placement_is_a_code_alone(scene: Scene) -> Ask:
    return sent_by_bitbucket(pay_api(scene, state="FAILED"), by=bearer(scene.key(CREATES)))


@row(WEBHOOK, 200, "facts_missing", says=_IGNORED)
def a_build_status_without_a_repository_lacks_facts(scene: Scene) -> Ask:
    return sent_by_bitbucket({"commit_status": {"state": "SUCCESSFUL"}})


@row(WEBHOOK, 200, "ping", says=_IGNORED)
def a_connection_test_is_ignored(scene: Scene) -> Ask:
    return sent_by_bitbucket({"test": True}, event="diagnostics:ping")


@row(WEBHOOK, 200, "build_not_finished", says=_IGNORED)
def a_redelivery_of_what_was_ignored_is_ignored_again_under_the_first_delivery_id(scene: Scene) -> Ask:
    ask = sent_by_bitbucket(pay_api(scene, state="INPROGRESS"), event=CREATED)
    first = scene.ask("POST", "/api/webhooks/bitbucket", ask).json()
    return evolve(ask, says={"delivery_id": first["delivery_id"]})


# --- by the organization's id -----------------------------------------------------------------------------------------


@row(
    WEBHOOK,
    201,
    "created",
    says={"placement": {"outcome": "created"}, "build.verified": ABSENT},
    headers={"ratelimit-policy": '"organization";q=60;w=60'},
)
def an_organization_id_files_builds_where_that_is_allowed(scene: Scene) -> Ask:
    return sent_by_bitbucket(pay_api(scene), by=scene.organization())


@row("GET /api/v1/builds/{id}", 200, says={"verified": False})
def what_an_organization_id_filed_is_marked_unverified(scene: Scene) -> Ask:
    made = scene.ask(
        "POST", "/api/webhooks/bitbucket", sent_by_bitbucket(pay_api(scene), by=scene.organization())
    ).json()
    return Ask(ids={"id": made["build"]["id"]})


@row(WEBHOOK, 401, "unauthenticated")
def an_organization_id_opens_nothing_where_that_is_not_allowed(scene: Scene) -> Ask:
    return sent_by_bitbucket(pay_api(scene), by=scene.organization(scene.rival))


@row(WEBHOOK, 401, "unauthenticated")
def an_organization_id_that_nobody_has_opens_nothing(scene: Scene) -> Ask:
    return sent_by_bitbucket(pay_api(scene), by=scene.organization(nobody()))


@row(WEBHOOK, 401, "unauthenticated", headers={"www-authenticate": 'Bearer realm="lathe", error="invalid_token"'})
def a_name_is_no_organization_id(scene: Scene) -> Ask:
    return sent_by_bitbucket(pay_api(scene), by=scene.organization("acme"))


@row("POST /api/v1/builds", 401, "unauthenticated", headers={"www-authenticate": 'Bearer realm="lathe"'})
def an_organization_id_opens_no_other_address(scene: Scene) -> Ask:
    return Ask(by=scene.organization(), body=scene.facts())


@row(WEBHOOK, 429, "rate_limited", headers={"ratelimit-policy": '"organization";q=60;w=60'})
def an_organization_id_is_good_for_sixty_requests_a_minute(scene: Scene) -> Ask:
    crowded = scene.place.command("org", "create", f"Crowded {uuid4().hex}", "--allow-org-id")["id"]
    ask = sent_by_bitbucket({"test": True}, event="diagnostics:ping", by=scene.organization(crowded))
    for left in range(59, -1, -1):
        answer = scene.ask("POST", "/api/webhooks/bitbucket", ask)
        assert answer.headers["ratelimit"].startswith(f'"organization";r={left};t=')
    return ask


# --- both -------------------------------------------------------------------------------------------------------------


@row(WEBHOOK, 201, "created", headers={"ratelimit-policy": re.compile('"key";.*')})
def a_good_key_decides_alone_beside_an_organization_id_that_is_bad(scene: Scene) -> Ask:
    both = {**bearer(scene.key()), **scene.organization(scene.rival)}
    return sent_by_bitbucket(pay_api(scene), by=both)


@row(WEBHOOK, 401, "unauthenticated", headers={"www-authenticate": 'Bearer realm="lathe", error="invalid_token"'})
def a_bad_key_never_falls_back_to_an_organization_id_that_is_good(scene: Scene) -> Ask:
    return sent_by_bitbucket(pay_api(scene), by={**bearer(UNKNOWN_KEY), **scene.organization()})


@row(WEBHOOK, 403, "insufficient_scope")
def a_key_that_lacks_the_scope_never_falls_back_either(scene: Scene) -> Ask:
    both = {**bearer(scene.key("builds:read")), **scene.organization()}
    return sent_by_bitbucket(pay_api(scene), by=both)


@row(WEBHOOK, 404, "not_found")
def a_provider_that_nobody_knows_has_no_address(scene: Scene) -> Ask:
    return evolve(sent_by_bitbucket(pay_api(scene)), ids={"provider": "nobody"})
