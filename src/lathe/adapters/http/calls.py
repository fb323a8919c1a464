"""What one row of the route table says, and what a call gets and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from attrs import Factory, field, frozen

from lathe.adapters.http.lists import Walk
from lathe.adapters.http.requests import ListQuery, NoQuery
from lathe.adapters.web.parts import Parts
from lathe.application.caller import Caller, key_caller
from lathe.application.intake import Admission
from lathe.domain.api_key import Scope

B = TypeVar("B")
Q = TypeVar("Q")


@frozen
class Ask(Generic[B, Q]):
    """One admitted request: who asks, and what was sent. ``ids`` are those of the path, by their name in it."""

    parts: Parts
    admission: Admission
    path: str
    origin: str
    ids: Mapping[str, UUID]
    body: B
    query: Q

    @property
    def organization_id(self) -> UUID:
        """The caller's organization."""
        return self.admission.organization_id

    @property
    def caller(self) -> Caller:
        """On whose behalf the use case runs."""
        return key_caller(self.admission)

    @property
    def may_read(self) -> bool:
        """Whether the answer may show what is stored beside what was sent."""
        return self.admission.may_read

    def walk(self) -> Walk:
        """Return the way through the list that is asked for."""
        return Walk(self.organization_id, self.path, cast(ListQuery, self.query))


@frozen
class Reply:
    """What a call answers with; ``location`` is the address of what was made."""

    content: object | None = None
    location: str | None = None
    headers: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Call:
    """One row of the route table: routing, scope, validation and documentation.

    ``name`` is its name in the documentation. ``scope`` is what a key needs. ``answers`` are the classes of the good
    answers by status; where ``run`` is, there is one. ``run`` works on a thread, once the request is admitted
    and read; rows without it take deliveries, whose admission is part of the transaction that stores them.
    ``conflicts`` says whether 409 can be answered, ``once`` whether an ``Idempotency-Key`` is heeded.
    """

    name: str
    method: str
    path: str
    summary: str
    scope: Scope
    answers: Mapping[int, Any]
    run: Callable[[Ask[Any, Any]], Reply] | None = None
    body: type | None = None
    query: type = NoQuery
    conflicts: bool = False
    once: bool = False
    tag: str = Factory(lambda self: self.path.split("/")[3], takes_self=True)

    @property
    def status(self) -> int:
        """The status of a good answer."""
        return min(self.answers)
