"""JSON without surprises: what two readers could understand differently, or no database could keep, is refused.

RFC 8259 leaves open what happens to keys that come twice, to numbers of any size, to depth and to half a character
pair. See also RFC 7493 (I-JSON).
"""

from __future__ import annotations

import json
import math
import re
from typing import Final

from lathe.domain.errors import Malformed

DEEPEST: Final = 32
"""How many objects and lists may lie inside each other."""

_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_DIGITS = 20  # what a number of 64 bits has at most, with its sign; Python itself refuses thousands


def parse(body: bytes) -> object:
    """Return what ``body`` holds.

    Raises Malformed if it is no JSON in UTF-8, names a key twice, nests deeper than `DEEPEST`, or holds NUL, half a
    character pair, NaN, or a number beyond 64 bits.
    """
    try:
        value = json.loads(
            body.decode(), object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
        )
    except UnicodeDecodeError as error:
        raise Malformed("The body is not UTF-8") from error
    except RecursionError as error:
        raise Malformed(_TOO_DEEP) from error
    except ValueError as error:
        raise Malformed("The body is not JSON") from error
    _must_be_storable(value)
    return value


_TOO_DEEP: Final = f"The body is nested deeper than {DEEPEST} levels"


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("The body names a key twice in one object")
    return found


def _integer(digits: str) -> int:
    number = int(digits) if len(digits) <= _DIGITS else 2**64
    if not -(2**63) <= number < 2**63:
        raise Malformed("The body holds a number beyond 64 bits")
    return number


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise Malformed("The body holds a number beyond 64 bits")
    return number


def _constant(name: str) -> float:
    raise Malformed(f"The body holds {name}, which is not JSON")


def _must_be_storable(value: object) -> None:
    """Walk everything, level by level."""
    level, depth = [value], 0
    while level:
        inner: list[object] = []
        for one in level:
            if isinstance(one, str) and _UNSTORABLE.search(one):
                raise Malformed("The body holds NUL or half a character pair")
            if isinstance(one, dict | list) and depth == DEEPEST:
                raise Malformed(_TOO_DEEP)
            if isinstance(one, dict):
                inner += one.keys()
                inner += one.values()
            elif isinstance(one, list):
                inner += one
        level, depth = inner, depth + 1
