"""The pieces that several tables share, to columns and back: facts of builds, placements, reasons, people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

import orjson

from lathe.adapters.sql.rows import Values
from lathe.domain.build_report import BuildFacts, BuildStatus
from lathe.domain.organization import Actor
from lathe.domain.placement import Outcome, Placement
from lathe.domain.repo_url import RepoUrl
from lathe.domain.steps import Candidate, Reason, ReasonCode, Step


def url_of_key(key: str | None) -> RepoUrl | None:
    """Return the URL whose `RepoUrl.key` was stored: a segment never has a slash in it."""
    if key is None:
        return None
    host, *path = key.split("/")
    return RepoUrl(host, tuple(path))


# --- facts ------------------------------------------------------------------------------------------------------------


def facts_values(facts: BuildFacts) -> Values:
    """Return the columns of a build's facts, and those that are derived for lists and searches."""
    searched = (facts.name, facts.build_number, facts.branch, facts.tag, facts.commit_sha)
    return {
        "source": facts.source,
        "name": facts.name,
        "build_status": facts.status.value,
        "build_number": facts.build_number,
        "run_id": facts.run_id,
        "commit_sha": facts.commit_sha,
        "commit_folded": facts.commit_sha.casefold() if facts.commit_sha else None,
        "branch": facts.branch,
        "tag": facts.tag,
        "ref": branch_ref(facts.branch) if facts.branch else f"tag {facts.tag}" if facts.tag else "",
        "repo_url_key": facts.repo_url.key if facts.repo_url else None,
        "url": facts.url,
        "author": facts.author,
        "finished_at": facts.finished_at,
        "search": "\n" + "\n".join(text.casefold() for text in searched if text),
    }


def branch_ref(branch: str) -> str:
    """Return how a branch is told apart from a tag of the same name."""
    return f"branch {branch}"


def facts_of(row: Any) -> BuildFacts:
    """Return the facts that a row holds."""
    return BuildFacts(
        source=row.source,
        name=row.name,
        status=BuildStatus(row.build_status),
        build_number=row.build_number,
        run_id=row.run_id,
        commit_sha=row.commit_sha,
        branch=row.branch,
        tag=row.tag,
        repo_url=url_of_key(row.repo_url_key),
        url=row.url,
        author=row.author,
        finished_at=row.finished_at,
    )


# --- decisions --------------------------------------------------------------------------------------------------------


def placement_json(placement: Placement) -> orjson.Fragment:
    """Return a placement as it is stored, with all its steps.

    A build and its delivery have the same one, and a batch writes them one after the other: it is made once.
    """
    known = _written.get(id(placement))
    if known is not None and known[0] is placement:
        return known[1]
    if len(_written) >= _REMEMBERED:
        _written.clear()
    made = orjson.Fragment(orjson.dumps(_placement_fields(placement)))
    _written[id(placement)] = placement, made
    return made


_REMEMBERED: Final = 512
_written: Final[dict[int, tuple[Placement, orjson.Fragment]]] = {}
"""By identity: looking one up by what it holds would take longer than making it."""


def _placement_fields(placement: Placement) -> dict[str, Any]:
    return {
        "outcome": placement.outcome.value,
        "steps": [
            {
                "rule": step.rule,
                "result": step.result,
                "detail": step.detail,
                "candidates": candidates_json(step.candidates),
            }
            for step in placement.steps
        ],
        "reason": [placement.reason.code.value, placement.reason.detail] if placement.reason else None,
        "project_id": _hex(placement.project_id),
        "release_id": _hex(placement.release_id),
        "candidates": candidates_json(placement.candidates),
    }


def placement_of(stored: dict[str, Any]) -> Placement:
    """Return the placement that was stored."""
    reason = stored["reason"]
    return Placement(
        Outcome(stored["outcome"]),
        tuple(
            Step(step["rule"], step["result"], step["detail"], candidates_of(step["candidates"]))
            for step in stored["steps"]
        ),
        Reason(ReasonCode(reason[0]), reason[1]) if reason else None,
        uuid_of(stored["project_id"]),
        uuid_of(stored["release_id"]),
        candidates_of(stored["candidates"]),
    )


def candidates_json(candidates: Iterable[Candidate]) -> list[list[str]]:
    """Return candidates as they are stored."""
    return [[one.id.hex, one.name, one.rule] for one in candidates]


def candidates_of(stored: list[list[str]]) -> tuple[Candidate, ...]:
    """Return the candidates that were stored."""
    return tuple(Candidate(UUID(stored_id), name, rule) for stored_id, name, rule in stored)


def reason_values(reason: Reason | None) -> Values:
    """Return the columns of a reason."""
    return {
        "reason_code": reason.code.value if reason else None,
        "reason_detail": reason.detail if reason else None,
    }


def reason_of(row: Any) -> Reason | None:
    """Return the reason that a row holds."""
    return Reason(ReasonCode(row.reason_code), row.reason_detail) if row.reason_code else None


def required_reason(row: Any) -> Reason:
    """Return the reason of a row that always has one."""
    return Reason(ReasonCode(row.reason_code), row.reason_detail)


# --- people -----------------------------------------------------------------------------------------------------------


def actor_values(prefix: str, actor: Actor | None) -> Values:
    """Return the columns of who decided something."""
    return {
        f"{prefix}_kind": actor.kind if actor else None,
        f"{prefix}_id": actor.id if actor else None,
        f"{prefix}_name": actor.name if actor else None,
    }


def actor_of(kind: str | None, actor_id: UUID | None, name: str | None) -> Actor | None:
    """Return who decided something, None if nobody did."""
    return Actor(kind, actor_id, name or "") if kind else None


def _hex(value: UUID | None) -> str | None:
    return value.hex if value else None


def uuid_of(stored: str | None) -> UUID | None:
    """Return the id that was stored inside JSON."""
    return UUID(stored) if stored else None
