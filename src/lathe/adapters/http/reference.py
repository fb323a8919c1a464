"""The API reference: the OpenAPI document as it is, and as a page for people."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import HTMLResponse, Response

from lathe.adapters.http.openapi import document

if TYPE_CHECKING:
    from starlette.requests import Request


async def openapi_json(request: Request) -> Response:  # noqa: ARG001 - the form of an endpoint
    """Answer the OpenAPI document."""
    return Response(_json(), media_type="application/json")


async def reference_page(request: Request) -> Response:  # noqa: ARG001 - the form of an endpoint
    """Answer the page."""
    return HTMLResponse(page())


@cache
def _json() -> bytes:
    return orjson.dumps(document(), option=orjson.OPT_INDENT_2)


@cache
def page() -> str:
    """Return the reference as HTML. It is made once."""
    described = document()
    calls = "".join(
        _call(method.upper(), path, operation)
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
    )
    classes = "".join(_class(name, schema) for name, schema in described["components"]["schemas"].items())
    title = f"{described['info']['title']} API {described['info']['version']}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="stylesheet" href="/static/lathe.css">
</head>
<body>
<main>
<h1>{escape(title)}</h1>
<p>{escape(described["info"]["description"])} The same as <a href="/api/v1/openapi.json">OpenAPI 3.1</a>.</p>
<h2 id="calls">Calls</h2>
{calls}
<h2 id="shapes">Shapes</h2>
{classes}
</main>
</body>
</html>
"""


def _call(method: str, path: str, operation: dict[str, Any]) -> str:
    rows = [(one["name"], _parameter(one), one["in"]) for one in operation.get("parameters", ())]
    parameters = _table("Parameters", ("Name", "Value", "Where"), rows)
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    sends = f"<p>Body: {_type(body)}</p>" if body else ""
    answers = [(escape(status), *_answer(answer)) for status, answer in sorted(operation["responses"].items())]
    return f"""<section>
<h3 id="{escape(operation["operationId"])}"><code>{method} {escape(path)}</code></h3>
<p>{escape(operation["summary"])}. {escape(operation["description"]).replace("`", "")}</p>
{parameters}{sends}{_table("Answers", ("Status", "When", "Body"), answers)}
</section>
"""


def _parameter(parameter: dict[str, Any]) -> str:
    """Return what a parameter is: its own words where it has some."""
    about = parameter.get("description")
    return escape(about).replace("`", "") if about else _type(parameter["schema"])


def _answer(answer: dict[str, Any]) -> tuple[str, str]:
    if reference := answer.get("$ref"):
        answer = document()["components"]["responses"][reference.rpartition("/")[2]]
    schemas = [_type(content["schema"]) for content in answer.get("content", {}).values()]
    return escape(answer["description"]), " ".join(schemas)


def _class(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        (f"<code>{escape(field)}</code>", _type(kind), "always" if field in required else "optional")
        for field, kind in schema["properties"].items()
    ]
    about = escape(schema.get("description") or "").replace("``", "")
    return f'<section>\n<h3 id="{escape(name)}">{escape(name)}</h3>\n<p>{about}</p>\n' + (
        _table(f"Fields of {escape(name)}", ("Field", "Value", "Given"), rows) + "</section>\n"
    )


def _type(schema: dict[str, Any]) -> str:
    """Return a schema in a few words, as HTML."""
    if reference := schema.get("$ref"):
        name = escape(reference.rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    kinds = schema.get("type", "any")
    words = " or ".join(kinds) if isinstance(kinds, list) else kinds
    if "format" in schema:
        words += f" ({schema['format']})"
    if "maxLength" in schema:
        words += f", at most {schema['maxLength']:,} characters"
    return escape(words)


def _table(caption: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f"<table>\n<caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"
