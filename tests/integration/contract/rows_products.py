"""Projects, repositories and releases; and the addresses beside the API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from tests.integration.contract.scene import bearer
from tests.integration.contract.table import ABSENT, HERE, Ask, Table

if TYPE_CHECKING:
    from tests.integration.contract.scene import Scene

TABLE: Final = Table()
PROJECTS: Final = "POST /api/v1/projects"
REPOSITORIES: Final = "POST /api/v1/projects/{id}/repositories"
RELEASES: Final = "POST /api/v1/projects/{id}/releases"
CHANGE: Final = "PATCH /api/v1/releases/{id}"
row = TABLE.row


# --- projects ---------------------------------------------------------------------------------------------------------


@row(
    PROJECTS,
    201,
    says={"files": "successful", "repositories.0.kind": "declared", "repositories.0.linked_by.name": "CI"},
    headers={"location": re.compile("/api/v1/projects/[0-9a-f-]{36}")},
)
def a_project_is_made_with_its_repositories(scene: Scene) -> Ask:
    word = uuid4().hex
    body = {"name": f"P {word}", "repositories": [f"git@bitbucket.org:Acme/{word}.git"]}
    says = {"name": f"P {word}", "slug": f"p-{word}", "repositories.0.url": f"https://bitbucket.org/acme/{word}"}
    return Ask(body=body, says=says)


@row(PROJECTS, 201, says={"name": ABSENT, "id": HERE})
def who_may_not_read_makes_a_project_and_gets_its_id(scene: Scene) -> Ask:
    return Ask(by=bearer(scene.key("projects:manage")), body={"name": f"P {uuid4().hex}"})


@row(PROJECTS, 409, "name_taken")
def a_name_that_another_project_has_is_taken_whatever_its_case(scene: Scene) -> Ask:
    return Ask(body={"name": scene.product().name.upper()})


@row(PROJECTS, 409, "repository_linked")
def a_repository_of_another_project_is_a_conflict_that_names_it(scene: Scene) -> Ask:
    owner = scene.product()
    body = {"name": f"P {uuid4().hex}", "repositories": [owner.url + ".git"]}
    return Ask(body=body, says={"detail": f"{owner.repository} belongs to project {owner.name}"})


@row(PROJECTS, 422, "invalid", faults=[("/repositories/1", "not_a_repository")])
def what_is_no_address_of_a_repository_is_pointed_at(scene: Scene) -> Ask:
    return Ask(body={"name": f"P {uuid4().hex}", "repositories": ["https://bitbucket.org/acme/x", "nowhere"]})


@row("GET /api/v1/projects", 200, says={"data.1": ABSENT})
def projects_are_found_by_the_beginning_of_their_name(scene: Scene) -> Ask:
    product = scene.product()
    return Ask(query=f"q={product.name[:20].lower().replace(' ', '%20')}", says={"data.0.id": product.project})


@row("GET /api/v1/projects/{id}", 200, says={"repositories.0.kind": "declared", "repositories.1": ABSENT})
def a_project_is_read_with_its_repositories(scene: Scene) -> Ask:
    product = scene.product()
    return Ask(ids={"id": product.project}, says={"name": product.name, "repositories.0.url": product.url})


@row("PATCH /api/v1/projects/{id}", 200, says={"files": "finished"})
def a_project_is_changed(scene: Scene) -> Ask:
    name = f"P {uuid4().hex}"
    return Ask(ids={"id": scene.product().project}, body={"files": "finished", "name": name}, says={"name": name})


@row("PATCH /api/v1/projects/{id}", 409, "release_active")
def a_project_with_an_active_release_is_not_archived(scene: Scene) -> Ask:
    return Ask(ids={"id": scene.product().project}, body={"archived": True})


@row("PATCH /api/v1/projects/{id}", 409, "name_taken")
def a_project_is_not_given_the_name_of_another(scene: Scene) -> Ask:
    return Ask(ids={"id": scene.product().project}, body={"name": scene.product().name})


# --- repositories -----------------------------------------------------------------------------------------------------


@row(REPOSITORIES, 201, says={"kind": "declared"})
def a_repository_is_declared(scene: Scene) -> Ask:
    word = uuid4().hex
    body = {"url": f"https://bitbucket.org/acme/{word}/src/main/"}
    return Ask(ids={"id": scene.product().project}, body=body, says={"url": f"https://bitbucket.org/acme/{word}"})


@row(REPOSITORIES, 409, "repository_linked")
def a_repository_is_not_declared_where_another_project_has_it(scene: Scene) -> Ask:
    owner = scene.product()
    says = {"detail": f"{owner.repository} belongs to project {owner.name}"}
    return Ask(ids={"id": scene.product().project}, body={"url": owner.url}, says=says)


@row(REPOSITORIES, 422, "invalid", faults=[("/url", "not_a_repository")])
def what_names_no_repository_is_not_declared(scene: Scene) -> Ask:
    return Ask(ids={"id": scene.product().project}, body={"url": "nowhere"})


@row("DELETE /api/v1/projects/{id}/repositories/{repository_id}", 204)
def removing_a_repository_is_answered_without_words(scene: Scene) -> Ask:
    product = scene.product()
    (repository,) = scene.read(f"/api/v1/projects/{product.project}")["repositories"]
    return Ask(ids={"id": product.project, "repository_id": repository["id"]})


@row("DELETE /api/v1/projects/{id}/repositories/{repository_id}", 404, "not_found")
def a_repository_of_another_project_is_not_removed(scene: Scene) -> Ask:
    product = scene.product()
    (repository,) = scene.read(f"/api/v1/projects/{product.project}")["repositories"]
    return Ask(ids={"id": scene.product().project, "repository_id": repository["id"]})


# --- releases ---------------------------------------------------------------------------------------------------------


@row(RELEASES, 201, says={"state": "planned", "branch_patterns": ["release/2.*", "main"], "activated_at": None})
def a_release_is_planned_unless_said_otherwise(scene: Scene) -> Ask:
    product = scene.product()
    body = {"name": "4", "branch_patterns": ["release/2.*", "main"]}
    return Ask(ids={"id": product.project}, body=body, says={"project": {"id": product.project, "name": product.name}})


@row(RELEASES, 409, "name_taken")
def two_releases_of_a_project_have_two_names(scene: Scene) -> Ask:
    return Ask(ids={"id": scene.product().project}, body={"name": "3.1"})


@row(RELEASES, 422, "invalid", faults=[("/branch_patterns/1", "has_blanks")])
def a_pattern_that_fits_no_branch_is_pointed_at(scene: Scene) -> Ask:
    return Ask(ids={"id": scene.product().project}, body={"name": "4", "branch_patterns": ["main", "a b"]})


@row("GET /api/v1/projects/{id}/releases", 200, says={"data.2": ABSENT})
def the_releases_of_a_project_are_listed_newest_first(scene: Scene) -> Ask:
    product = scene.product()
    newer = scene.release(product.project, "4", "planned")
    return Ask(ids={"id": product.project}, says={"data.0.id": newer, "data.1.id": product.release})


@row("GET /api/v1/releases/{id}", 200, says={"state": "active", "activated_at": HERE, "closed_at": None})
def a_release_is_read(scene: Scene) -> Ask:
    product = scene.product()
    return Ask(ids={"id": product.release}, says={"project.id": product.project})


@row(CHANGE, 200, says={"state": "active", "closed_at": None})
def a_closed_release_is_opened_again(scene: Scene) -> Ask:
    product = scene.product()
    scene.made("PATCH", f"/api/v1/releases/{product.release}", {"state": "closed"})
    return Ask(ids={"id": product.release}, body={"state": "active"})


@row(CHANGE, 409, "release_state", says={"detail": "release 3.1 is active and cannot become planned"})
def an_active_release_does_not_become_planned_again(scene: Scene) -> Ask:
    return Ask(ids={"id": scene.product().release}, body={"state": "planned"})


@row(CHANGE, 422, "invalid", faults=[("/state", "not_a_choice")])
def a_state_that_no_release_has_is_pointed_at(scene: Scene) -> Ask:
    return Ask(ids={"id": scene.product().release}, body={"state": "open"})


# --- beside the API ---------------------------------------------------------------------------------------------------


@row("GET /healthz", 200)
def the_process_is_up(scene: Scene) -> Ask:
    return Ask(by={})


@row("GET /readyz", 200)
def the_database_is_there_and_migrated(scene: Scene) -> Ask:
    return Ask(by={})


@row("GET /docs", 200, headers={"content-type": "text/html; charset=utf-8"})
def the_reference_is_a_page(scene: Scene) -> Ask:
    return Ask(by={})


@row("GET /report.py", 200, headers={"content-type": "text/x-python; charset=utf-8"})
def the_reporter_is_open_to_everybody_as_one_file(scene: Scene) -> Ask:
    return Ask(by={})


@row("GET /api/v1/openapi.json", 200, says={"openapi": re.compile(r"3\.1\.\d+")})
def the_document_is_open_to_everybody(scene: Scene) -> Ask:
    return Ask(by={})


@row("GET /api/v1/nothing", 404, "not_found")
def an_address_that_is_none_is_not_there(scene: Scene) -> Ask:
    return Ask()


@row("GET /api/v1/builds/{id}", 404, "not_found")
def what_is_no_id_names_nothing(scene: Scene) -> Ask:
    return Ask(ids={"id": "42"})


@row("PUT /api/v1/builds", 405, "method_not_allowed", headers={"allow": re.compile(".*GET.*")})
def a_method_that_an_address_does_not_take_is_told_which_it_takes(scene: Scene) -> Ask:
    return Ask(body={})


@row("GET /api/webhooks/bitbucket", 405, "method_not_allowed", headers={"allow": "POST"})
def a_webhook_address_takes_only_post(scene: Scene) -> Ask:
    return Ask()
