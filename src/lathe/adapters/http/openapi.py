"""The OpenAPI 3.1 document, made from the route table and the classes that validate and answer."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version
from typing import Any, Final

from lathe.adapters.http.calls import Call
from lathe.adapters.http.kinds import Choice, Id, Kind
from lathe.adapters.http.once import PARAMETER
from lathe.adapters.http.schema import Schema, Schemas
from lathe.adapters.http.signatures import PROVIDERS, SCHEMES
from lathe.adapters.http.table import CALLS
from lathe.adapters.web.problems import MEDIA_TYPE, ProblemDocument

_PROVIDER_BODY: Final = {
    "type": "object",
    "description": "What the provider sends; for generic a BuildBody. What lacks facts is answered with 200, ignored.",
}
_HEADERS: Final = {
    "X-Request-Id": ("Names the request; yours, if you sent a valid one", "string"),
    "RateLimit-Policy": ('The limit, such as "key";q=60;w=60', "string"),
    "RateLimit": ('What is left of it, such as "key";r=12;t=42', "string"),
    "Lathe-Key-Expires": ("When the API key expires, if it does", "string"),
    "Location": ("The address of what was made", "string"),
    "Link": ("The next page of a list", "string"),
    "Retry-After": ("Seconds to wait at least", "integer"),
    "WWW-Authenticate": ("What is wrong with the credential", "string"),
}
_ALWAYS: Final = ("X-Request-Id", "RateLimit-Policy", "RateLimit", "Lathe-Key-Expires")
_GOOD: Final = {200: "Done", 201: "Created", 202: "Waits in the Build Queue", 204: "Done; nothing to say"}
_PROBLEMS: Final = {
    400: "The body cannot be read as JSON",
    401: "No credential, or one that does not hold",
    403: "The key lacks the scope",
    404: "Not there, or another organization's",
    408: "The body was not sent in time",
    409: "Somebody was faster, or the state does not allow this",
    413: "The body is too large",
    415: "Not JSON, or encoded",
    422: "Not what this address takes; the errors point at the fields",
    429: "The rate limit is used up",
    500: "A fault of the server",
    503: "Overloaded, or the database is away; or the outcome is unknown",
}


@cache
def document() -> dict[str, Any]:
    """Return the document. It is made once; nobody may change it."""
    schemas = Schemas()
    schemas.of(ProblemDocument)
    paths: dict[str, Any] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lathe Studio",
            "version": version("lathe-studio"),
            "description": "CI finishes a build; Lathe files it under the release it belongs to.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "headers": {
                name: {"description": text, "schema": {"type": kind}} for name, (text, kind) in _HEADERS.items()
            },
            "responses": {str(status): _problem(status, text) for status, text in _PROBLEMS.items()},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key, pt_live_…"},
                "organization": {"type": "apiKey", "in": "header", "name": "X-Pt-Org-Id"},
                **_proofs(),
            },
        },
    }


def _operation(call: Call, schemas: Schemas) -> Schema:
    operation: Schema = {
        "operationId": call.name,
        "summary": call.summary,
        "description": f"Needs the scope `{call.scope.value}`.",
        "tags": [call.tag],
        "security": _security(call),
        "responses": {str(status): _good(call, status, schemas) for status in call.answers}
        | {str(status): {"$ref": f"#/components/responses/{status}"} for status in _problems(call)},
    }
    parameters = [_path_parameter(name) for name in _names(call)] + schemas.parameters(call.query)
    if call.once:
        parameters.append(PARAMETER)
    if parameters:
        operation["parameters"] = parameters
    if call.body or call.run is None:
        schema = schemas.of(call.body) if call.body else dict(_PROVIDER_BODY)
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _proofs() -> dict[str, Schema]:
    """Return what can show that a delivery to a hook was sent by one who has its secret, by the header's name."""
    return {
        name: {"type": "apiKey", "in": "header", "name": name, "description": f"{_who_sends(name)}: {holds}"}
        for scheme in SCHEMES.values()
        for name, holds in scheme.headers.items()
    }


def _who_sends(header: str) -> str:
    return ", ".join(provider.value for provider, scheme in SCHEMES.items() if header in scheme.headers)


def _security(call: Call) -> list[dict[str, list[str]]]:
    proofs: list[dict[str, list[str]]] = [{name: []} for name in _proofs()]
    special: dict[str, list[dict[str, list[str]]]] = {
        "webhook": [{"key": []}, {"organization": []}],
        "signed_webhook": [*proofs, *({**proof, "key": []} for proof in proofs)],
    }
    return special.get(call.name, [{"key": []}])


def _names(call: Call) -> list[str]:
    return re.findall(r"\{(\w+)\}", call.path)


def _path_parameter(name: str) -> Schema:
    kind: Kind = Choice(PROVIDERS) if name == "provider" else Id()
    return {"name": name, "in": "path", "required": True, "schema": dict(kind.schema)}


def _problems(call: Call) -> list[int]:
    statuses = {401, 403, 429, 500, 503}
    if call.body or call.run is None:
        statuses |= {400, 408, 413, 415}
    statuses.add(422)  # also for parameters that nobody knows
    if _names(call):
        statuses.add(404)
    if call.conflicts:
        statuses.add(409)
    return sorted(statuses)


def _good(call: Call, status: int, schemas: Schemas) -> Schema:
    names = [*_ALWAYS]
    if status in (201, 202):
        names.append("Location")
    if status == 200 and any(one["name"] == "cursor" for one in schemas.parameters(call.query)):
        names.append("Link")
    response: Schema = {"description": _GOOD[status], "headers": _headers(names)}
    if answer := call.answers[status]:
        response["content"] = {"application/json": {"schema": schemas.of(answer)}}
    return response


def _problem(status: int, text: str) -> Schema:
    names = ["X-Request-Id"]
    if status not in (401, 403, 500):
        names += _ALWAYS[1:]
    if status == 403:  # the key is known, and spends nothing of its limit
        names.append("Lathe-Key-Expires")
    names += {401: ["WWW-Authenticate"], 403: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}.get(
        status, []
    )
    schema = {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}
    return {"description": text, "headers": _headers(names), "content": {MEDIA_TYPE: {"schema": schema}}}


def _headers(names: list[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
