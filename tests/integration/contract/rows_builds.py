"""Builds in our own form: reported, read, listed, previewed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from tests.integration.contract.scene import PLENTY, bearer, nobody
from tests.integration.contract.table import ABSENT, HERE, Ask, Table

if TYPE_CHECKING:
    from tests.integration.contract.scene import Scene

TABLE: Final = Table()
REPORT: Final = "POST /api/v1/builds"
LIST: Final = "GET /api/v1/builds"
PREVIEW: Final = "POST /api/v1/placements/preview"
PAY_API: Final = "https://bitbucket.org/acme/pay-api"
row = TABLE.row


# --- reporting --------------------------------------------------------------------------------------------------------


@row(
    REPORT,
    201,
    "created",
    says={
        "build.commit_sha": "bdf6fac0519ffd1562461eb82e018ff62efffbc9",
        "build.branch": "main",
        "build.repo_url": PAY_API,
        "build.url": "https://ci.acme.test/job/1",
        "build.run_id": "run-1",
        "build.source": "jenkins",
        "build.author": "Mira Holm",
        "build.finished_at": "2026-03-14T09:26:53.500000Z",
        "build.filed": "automatically",
        "placement.outcome": "created",
    },
    headers={"location": re.compile("/api/v1/builds/[0-9a-f-]{36}"), "ratelimit-policy": f'"key";q={PLENTY};w=60'},
)
def a_build_is_filed_with_all_its_facts_and_without_userinfo(scene: Scene) -> Ask:
    number = scene.number()
    facts: dict[str, object] = {
        "name": f"Build #{number}",
        "build_number": str(number),
        "commit_sha": "bdf6fac0519ffd1562461eb82e018ff62efffbc9",
        "branch": "main",
        "repo_url": "ssh://git:hunter2@bitbucket.org:22/Acme/Pay-API.git/",
        "url": "https://bot:hunter2@ci.acme.test/job/1",
        "run_id": "run-1",
        "status": "successful",
        "source": "jenkins",
        "author": "Mira Holm",
        "finished_at": "2026-03-14T11:26:53.5+02:00",
    }
    return Ask(body=facts, says={"build.name": f"Build #{number}", "build.build_number": str(number)})


@row(REPORT, 202, "no_project_match", says={"queue_entry.source": "api", "queue_entry.build_status": "successful"})
def a_name_is_enough(scene: Scene) -> Ask:
    return Ask(body={"name": "Nightly"})


@row(REPORT, 202, "no_project_match", says={"queue_entry.build_number": str(2**63 - 1)})
def a_build_number_may_be_the_largest_integer_of_64_bits(scene: Scene) -> Ask:
    return Ask(body={"name": "Nightly", "build_number": 2**63 - 1, "commit_sha": f"{scene.number()}"})


@row(REPORT, 202, "no_active_release", says={"queue_entry.project.name": "Idle"})
def a_reported_build_waits_where_the_project_has_no_active_release(scene: Scene) -> Ask:
    return Ask(body=scene.facts(repo_url="https://bitbucket.org/acme/idle"))


@row(REPORT, 202, "ambiguous_project")
def a_reported_build_waits_where_two_projects_fit(scene: Scene) -> Ask:
    return Ask(body=scene.facts(repo_url="https://bitbucket.org/acme/shop"))


@row(REPORT, 202, "name_match_unconfirmed", says={"queue_entry.project.name": "Reports"})
def a_reported_build_waits_where_only_a_name_fits_weakly(scene: Scene) -> Ask:
    return Ask(body=scene.facts(repo_url="https://bitbucket.org/acme/reports-api"))


@row(REPORT, 200, "duplicate")
def a_reported_build_that_is_known_is_the_same_build(scene: Scene) -> Ask:
    product = scene.product()
    facts = scene.facts(repo_url=product.url)
    first = scene.made("POST", "/api/v1/builds", facts)
    return Ask(body=facts, says={"build.id": first["build"]["id"]})


@row(REPORT, 200, "build_not_successful", says={"status": "ignored"})
def a_reported_build_that_failed_is_ignored(scene: Scene) -> Ask:
    return Ask(body=scene.facts(repo_url=PAY_API, status="failed"))


@row(REPORT, 201, "created", says={"placement.steps.0.rule": "release_given"})
def a_build_that_names_its_release_needs_no_matching(scene: Scene) -> Ask:
    product = scene.product()
    return Ask(body=scene.facts(release_id=product.release), says={"build.release.id": product.release})


@row(REPORT, 201, "created", says={"placement.steps.0.rule": "project_given"})
def a_build_that_names_its_project_needs_no_matching(scene: Scene) -> Ask:
    product = scene.product()
    return Ask(body=scene.facts(project_id=product.project), says={"build.project.id": product.project})


@row(REPORT, 422, "invalid", faults=[("/release_id", "wrong_project")])
def a_release_of_another_project_than_the_one_named_is_pointed_at(scene: Scene) -> Ask:
    one, other = scene.product(), scene.product()
    return Ask(body=scene.facts(project_id=one.project, release_id=other.release))


# --- reporting under a key --------------------------------------------------------------------------------------------


@row(REPORT, 201, "created", headers={"location": re.compile("/api/v1/builds/[0-9a-f-]{36}")})
def a_report_under_the_same_key_is_answered_as_it_was_first(scene: Scene) -> Ask:
    product, headers = scene.product(), {"Idempotency-Key": f"k-{scene.number()}"}
    facts = scene.facts(repo_url=product.url)
    first = scene.ask("POST", "/api/v1/builds", Ask(body=facts, headers=headers)).json()
    scene.made("POST", f"/api/v1/builds/{first['build']['id']}/requeue")
    says = {"build": first["build"], "placement": first["placement"], "delivery_id": first["delivery_id"]}
    return Ask(body=facts, headers=headers, says=says)


@row(REPORT, 202, "no_project_match", headers={"location": re.compile("/api/v1/queue/[0-9a-f-]{36}")})
def a_build_without_identity_is_made_once_under_its_key_quoted_or_bare(scene: Scene) -> Ask:
    key, facts = f"k-{scene.number()}", {"name": "Nightly"}
    asked = Ask(body=facts, headers={"Idempotency-Key": key})
    first = scene.ask("POST", "/api/v1/builds", asked).json()
    return Ask(body=facts, headers={"Idempotency-Key": f'"{key}"'}, says={"queue_entry": first["queue_entry"]})


@row(REPORT, 202, "no_project_match")
def the_same_key_of_another_organization_is_another_key(scene: Scene) -> Ask:
    facts, headers = {"name": "Nightly"}, {"Idempotency-Key": f"k-{scene.number()}"}
    asked = Ask(body=facts, headers=headers, by=bearer(scene.key(org="rival")))
    theirs = scene.ask("POST", "/api/v1/builds", asked).json()["queue_entry"]["id"]
    return Ask(body=facts, headers=headers, says={"queue_entry.id": re.compile(f"(?!{theirs}).{{36}}")})


@row(REPORT, 422, "idempotency_key_reused", says={"errors": ABSENT})
def another_body_under_the_same_key_is_refused(scene: Scene) -> Ask:
    headers = {"Idempotency-Key": f"k-{scene.number()}"}
    scene.ask("POST", "/api/v1/builds", Ask(body={"name": "Nightly"}, headers=headers))
    return Ask(body={"name": "Weekly"}, headers=headers)


@row(REPORT, 422, "invalid", faults=[("/Idempotency-Key", "pattern")])
def a_key_of_blanks_and_other_things_is_pointed_at(scene: Scene) -> Ask:
    return Ask(body={"name": "Nightly"}, headers={"Idempotency-Key": "not a key"})


@row(REPORT, 422, "invalid", faults=[("/Idempotency-Key", "too_long")])
def a_key_that_is_too_long_is_pointed_at(scene: Scene) -> Ask:
    return Ask(body={"name": "Nightly"}, headers={"Idempotency-Key": "k" * 256})


# --- reading ----------------------------------------------------------------------------------------------------------


@row("GET /api/v1/builds/{id}", 200, says={"placement.steps.0.rule": HERE, "placement.outcome": "created"})
def a_build_is_read_with_its_placement(scene: Scene) -> Ask:
    product = scene.product()
    build = scene.build(product, branch="main")
    return Ask(ids={"id": build}, says={"id": build, "branch": "main", "release.id": product.release})


@row("GET /api/v1/builds/{id}", 200, says={"withdrawn": True})
def a_withdrawn_build_still_answers(scene: Scene) -> Ask:
    build = scene.build(scene.product())
    scene.made("POST", f"/api/v1/builds/{build}/requeue")
    return Ask(ids={"id": build})


@row(LIST, 200, says={"next_cursor": HERE}, headers={"link": HERE})
def a_page_of_builds_says_where_the_next_one_is(scene: Scene) -> Ask:
    product = scene.product()
    old, new = scene.build(product), scene.build(product)
    query = f"project={product.project}&limit=1"
    cursor = scene.read(f"/api/v1/builds?{query}")["next_cursor"]
    assert scene.read(f"/api/v1/builds?{query}&cursor={cursor}")["data"][0]["id"] == old
    link = re.compile(rf'<(/api/v1/builds\?project={product.project}&limit=1&cursor={cursor})>; rel="next"')
    answer = scene.ask("GET", LIST.partition(" ")[2], Ask(query=query))
    found = link.fullmatch(answer.headers["link"])
    assert found is not None
    assert scene.read(found[1])["data"][0]["id"] == old
    return Ask(query=query, says={"data.0.id": new, "data.1": ABSENT})


@row(LIST, 200, says={"data": [], "next_cursor": None}, headers={"link": ABSENT})
def lists_leave_withdrawn_builds_out(scene: Scene) -> Ask:
    product = scene.product()
    scene.made("POST", f"/api/v1/builds/{scene.build(product)}/requeue")
    return Ask(query=f"project={product.project}")


@row(LIST, 200, says={"data.1": ABSENT, "next_cursor": None})
def builds_are_found_by_all_filters_at_once(scene: Scene) -> Ask:
    product = scene.product()
    facts: dict[str, Any] = {"branch": "hotfix/9", "commit_sha": "abcdef0123", "source": "jenkins", "name": "Blue sky"}
    build = scene.build(product, **facts)
    for name, other in (("branch", "hotfix/8"), ("commit_sha", "bcdef0123"), ("source", "buildkite"), ("name", "Red")):
        scene.build(product, **{**facts, name: other})
    query = f"project={product.project}&release={product.release}&branch=hotfix%2F9&commit=abcd&source=jenkins&q=blue"
    return Ask(query=query, says={"data.0.id": build})


@row(LIST, 422, "invalid", faults=[("/cursor", "wrong_cursor")])
def a_cursor_is_bound_to_its_filters(scene: Scene) -> Ask:
    return Ask(query=f"branch=develop&cursor={_cursor(scene)}")


@row("GET /api/v1/queue", 422, "invalid", faults=[("/cursor", "wrong_cursor")])
def a_cursor_is_bound_to_its_list(scene: Scene) -> Ask:
    return Ask(query=f"branch=main&cursor={_cursor(scene)}")


@row(LIST, 422, "invalid", faults=[("/cursor", "wrong_cursor")])
def a_cursor_is_bound_to_its_organization(scene: Scene) -> Ask:
    return Ask(query=f"branch=main&cursor={_cursor(scene)}", by=bearer(scene.key(org="rival")))


def _cursor(scene: Scene) -> str:
    """Return a cursor into the builds of the branch main."""
    product = scene.product()
    for _ in range(2):
        scene.build(product, branch="main")
    return str(scene.read("/api/v1/builds?branch=main&limit=1")["next_cursor"])


# --- asking where a build would go ------------------------------------------------------------------------------------


@row(PREVIEW, 200, says={"outcome": "created", "steps.0.rule": HERE, "reason": ABSENT})
def a_preview_tells_where_a_build_would_go_and_stores_nothing(scene: Scene) -> Ask:
    product = scene.product()
    facts = scene.facts(repo_url=product.url)
    scene.made("POST", "/api/v1/placements/preview", facts)
    assert scene.read(f"/api/v1/builds?project={product.project}")["data"] == []
    return Ask(body=facts, says={"project_id": product.project, "release_id": product.release})


@row(PREVIEW, 200, says={"outcome": "queued", "reason.code": "no_active_release"})
def a_preview_tells_why_a_build_would_wait(scene: Scene) -> Ask:
    return Ask(body=scene.facts(repo_url="https://bitbucket.org/acme/idle"))


@row(PREVIEW, 422, "invalid", faults=[("/project_id", "not_found")])
def a_preview_knows_no_project_that_is_not_there(scene: Scene) -> Ask:
    return Ask(body=scene.facts(project_id=nobody()))
