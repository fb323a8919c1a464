"""What holds for every answer: the OpenAPI document that the server itself gives, and the headers of the contract."""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from attrs import define, field
from jsonschema import Draft202012Validator, FormatChecker

if TYPE_CHECKING:
    from httpx2 import Response

PROBLEM: Final = "application/problem+json"
_OF_OURS: Final = {"ratelimit", "ratelimit-policy", "lathe-key-expires", "location", "link", "retry-after"}
_RATE_LIMIT: Final = re.compile(r'"(?:key|hook|organization)";r=(\d+);t=(\d+)')
_CHALLENGES: Final = {
    401: re.compile(r'Bearer realm="lathe"(?:, error="invalid_token")?'),
    403: re.compile(r'Bearer realm="lathe", error="insufficient_scope", scope="[a-z]+:[a-z]+"'),
}


@define
class Oracle:
    """Judges answers by the document."""

    document: dict[str, Any]
    _validators: dict[str, Draft202012Validator] = field(factory=dict)

    @property
    def operations(self) -> set[str]:
        """Every call that is documented, such as ``GET /api/v1/builds/{id}``."""
        return {f"{method.upper()} {path}" for path, calls in self.document["paths"].items() for method in calls}

    def judge(self, answer: Response, request_id: str) -> None:
        """Check an answer by everything that does not depend on what was asked."""
        self._must_be_documented(answer)
        assert answer.headers["x-request-id"] == request_id
        if answer.headers.get("content-type") == PROBLEM:
            _must_be_a_problem(answer, request_id)
        else:
            assert answer.status_code < 400
        _must_have_the_headers_of_its_status(answer)

    def _must_be_documented(self, answer: Response) -> None:
        method, path = answer.request.method, urlsplit(str(answer.request.url)).path
        operation = self._operation(method, path)
        if operation is None:
            assert answer.status_code in {200, 404, 405, 503}, f"{method} {path} is not documented"
            return
        where = f"{method} {path} → {answer.status_code}"
        described = operation["responses"].get(str(answer.status_code))
        assert described is not None, f"{where} is not documented: {answer.text}"
        if "$ref" in described:
            described = self.document["components"]["responses"][str(answer.status_code)]
        undocumented = _OF_OURS & set(answer.headers) - {name.lower() for name in described["headers"]}
        assert not undocumented, f"{where} has undocumented {undocumented}"
        content = described.get("content")
        if not content:
            assert answer.content == b"", where
            return
        faults = list(self._validator(content[answer.headers["content-type"]]["schema"]).iter_errors(answer.json()))
        assert not faults, f"{where} {answer.text}: {faults}"

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for template, operations in self.document["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                found: dict[str, Any] | None = operations.get(method.lower())
                return found
        return None

    def _validator(self, schema: dict[str, Any]) -> Draft202012Validator:
        text = json.dumps(schema, sort_keys=True)
        if text not in self._validators:
            root = {**schema, "components": {"schemas": self._closed_schemas}}
            self._validators[text] = Draft202012Validator(root, format_checker=FormatChecker())
        return self._validators[text]

    @cached_property
    def _closed_schemas(self) -> dict[str, Any]:
        """Here, and only here, an answer must have nothing beside what is documented."""
        schemas = self.document["components"]["schemas"]
        return {name: {"additionalProperties": False, **schema} for name, schema in schemas.items()}


def _must_be_a_problem(answer: Response, request_id: str) -> None:
    said = answer.json()
    assert answer.status_code >= 400
    assert said["status"] == answer.status_code
    assert said["request_id"] == request_id
    assert unquote(said["instance"]) == unquote(urlsplit(str(answer.request.url)).path)
    assert said["type"] == f"/problems/{said['code']}"
    assert said["title"]
    assert said["detail"]
    if answer.status_code != 422:
        assert "errors" not in said


def _must_have_the_headers_of_its_status(answer: Response) -> None:
    status, headers = answer.status_code, answer.headers
    if status in _CHALLENGES:
        assert _CHALLENGES[status].fullmatch(headers["www-authenticate"])
    else:
        assert "www-authenticate" not in headers
    if status == 429:
        left = _RATE_LIMIT.fullmatch(headers["ratelimit"])
        assert left is not None
        assert (left[1], left[2]) == ("0", headers["retry-after"])
    if status in {429, 503}:
        assert 1 <= int(headers["retry-after"]) <= 60
    else:
        assert "retry-after" not in headers
    if status == 202:
        assert "location" in headers
    if status >= 300 or status == 204:
        assert "location" not in headers
