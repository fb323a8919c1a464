"""Errors: the stable codes that clients see."""

from __future__ import annotations

import pytest

from lathe.domain.errors import (
    Conflict,
    Fault,
    Forbidden,
    Invalid,
    LatheError,
    Malformed,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Unauthenticated,
    Unavailable,
    must_all_hold,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LatheError("…"), "error"),
        (Malformed("…"), "malformed"),
        (Invalid("…"), "invalid"),
        (Unauthenticated("…"), "unauthenticated"),
        (Forbidden("…"), "forbidden"),
        (Forbidden("…", scope="builds:create"), "insufficient_scope"),
        (NotFound("…"), "not_found"),
        (Conflict("…"), "conflict"),
        (Conflict("…", code="already_assigned"), "already_assigned"),
        (RateLimited("…", retry_after=42), "rate_limited"),
        (Unavailable("…"), "unavailable"),
        (Unavailable("…", code="queue_full"), "queue_full"),
        (OutcomeUnknown("…"), "outcome_unknown"),
    ],
)
def test_every_error_has_a_stable_code_and_a_sentence(error: LatheError, code: str) -> None:
    assert (error.reason, error.detail, str(error)) == (code, "…", "…")


def test_errors_carry_what_an_answer_needs() -> None:
    fault = Fault("/name", "blank", "must not be blank")
    assert (Invalid("…", (fault,)).faults, Invalid("…").faults) == ((fault,), ())
    assert (Unauthenticated("…").presented, Unauthenticated("…", presented=False).presented) == (True, False)
    assert Forbidden("…", scope="builds:create").scope == "builds:create"
    assert RateLimited("…", retry_after=42).retry_after == 42
    assert (Unavailable("…").retry_after, OutcomeUnknown("…", retry_after=5).retry_after) == (1, 5)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    name, email = Fault("/name", "blank", "must not be blank"), Fault("/email", "blank", "must not be blank")

    def wrong(fault: Fault) -> None:
        raise Invalid(f"{fault.pointer[1:]} {fault.detail}", (fault,), code=fault.code)

    must_all_hold(lambda: "fine", lambda: None)
    with pytest.raises(Invalid) as one:
        must_all_hold(lambda: None, lambda: wrong(name))
    assert (one.value.faults, one.value.reason) == ((name,), "blank")
    with pytest.raises(Invalid) as both:
        must_all_hold(lambda: wrong(name), lambda: None, lambda: wrong(email))
    assert (both.value.faults, both.value.detail) == (
        (name, email),
        "name must not be blank; email must not be blank",
    )
