"""JSON Schemas of the attrs classes that requests are read into and answers are written from."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs

from lathe.adapters.http.codec import kind_of
from lathe.adapters.web.optional import is_left_out

_PLAIN: Final[Mapping[Any, Mapping[str, Any]]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    UUID: {"type": "string", "format": "uuid"},
    datetime: {"type": "string", "format": "date-time"},
}

Schema = dict[str, Any]


class Schemas:
    """Collects the schemas of classes by name, each once, and refers to them."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def of(self, annotation: Any) -> Schema:
        """Return the schema of what a field or an answer is annotated with."""
        if kind := kind_of(annotation):
            return dict(kind.schema)
        if annotation in _PLAIN:
            return dict(_PLAIN[annotation])
        origin, inner = get_origin(annotation), get_args(annotation)
        if is_left_out(annotation):
            return self.of(_not_none(annotation))
        if origin is Literal:
            return {"const": inner[0]} if len(inner) == 1 else {"type": "string", "enum": list(inner)}
        if origin in (list, tuple):
            return {"type": "array", "items": self.of(inner[0])}
        if origin in (Union, types.UnionType):
            return self._one_of([one for one in inner if one is not types.NoneType], nullable=types.NoneType in inner)
        if isinstance(annotation, type) and issubclass(annotation, Enum):
            return {"type": "string", "enum": [one.value for one in annotation]}
        return self._reference(annotation)

    def parameters(self, cls: type) -> list[Schema]:
        """Return the query parameters that a class stands for."""
        hints = get_type_hints(cls, include_extras=True)
        return [
            {"name": one.name, "in": "query", "required": False, "schema": self.of(_not_none(hints[one.name]))}
            for one in attrs.fields(cls)
        ]

    def _one_of(self, options: list[Any], *, nullable: bool) -> Schema:
        schemas = [self.of(one) for one in options]
        if not nullable:
            return {"anyOf": schemas}
        only = schemas[0]
        if len(schemas) == 1 and isinstance(only.get("type"), str) and "enum" not in only:
            return {**only, "type": [only["type"], "null"]}
        return {"anyOf": [*schemas, {"type": "null"}]}

    def _reference(self, cls: type) -> Schema:
        name = cls.__name__
        if name not in self.components:
            self.components[name] = {}  # a class may contain itself
            self.components[name] = self._object(cls)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, cls: type) -> Schema:
        """Return the schema of an object. Requests refuse unknown fields; answers may get more with time."""
        hints = get_type_hints(cls, include_extras=True)
        properties, required, request = {}, [], False
        for one in attrs.fields(cls):
            hint = hints[one.name]
            request = request or kind_of(_not_none(hint)) is not None
            omitted = is_left_out(hint)
            properties[one.name] = self.of(hint)
            if not omitted and (one.default is attrs.NOTHING or get_origin(hint) is Literal):
                required.append(one.name)
        schema: Schema = {"type": "object", "description": inspect.getdoc(cls), "properties": properties}
        if required:
            schema["required"] = required
        if request:
            schema["additionalProperties"] = False
        return schema


def _not_none(annotation: Any) -> Any:
    """Return what an optional field holds where it is there."""
    if is_left_out(annotation):
        return _not_none(get_args(annotation)[0])
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation
    options = [one for one in get_args(annotation) if one is not types.NoneType]
    return options[0] if len(options) == 1 else Union[tuple(options)]  # noqa: UP007 - made at run time
