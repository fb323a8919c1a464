"""A request whose head is looked at many times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from starlette.datastructures import Headers
from starlette.requests import Request

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

D = TypeVar("D")


class Fields(Headers):
    """The fields of a head, decoded once; Starlette's own reads through all of them each time.

    The first of several of one name counts, `getlist` returns all. ``first`` has them by their names in lower case.
    """

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        super().__init__(raw=raw)
        self.first = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(raw)}

    def __getitem__(self, name: str) -> str:
        """Return the first field of that name. Raises KeyError."""
        return self.first[name.lower()]

    def __contains__(self, name: Any) -> bool:
        """Whether there is a field of that name."""
        return name.lower() in self.first

    def get(self, name: str, default: Any = None) -> Any:
        """Return the first field of that name, else ``default``."""
        return self.first.get(name.lower(), default)

    def getlist(self, name: str) -> list[str]:
        """Return all fields of that name."""
        if len(self.first) < len(self._list):  # some name was sent twice
            return super().getlist(name)
        value = self.first.get(name.lower())
        return [] if value is None else [value]


def noted(request: Request) -> dict[str, Any]:
    """Return what is noted of a request on its way; it is also in ``request.state``, which takes longer to reach."""
    found: dict[str, Any] = request.scope.setdefault("state", {})
    return found


class Arrival(Request):
    """A request with such fields."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        super().__init__(scope, receive)
        self._fields = Fields(scope["headers"])

    @property
    def headers(self) -> Fields:
        """The fields of its head."""
        return self._fields
