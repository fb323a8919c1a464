"""The project-matching policy: which project a reported repository belongs to. Never guesses between equals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from attrs import frozen

from lathe.domain.build_report import BuildReport
from lathe.domain.project import LinkedProject, Project
from lathe.domain.steps import Candidate, Step
from lathe.domain.text import words

BY_UUID: Final = "repository_uuid"
BY_URL: Final = "repository_url"
BY_NAME: Final = "repository_name"
NOT_KNOWN: Final = "not_known"
RANKED_CANDIDATES: Final = 10


@frozen
class Matched:
    """One project. ``weak`` says why a person must confirm it, None if it is good enough to file by."""

    project: Project
    rule: str
    steps: tuple[Step, ...]
    weak: str | None = None


@frozen
class Ambiguous:
    """Several projects fit equally well; ``candidates`` are all that fit at all, best first."""

    candidates: tuple[Candidate, ...]
    steps: tuple[Step, ...]


@frozen
class Unmatched:
    """No rule found a project."""

    steps: tuple[Step, ...]


Match = Matched | Ambiguous | Unmatched


@frozen(order=True)
class Score:
    """How well names fit: an equal word sequence before a contained one, then the number of words in common."""

    equal: bool
    words: int


@frozen
class _Found:
    project: Project
    score: Score | None = None
    weak: str | None = None


def match(report: BuildReport, projects: Iterable[LinkedProject]) -> Match:
    """Return the project of ``projects``, all of one organization, that the reported repository belongs to.

    The first rule that finds something wins: the repository's UUID, its canonical URL, its name.
    """
    projects = list(projects)
    steps: list[Step] = []
    for rule in (_by_uuid, _by_url, _by_name):
        step, best = rule(report, projects)
        steps.append(step)
        if len(best) > 1:
            return Ambiguous(step.candidates, tuple(steps))
        if best:
            return Matched(best[0].project, step.rule, tuple(steps), best[0].weak)
    return Unmatched(tuple(steps))


def _by_uuid(report: BuildReport, projects: Sequence[LinkedProject]) -> tuple[Step, list[_Found]]:
    uuid = report.repository_uuid
    if uuid is None:
        return Step(BY_UUID, NOT_KNOWN, "The report carries no repository UUID"), []
    found = [_Found(p.project) for p in projects if any(r.uuid == uuid for r in p.repositories)]
    return _linked_step(BY_UUID, "Repository UUID", found)


def _by_url(report: BuildReport, projects: Sequence[LinkedProject]) -> tuple[Step, list[_Found]]:
    url = report.facts.repo_url
    if url is None:
        return Step(BY_URL, NOT_KNOWN, "The report carries no repository URL"), []
    found = [_Found(p.project) for p in projects if any(r.url == url for r in p.repositories)]
    return _linked_step(BY_URL, f"Repository {url.key}", found)


def _linked_step(rule: str, what: str, found: list[_Found]) -> tuple[Step, list[_Found]]:
    candidates = _ranked(found, rule)
    if not found:
        return Step(rule, "nothing", f"{what} is linked to no project"), []
    result = "matched" if len(found) == 1 else "ambiguous"
    return Step(rule, result, f"{what} is linked to {_names(candidates)}", candidates), found


def _by_name(report: BuildReport, projects: Sequence[LinkedProject]) -> tuple[Step, list[_Found]]:
    url = report.facts.repo_url
    name = words(url.slug) if url else ()
    if url is None or not name:
        return Step(BY_NAME, NOT_KNOWN, "The report carries no repository name with a word in it"), []
    found = [_Found(p.project, s, _weakness(s, p, url.host)) for p in projects if (s := best_score(name, p))]
    if not found:
        return Step(BY_NAME, "nothing", f"Repository name {url.slug} fits no project"), []
    top = max(f.score for f in found if f.score)
    best = [f for f in found if f.score == top]
    candidates = _ranked(found, BY_NAME)
    if len(best) > 1:
        names = _names(_ranked(best, BY_NAME))
        return Step(BY_NAME, "ambiguous", f"Repository name {url.slug} fits {names} equally well", candidates), best
    fit = "equals" if top.equal else "has words in common with"
    detail = f"Repository name {url.slug} {fit} {best[0].project.name}"
    if best[0].weak:
        return Step(BY_NAME, "weak", f"{detail}, but {best[0].weak}", candidates), best
    return Step(BY_NAME, "matched", detail, candidates), best


def best_score(name: tuple[str, ...], linked: LinkedProject) -> Score | None:
    """Return how well a repository's words fit the best of a project's name, slug and repositories; None if not at all.

    Owner and workspace words never count.
    """
    return max((s for known in linked.names if (s := score(name, known))), default=None)


def score(one: tuple[str, ...], other: tuple[str, ...]) -> Score | None:
    """Return how two word sequences fit: equal, or one contained in the other as it stands; None if neither."""
    short, long = sorted((one, other), key=len)
    if not short or short[0] not in long:  # the second is almost always so, and found out at once
        return None
    places = range(len(long) - len(short) + 1)
    if not any(long[at : at + len(short)] == short for at in places):
        return None
    return Score(len(short) == len(long), len(short))


def _weakness(fit: Score, linked: LinkedProject, host: str) -> str | None:
    """Say why a name match is too weak to file by."""
    if any(r.url and r.url.host == host for r in linked.repositories):
        return f"it already has a repository on {host}"
    if not fit.equal and fit.words == 1:
        return "a single word in common is too little to file by"
    return None


def _ranked(found: Iterable[_Found], rule: str) -> tuple[Candidate, ...]:
    found = list(found)
    if len(found) == 1:
        return (Candidate(found[0].project.id, found[0].project.name, rule),)

    def rank(one: _Found) -> tuple[bool, int, str, str]:
        fit = one.score or Score(equal=True, words=0)
        return (not fit.equal, -fit.words, one.project.name.casefold(), str(one.project.id))

    best_first = sorted(found, key=rank)[:RANKED_CANDIDATES]
    return tuple(Candidate(one.project.id, one.project.name, rule) for one in best_first)


def _names(candidates: Sequence[Candidate]) -> str:
    names = [candidate.name for candidate in candidates]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
