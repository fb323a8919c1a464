"""The OpenAPI document and the reference page: complete, valid, and made from what validates."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import product
from typing import TYPE_CHECKING, get_args, get_type_hints
from uuid import UUID

import attrs
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate
from starlette.routing import Route

from lathe.adapters.http import answers, requests, routes
from lathe.adapters.http.codec import kind_of
from lathe.adapters.http.kinds import Kind, Wrong
from lathe.adapters.http.openapi import document
from lathe.adapters.http.table import CALLS
from lathe.domain.api_key import Scope
from lathe.domain.steps import ReasonCode
from lathe.entrypoints.compose import PARSERS

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.unit.http.world import World

OTHER_ADDRESSES = {"/api/v1/openapi.json", "/docs", "/healthz", "/readyz", "/report.py"}


def test_the_document_is_valid_openapi(client: TestClient) -> None:
    served = client.get("/api/v1/openapi.json")
    assert served.json() == document()
    assert served.json()["openapi"].startswith("3.1")
    validate(served.json())


def test_every_route_is_in_the_document_with_its_methods(world: World) -> None:
    found = {
        route.path: set(route.methods or ()) - {"HEAD"} for route in routes(world.parts) if isinstance(route, Route)
    }
    documented = {path: {method.upper() for method in one} for path, one in document()["paths"].items()}
    assert {path: methods for path, methods in found.items() if path not in OTHER_ADDRESSES} == documented


def test_every_call_says_its_scope_and_every_scope_is_needed_somewhere() -> None:
    for call in CALLS:
        operation = document()["paths"][call.path][call.method.lower()]
        assert call.scope.value in operation["description"]
        assert {"401", "403", "429", "503"} <= operation["responses"].keys()
    assert {call.scope for call in CALLS} == set(Scope)
    assert len({call.name for call in CALLS}) == len(CALLS)


def test_requests_refuse_unknown_fields_and_every_field_has_a_kind() -> None:
    bodies = {call.body for call in CALLS if call.body}
    for body in bodies:
        assert document()["components"]["schemas"][body.__name__]["additionalProperties"] is False
    assert bodies == {
        one for one in vars(requests).values() if attrs.has(one) and one.__name__.endswith(("Body", "Change"))
    }


def test_every_class_of_answers_is_in_use() -> None:
    classes = {one.__name__ for one in vars(answers).values() if isinstance(one, type) and attrs.has(one)}
    assert classes <= document()["components"]["schemas"].keys()


def test_the_document_names_exactly_the_providers_whose_deliveries_are_taken() -> None:
    taken = sorted(provider.value for provider in PARSERS)
    field = document()["components"]["schemas"]["HookBody"]["properties"]["provider"]
    assert sorted(field["enum"]) == taken
    for path in ("/api/webhooks/{provider}", "/api/webhooks/{provider}/{hook_id}"):
        assert sorted(document()["paths"][path]["post"]["parameters"][0]["schema"]["enum"]) == taken


def test_the_document_names_every_header_that_can_show_a_hooks_secret() -> None:
    schemes = document()["components"]["securitySchemes"]
    shown = {
        name for one in document()["paths"]["/api/webhooks/{provider}/{hook_id}"]["post"]["security"] for name in one
    }
    assert shown == {"key", "X-Hub-Signature", "X-Hub-Signature-256", "webhook-signature", "X-Gitlab-Token"}
    assert schemes["X-Hub-Signature-256"]["description"].startswith("github, generic: ")
    assert all(schemes[name].get("name", name) == name for name in shown)


def test_the_document_names_every_reason_that_a_caller_can_meet() -> None:
    def codes(name: str) -> set[str]:
        found: set[str] = set(document()["components"]["schemas"][name]["properties"]["code"]["enum"])
        return found

    waiting = {"no_project_match", "ambiguous_project", "name_match_unconfirmed", "no_active_release", "sent_back"}
    assert codes("QueueReason") == codes("QueueReasonReceipt") == waiting
    assert codes("IgnoredReason") == codes("IgnoredReasonReceipt")
    # What is unreadable is answered as a problem, not as a reason.
    assert codes("IgnoredReason") == {code.value for code in ReasonCode} - waiting - {ReasonCode.UNREADABLE.value}


_SAMPLES: list[object] = ["main", "x" * 5000, "", "a b", "https://x.test/y", "2026-03-14T09:26:53Z", "active"]
_SAMPLES += [5, 2**63, -1, True, None, [], {}, 1.5, ["main"], str(UUID(int=7)), "0" * 40]


def test_whatever_a_field_takes_its_schema_allows() -> None:
    """Not the other way round: what makes the address of a repository, say, no schema can tell."""
    taken = 0
    for kind, value in product(_kinds(), _SAMPLES):
        try:
            kind.read(value)
        except Wrong:
            continue
        taken += 1
        if not (isinstance(value, str) and kind.schema.get("type") == "integer"):  # a query writes numbers as text
            Draft202012Validator(dict(kind.schema), format_checker=FormatChecker()).validate(value)
    assert taken > 100


def _kinds() -> list[Kind]:
    """Return the kind of every field of every request."""
    kinds = []
    for one in vars(requests).values():
        if isinstance(one, type) and attrs.has(one) and one.__module__ == requests.__name__:
            hints = get_type_hints(one, include_extras=True).values()
            found = [kind_of(hint) or kind_of(get_args(hint)[0]) for hint in hints]
            assert None not in found, f"{one.__name__} has a field that nothing validates"
            kinds += [kind for kind in found if kind]
    assert len(kinds) > 40
    return kinds


class _Links(HTMLParser):
    """Collects what a page links to and what can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.ids: list[str] = []
        self.styled: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.styled += [name for name in found if name in {"style", "onclick"}]
        if tag == "a" and found.get("href"):
            self.links.add(found["href"] or "")
        if found.get("id"):
            self.ids.append(found["id"] or "")


def test_the_reference_page_shows_every_call_and_shape_and_links_to_them(client: TestClient) -> None:
    answer = client.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = _Links()
    page.feed(answer.text)
    assert len(page.ids) == len(set(page.ids))
    assert {call.name for call in CALLS} <= set(page.ids)
    assert set(document()["components"]["schemas"]) <= set(page.ids)
    assert {link for link in page.links if link.startswith("#")} <= {f"#{one}" for one in page.ids}
    assert not page.styled
    assert "the same name with the same body and API key repeats the first answer" in answer.text
    assert re.search(r'href="/static/lathe.css"', answer.text)
