"""What can go wrong, as the product sees it. Nothing here knows HTTP: one table elsewhere maps kinds to statuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from attrs import frozen


@frozen
class Fault:
    """One thing wrong with one field of what somebody sent.

    ``pointer`` is an RFC 6901 JSON pointer into the body (``""`` is the whole of it), ``code`` is stable, ``detail`` is
    for people.
    """

    pointer: str
    code: str
    detail: str


class LatheError(Exception):
    """Base of every expected error. ``code`` is stable and part of the contract, ``detail`` a sentence for people."""

    code: ClassVar[str] = "error"

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.reason = code or self.code
        """The most precise stable code: the one given, else the kind's own."""


class Malformed(LatheError):
    """The bytes are not what they claim to be (not JSON, not UTF-8, nested too deeply)."""

    code = "malformed"


class Invalid(LatheError):
    """Readable, but not what this place takes. ``faults`` point at the fields."""

    code = "invalid"

    def __init__(self, detail: str, faults: tuple[Fault, ...] = (), *, code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.faults = faults


def must_all_hold(*checks: Callable[[], object]) -> None:
    """Run every check and raise Invalid with the faults of all that fail: nobody should have to mend them one by one.

    Raises what a single one that fails raises.
    """
    failed = []
    for check in checks:
        try:
            check()
        except Invalid as error:
            failed.append(error)
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise Invalid("; ".join(one.detail for one in failed), tuple(fault for one in failed for fault in one.faults))


class Unauthenticated(LatheError):
    """No credential, or one that is unknown, revoked, expired or wrongly signed: the answer is the same for all."""

    code = "unauthenticated"

    def __init__(self, detail: str, *, presented: bool = True) -> None:
        super().__init__(detail)
        self.presented = presented
        """Whether a credential was sent at all."""


class Forbidden(LatheError):
    """A good credential that may not do this. ``scope`` is what it would need, where a scope is what it lacks."""

    code = "forbidden"

    def __init__(self, detail: str, *, scope: str | None = None) -> None:
        super().__init__(detail, code="insufficient_scope" if scope else None)
        self.scope = scope


class NotFound(LatheError):
    """Not there, or another organization's: nobody learns which."""

    code = "not_found"


class Conflict(LatheError):
    """Somebody was faster, or the thing is in a state that does not allow this; ``detail`` says who and what."""

    code = "conflict"


class RateLimited(LatheError):
    """The credential's limit is used up. ``retry_after`` is in whole seconds and never too early."""

    code = "rate_limited"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(LatheError):
    """Overloaded, or the database is away. Nothing was stored; trying again later is safe."""

    code = "unavailable"

    def __init__(self, detail: str, *, retry_after: int = 1, code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.retry_after = retry_after


class OutcomeUnknown(Unavailable):
    """A COMMIT was sent, its fate is not known. Only the same request with the same delivery id may be sent again."""

    code = "outcome_unknown"
