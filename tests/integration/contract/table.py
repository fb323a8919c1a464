"""The rows of the table, and what a row may expect of an answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field, frozen

if TYPE_CHECKING:
    from httpx2 import Response

    from tests.integration.contract.scene import Scene

ABSENT: Final = object()
"""Expected of a field or header that must not be there."""

HERE: Final = object()
"""Expected of a field or header that must be there, whatever it says."""

Expected = Mapping[str, object]
"""By dotted path into the body (or by header): a value, a pattern for the whole text, `ABSENT` or `HERE`."""


@frozen(kw_only=True)
class Ask:
    """A request of a row. ``by`` are the headers that hold the credential; None stands for a key with all scopes.

    ``body`` is sent as it is where it is bytes or an iterable of them (then chunked), anything else as JSON. ``says``
    is what the row expects beside what its place in the table tells already.
    """

    ids: Mapping[str, object] = field(factory=dict)
    query: str = ""
    by: Mapping[str, str] | None = None
    body: object = None
    headers: Mapping[str, str] = field(factory=dict)
    says: Expected = field(factory=dict)


@frozen(kw_only=True)
class Row:
    """One promise: asked so, the server answers so. ``code`` is a problem's, or the outcome or reason of a delivery."""

    name: str
    call: str
    status: int
    code: str | None
    arrange: Callable[[Scene], Ask]
    says: Expected = field(factory=dict)
    headers: Expected = field(factory=dict)
    faults: Sequence[tuple[str, str]] | None = None

    @property
    def method(self) -> str:
        """The method of the call."""
        return self.call.partition(" ")[0]

    @property
    def path(self) -> str:
        """The address of the call, as the OpenAPI document writes it."""
        return self.call.partition(" ")[2]


@define
class Table:
    """Collects rows; a function's name is the row's sentence."""

    rows: list[Row] = field(factory=list)

    def row(
        self,
        call: str,
        status: int,
        code: str | None = None,
        *,
        says: Expected | None = None,
        headers: Expected | None = None,
        faults: Sequence[tuple[str, str]] | None = None,
    ) -> Callable[[Callable[[Scene], Ask]], Callable[[Scene], Ask]]:
        """Add the decorated function as a row."""

        def add(arrange: Callable[[Scene], Ask]) -> Callable[[Scene], Ask]:
            name = arrange.__name__.replace("_", " ")
            self.add(name, call, status, code, arrange, says=says or {}, headers=headers or {}, faults=faults)
            return arrange

        return add

    def add(
        self,
        name: str,
        call: str,
        status: int,
        code: str | None,
        arrange: Callable[[Scene], Ask],
        *,
        says: Expected | None = None,
        headers: Expected | None = None,
        faults: Sequence[tuple[str, str]] | None = None,
    ) -> None:
        """Add a row by its sentence."""
        assert name not in {row.name for row in self.rows}, f"two rows are called {name}"
        self.rows.append(
            Row(
                name=name,
                call=call,
                status=status,
                code=code,
                arrange=arrange,
                says=says or {},
                headers=headers or {},
                faults=faults,
            )
        )

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)


def code_of(answer: Response) -> str | None:
    """Return what an answer says in one word: a problem's code, or of a delivery its reason or else its status."""
    if "json" not in answer.headers.get("content-type", ""):
        return None
    said = answer.json()
    if answer.status_code >= 400:
        return str(said["code"])
    if "delivery_id" not in said:
        return None
    if said["status"] in {"queued", "ignored"}:
        return str(said.get("queue_entry", said)["reason"]["code"])
    return str(said["status"])


def must_say(body: object, expected: Expected) -> None:
    """Compare fields of a body, by their dotted paths."""
    for path, value in expected.items():
        _must_be(path, _at(body, path), value)


def must_have(headers: Mapping[str, str], expected: Expected) -> None:
    """Compare headers."""
    for name, value in expected.items():
        _must_be(name, headers.get(name, ABSENT), value)


def _must_be(where: str, found: object, expected: object) -> None:
    if isinstance(expected, re.Pattern):
        assert isinstance(found, str), f"{where} is {found!r}"
        assert expected.fullmatch(found), f"{where} is {found!r}"
    elif expected is HERE:
        assert found is not ABSENT, f"{where} is missing"
    elif expected is ABSENT:
        assert found is ABSENT, f"{where} is there: {found!r}"
    else:
        assert found == expected, f"{where} is {found!r}"


def _at(body: Any, path: str) -> object:
    for name in path.split("."):
        if isinstance(body, list) and name.isdigit() and int(name) < len(body):
            body = body[int(name)]
        elif isinstance(body, dict) and name in body:
            body = body[name]
        else:
            return ABSENT
    return body
