"""Forms as browsers send them: read within bounds, and shown again as typed where something was wrong."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

from attrs import Factory, evolve, frozen
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from lathe.adapters.web.body import Bodies, BodyLimits, TooLarge, read_body, throw_away
from lathe.domain.errors import Fault, Invalid

if TYPE_CHECKING:
    from starlette.requests import Request

E = TypeVar("E", bound=Enum)

FORM_LIMITS: Final = BodyLimits(size=64 * 1024)
LARGE_FORM_LIMITS: Final = BodyLimits(size=4 * 1024 * 1024)
"""Of a form that holds what a CI sends: a form writes each quote and bracket of that as three bytes."""
THROWN_AWAY: Final = BodyLimits(size=8 * 1024 * 1024, seconds=5.0)
"""How much more of a form that is too large is taken in, so that the browser hears that it was."""
FORM_FIELDS: Final = 200
QUOTED: Final = 60
"""How much of a wrong line is shown again, in characters."""


@frozen
class Form:
    """The fields of a form. A name may come several times, as ticked boxes do."""

    fields: Mapping[str, tuple[str, ...]] = Factory(dict)

    def text(self, name: str) -> str:
        """Return what was typed, empty if the field was not sent."""
        return self.fields.get(name, ("",))[0]

    def many(self, name: str) -> tuple[str, ...]:
        """Return everything that was sent under a name."""
        return self.fields.get(name, ())

    def ticked(self, name: str) -> bool:
        """Tell whether a box was ticked."""
        return bool(self.text(name))

    def lines(self, name: str) -> list[str]:
        """Return the lines of a text field that are not blank, without blanks around them."""
        return [line.strip() for line in self.text(name).splitlines() if line.strip()]

    def id(self, name: str, what: str) -> UUID:
        """Return the id of something that was chosen. Raises Invalid."""
        try:
            return UUID(self.text(name))
        except ValueError:
            raise Invalid(f"choose a {what}", (Fault(f"/{name}", "required", f"choose a {what}"),)) from None

    def ids(self, name: str) -> list[UUID]:
        """Return the ids of everything that was ticked, each once. Raises Invalid."""
        try:
            return list(dict.fromkeys(UUID(one) for one in self.many(name)))
        except ValueError:
            raise Invalid("choose among those that are shown") from None

    def choice(self, name: str, kind: type[E]) -> E:
        """Return one of the values of ``kind``. Raises Invalid."""
        try:
            return kind(self.text(name))
        except ValueError:
            fault = Fault(f"/{name}", "not_one_of", "choose one of those that are offered")
            raise Invalid(fault.detail, (fault,)) from None

    def number(self, name: str) -> int:
        """Return a whole number. Raises Invalid."""
        typed = self.text(name).strip()
        if not (typed.isascii() and typed.isdigit() and len(typed) <= 12):
            raise Invalid("that is not a whole number", (Fault(f"/{name}", "not_a_number", "must be a whole number"),))
        return int(typed)


@frozen
class Tried:
    """A form that could not be carried out: which one, what was typed, and what is wrong with which field."""

    form: str = ""
    typed: Form = Form()
    errors: Mapping[str, str] = Factory(dict)

    def of(self, form: str) -> bool:
        """Tell whether it was this form: it is then shown open."""
        return self.form == form

    def value(self, form: str, name: str, otherwise: str = "") -> str:
        """Return what was typed there, or what the field shows at first."""
        return self.typed.text(name) if self.form == form else otherwise

    def picked(self, form: str, name: str, value: str, *, otherwise: bool = False) -> bool:
        """Tell whether a box was ticked or an option chosen, or is at first."""
        return value in self.typed.many(name) if self.form == form else otherwise

    def error(self, form: str, name: str) -> str | None:
        """Return what is wrong with a field."""
        return self.errors.get(name) if self.form == form else None


NOTHING_TRIED = Tried()


def tried(form: str, typed: Form, error: Invalid) -> Tried:
    """Return the form with each fault at its field; ``/repositories/0`` is the first line of ``repositories``."""
    errors: dict[str, str] = {}
    for fault in error.faults:
        _, _, field = fault.pointer.partition("/")
        name, _, place = field.partition("/")
        errors.setdefault(name, f"{_line(typed.lines(name), place)}{fault.detail}")
    return Tried(form, typed, errors)


def _line(lines: list[str], place: str) -> str:
    """Quote the line that is wrong where there are several; isolated, for it may be written from the right."""
    if len(lines) < 2 or not place.isdigit() or int(place) >= len(lines):
        return ""
    line = lines[int(place)]
    return f"“\u2068{line[:QUOTED]}{'…' if len(line) > QUOTED else ''}\u2069” "


def without_passwords(tried: Tried) -> Tried:
    """Return the form without its passwords, which are never sent back to a browser."""
    typed = {name: values for name, values in tried.typed.fields.items() if name not in ("password", "present")}
    return evolve(tried, typed=Form(typed))


async def read_form(request: Request, large: Bodies | None = None) -> Form:
    """Read a form of at most 64 KiB, or one that ``large`` lets in.

    Raises HTTPException (415) for other kinds of bodies; TooLarge, TooSlow; Unavailable where too many are large.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "Pages take forms only")
    try:
        if large is None:
            return parsed(await read_body(request, FORM_LIMITS))
        async with large.body(request) as body:
            return await run_in_threadpool(parsed, body)
    except TooLarge:
        await throw_away(request, THROWN_AWAY)
        raise


def parsed(body: bytes) -> Form:
    """Take a form apart. Raises HTTPException (400) where it is not UTF-8 or has too many fields."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=FORM_FIELDS, errors="strict", encoding="utf-8"
        )
    except ValueError:
        raise HTTPException(400, "The form cannot be read") from None
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        fields[name] = (*fields.get(name, ()), value.replace("\r\n", "\n"))
    return Form(fields)
