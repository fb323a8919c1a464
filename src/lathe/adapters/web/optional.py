"""Fields of answers that are left out where there is nothing to say, as against those that are null then."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar, get_args, get_origin

T = TypeVar("T")

LEFT_OUT: Final = "left out where it is None"

Sometimes = Annotated[T | None, LEFT_OUT]
"""The type of such a field."""


def is_left_out(annotation: Any) -> bool:
    """Whether a field, by its evaluated annotation, is one of them."""
    return get_origin(annotation) is Annotated and LEFT_OUT in get_args(annotation)[1:]
