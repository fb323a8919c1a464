"""First answers that are repeated, by SQL: read and written with a batch, and forgotten when their time is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, bindparam, delete, select

from lathe.adapters.sql.deliveries import packed, unpacked
from lathe.adapters.sql.prepared import Asked, Prepared
from lathe.adapters.sql.rows import Rows, Values
from lathe.adapters.sql.schema import first_answers
from lathe.adapters.sql.types import Digest, Id, Time, given, listed
from lathe.application.intake import Changes
from lathe.domain.first_answer import REPEATED_FOR, FirstAnswer

FORGOTTEN_AT_ONCE: Final = 512
"""How many old answers a batch removes at most: more than it can add, so that they never pile up."""

Names = Iterable[tuple[UUID, bytes | None]]
"""The names of first answers, each with its organization."""


def first_answers_named(names: Names) -> list[Asked]:
    """Return the query for the first answers of these names; none where there are no names."""
    wanted = _wanted(names)
    return [(_NAMED, {"wanted": listed(wanted)})] if wanted else []


def first_answer_of(row: Any) -> FirstAnswer:
    """Return the first answer that a row holds."""
    return FirstAnswer(row.organization_id, row.name, row.digest, row.delivery_id, row.at, unpacked(row.written))


def keep_first_answers(rows: Rows, changes: Changes) -> None:
    """Store first answers in place of those of the same names whose time is over.

    Others whose time is over go too, of one organization at a time: what a batch pays for is bounded.
    """
    if not changes.first_answers:
        return
    kept = sorted(changes.first_answers, key=lambda one: (one.organization_id, one.name))
    before = changes.now - REPEATED_FOR
    same, old = rows.given_each(
        (_SAME, {"wanted": listed(_wanted((one.organization_id, one.name) for one in kept))}),
        (_OLD, {"of_organization": changes.first_answers[0].organization_id, "at": before}),
    )
    if gone := sorted({(row.organization_id, row.name) for row in (*same, *old) if row.at <= before}):
        rows.connection.execute(_FORGET, [{"of_organization": of, "of_name": name} for of, name in gone])
    rows.add(first_answers, *map(_values, kept))


def _wanted(names: Names) -> Sequence[Values]:
    return [{"organization_id": of, "name": name.hex()} for of, name in dict.fromkeys(names) if name]


def _values(answer: FirstAnswer) -> Values:
    return {
        "organization_id": answer.organization_id,
        "name": answer.name,
        "digest": answer.digest,
        "delivery_id": answer.delivery_id,
        "at": answer.at,
        "written": packed(answer.written),
    }


_wanted_names: Final = given("wanted", {"organization_id": Id, "name": Digest()})
_by_name: Final = and_(
    first_answers.c.organization_id == _wanted_names.c.organization_id, first_answers.c.name == _wanted_names.c.name
)
_NAMED: Final = Prepared(select(first_answers).join(_wanted_names, _by_name))

_times: Final = select(first_answers.c.organization_id, first_answers.c.name, first_answers.c.at)
_SAME: Final = Prepared(_times.join(_wanted_names, _by_name))
_OLD: Final = Prepared(
    _times.where(
        first_answers.c.organization_id == bindparam("of_organization", type_=Id),
        first_answers.c.at <= bindparam("at", type_=Time()),
    )
    .order_by(first_answers.c.at)
    .limit(FORGOTTEN_AT_ONCE)
    # What another transaction is about to remove need not be waited for.
    .with_for_update(skip_locked=True)
)
_FORGET: Final = delete(first_answers).where(
    first_answers.c.organization_id == bindparam("of_organization"), first_answers.c.name == bindparam("of_name")
)
