"""Matching a repository to a project: judged by an oracle that knows the product page and compares plain strings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from unittest.mock import patch

import pytest
from attrs import evolve, frozen
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from lathe.domain import matching
from lathe.domain.build_report import BuildReport
from lathe.domain.matching import RANKED_CANDIDATES, Ambiguous, Match, Matched, Unmatched, match, score
from lathe.domain.project import LinkedProject
from lathe.domain.repository import Repository
from tests.unit.domain.examples import ORGANIZATION, START, linked, number, project, report_of, repository

# "pay" is part of "payment" as a text, and not as a word.
VOCABULARY = ("pay", "payment", "api", "web", "shop")
HOSTS = ("bitbucket.org", "git.corp")

phrases = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=3)
slugs = st.builds(lambda words, mark: str(mark.join(words)), phrases, st.sampled_from("-_."))
names = st.builds(lambda words, mark: str(mark.join(words).title()), phrases, st.sampled_from(" -/")) | st.just("…")
owners = st.sampled_from(VOCABULARY)
urls = st.builds(lambda host, owner, slug: f"https://{host}/{owner}/{slug}", st.sampled_from(HOSTS), owners, slugs)
uuids = st.sampled_from(["bitbucket:a", "bitbucket:b", "gitlab:a"])


@st.composite
def some_projects(draw: st.DrawFn) -> list[LinkedProject]:
    """Projects in any order, each repository linked to one of them at most."""
    count = draw(st.integers(0, 5))
    known_urls = draw(st.lists(urls, max_size=4, unique_by=str.lower))
    known_uuids = draw(st.lists(uuids, max_size=2, unique=True))
    homes: list[list[Repository]] = [[] for _ in range(count)]
    if count:
        for at, url in enumerate(known_urls):
            uuid = known_uuids.pop() if draw(st.booleans()) and known_uuids else None
            draw(st.sampled_from(homes)).append(repository(500 + at, url, uuid))
        for at, uuid in enumerate(known_uuids):
            draw(st.sampled_from(homes)).append(repository(600 + at, None, uuid))
    return [
        LinkedProject(project(10 + at, draw(names), slug=draw(slugs)), tuple(homes[at]))
        for at in draw(st.permutations(range(count)))
    ]


reports = st.builds(report_of, st.none() | urls, st.none() | uuids)
cases = st.tuples(reports, some_projects())


# --- the oracle -------------------------------------------------------------------------------------------------------


@frozen
class Verdict:
    """What the product page says: the rule that found something, what it found, and whether it is good enough."""

    rule: str | None
    projects: frozenset[int] = frozenset()
    weak: bool = False


def spelled(text: str) -> str:
    """Return the words as one lower-case text with a blank around each: ``" pay api "``."""
    return " " + re.sub(r"[^a-z0-9]+", " ", text.lower()).strip() + " "


def fit(one: str, other: str) -> tuple[int, int]:
    """Return 2 for an equal text, 1 for a contained one, 0 for neither; and how many words they share."""
    if not one.strip() or not other.strip():
        return 0, 0
    if one == other:
        return 2, len(one.split())
    if one in other or other in one:
        return 1, min(len(one.split()), len(other.split()))
    return 0, 0


def verdict(report: BuildReport, projects: Iterable[LinkedProject]) -> Verdict:
    """Read the three rules of the product page aloud."""
    projects = list(projects)
    uuid, url = report.repository_uuid, report.facts.repo_url
    by_uuid = {p.project.id.int for p in projects for r in p.repositories if uuid and r.uuid == uuid}
    if by_uuid:
        return Verdict("repository_uuid", frozenset(by_uuid))
    if url is None:
        return Verdict(None)
    by_url = {p.project.id.int for p in projects for r in p.repositories if r.url and r.url.key == url.key}
    if by_url:
        return Verdict("repository_url", frozenset(by_url))
    fits = {}
    for p in projects:
        labels = [p.project.name, p.project.slug]
        labels += [r.url.key.rsplit("/", 1)[1] for r in p.repositories if r.url]
        fits[p.project.id.int] = max(fit(spelled(url.key.rsplit("/", 1)[1]), spelled(label)) for label in labels)
    best = max(fits.values(), default=(0, 0))
    if best[0] == 0:
        return Verdict(None)
    found = frozenset(value for value, how in fits.items() if how == best)
    neighbours = {r.url.host for p in projects if p.project.id.int in found for r in p.repositories if r.url}
    weak = len(found) == 1 and (best == (1, 1) or url.host in neighbours)
    return Verdict("repository_name", found, weak)


def judged(found: Match) -> Verdict:
    """Return the code's answer in the oracle's form."""
    if isinstance(found, Unmatched):
        return Verdict(None)
    if isinstance(found, Matched):
        return Verdict(found.rule, frozenset({found.project.id.int}), found.weak is not None)
    best = found.steps[-1]
    return Verdict(best.rule, frozenset(c.id.int for c in best.candidates))


def agrees(found: Match, right: Verdict) -> bool:
    """Tell whether an answer is the right one. Beside the best, an ambiguous answer also ranks those that fit less."""
    said = judged(found)
    if isinstance(found, Ambiguous):
        first = frozenset(c.id.int for c in found.candidates[: len(right.projects)])
        return len(right.projects) > 1 and first == right.projects and said.rule == right.rule
    return said == right


@given(cases)
def test_matching_finds_what_the_product_page_says(case: tuple[BuildReport, list[LinkedProject]]) -> None:
    report, projects = case
    found = match(report, projects)
    assert agrees(found, verdict(report, projects)), f"{judged(found)}, not {verdict(report, projects)}"


# --- broken variants, each of which the oracle must catch -------------------------------------------------------------


def guessing(report: BuildReport, projects: list[LinkedProject]) -> Match:
    """Break ties by the order of names."""
    found = match(report, projects)
    if not isinstance(found, Ambiguous):
        return found
    first = next(p.project for p in projects if p.project.id == found.candidates[0].id)
    return Matched(first, found.steps[-1].rule, found.steps)


def with_score(
    broken_score: Callable[[tuple[str, ...], tuple[str, ...]], matching.Score | None],
) -> Callable[[BuildReport, list[LinkedProject]], Match]:
    def broken(report: BuildReport, projects: list[LinkedProject]) -> Match:
        with patch.object(matching, "score", broken_score):
            return match(report, projects)

    return broken


def by_letters(one: tuple[str, ...], other: tuple[str, ...]) -> matching.Score | None:
    """Take a part of a word for a word."""
    short, long = sorted(("-".join(one), "-".join(other)), key=len)
    return matching.Score(short == long, len(short.split("-"))) if short and short in long else None


def by_common_words(one: tuple[str, ...], other: tuple[str, ...]) -> matching.Score | None:
    """Take scattered words for a sequence."""
    common = len(set(one) & set(other))
    return matching.Score(one == other, common) if common else None


def shortest(one: tuple[str, ...], other: tuple[str, ...]) -> matching.Score | None:
    """Prefer the shortest of the contained."""
    fits = score(one, other)
    return matching.Score(fits.equal, -fits.words) if fits else None


def never_weak(report: BuildReport, projects: list[LinkedProject]) -> Match:
    """File whatever has a name in common."""
    found = match(report, projects)
    return evolve(found, weak=None) if isinstance(found, Matched) else found


def owners_count(report: BuildReport, projects: list[LinkedProject]) -> Match:
    """Let the owner's words count."""
    url = report.facts.repo_url
    if url and isinstance(match(report, projects), Unmatched):
        joined = evolve(url, path=("owner", "-".join(url.path)))
        return match(evolve(report, facts=evolve(report.facts, repo_url=joined)), projects)
    return match(report, projects)


def names_before_links(report: BuildReport, projects: list[LinkedProject]) -> Match:
    """Look at names first."""
    named = match(evolve(report, repository_uuid=None), [evolve(p, repositories=()) for p in projects])
    return match(report, projects) if isinstance(named, Unmatched) else named


@pytest.mark.parametrize(
    "broken",
    [
        guessing,
        with_score(by_letters),
        with_score(by_common_words),
        with_score(shortest),
        never_weak,
        owners_count,
        names_before_links,
    ],
    ids=["guessing", "by letters", "by common words", "shortest", "never weak", "owners count", "names before links"],
)
def test_the_oracle_catches_a_broken_matching(broken: Callable[[BuildReport, list[LinkedProject]], Match]) -> None:
    searching = settings(phases=[Phase.generate], max_examples=5_000, database=None, derandomize=True)
    report, projects = find(cases, lambda case: not agrees(broken(*case), verdict(*case)), settings=searching)
    assert agrees(match(report, projects), verdict(report, projects))


# --- what must hold whatever the examples -----------------------------------------------------------------------------


@given(cases, st.data())
def test_the_order_of_the_projects_changes_nothing(
    case: tuple[BuildReport, list[LinkedProject]], data: st.DataObject
) -> None:
    report, projects = case
    shuffled = data.draw(st.permutations(projects))
    turned = [evolve(p, repositories=p.repositories[::-1]) for p in shuffled]
    assert match(report, turned) == match(report, projects)


@given(cases)
def test_a_project_that_has_nothing_in_common_changes_nothing(case: tuple[BuildReport, list[LinkedProject]]) -> None:
    report, projects = case
    stranger = linked(9, "Zebra Crossing", "https://zebra.test/zoo/zebra")
    assert match(report, [*projects, stranger]) == match(report, projects)


@given(some_projects(), st.data())
def test_a_linked_url_beats_every_name(projects: list[LinkedProject], data: st.DataObject) -> None:
    owner = linked(9, "Zebra", "https://git.corp/shop/pay-api")
    everywhere = [*projects, owner, linked(8, "Pay API"), linked(7, "pay-api")]
    others = [
        p for p in everywhere if p is owner or not any(r.url == owner.repositories[0].url for r in p.repositories)
    ]
    spelling = data.draw(
        st.sampled_from(
            ["https://git.corp/shop/pay-api", "git@git.corp:shop/pay-api.git", "HTTP://GIT.CORP:80/Shop/Pay-API/"]
        )
    )
    found = match(report_of(spelling), others)
    assert isinstance(found, Matched)
    assert (found.project, found.rule, found.weak) == (owner.project, "repository_url", None)


@given(some_projects(), urls)
def test_a_linked_uuid_beats_every_url(projects: list[LinkedProject], url: str) -> None:
    owner = LinkedProject(project(9, "Zebra"), (repository(900, None, "bitbucket:z"),))
    found = match(report_of(url, "bitbucket:z"), [*projects, owner])
    assert isinstance(found, Matched)
    assert (found.project, found.rule, found.weak) == (owner.project, "repository_uuid", None)


def under(owner: str, repositories: Iterable[Repository]) -> tuple[Repository, ...]:
    return tuple(evolve(r, url=evolve(r.url, path=(owner, r.url.slug)) if r.url else None) for r in repositories)


@given(some_projects(), st.sampled_from(HOSTS), slugs, owners)
def test_the_words_of_owners_never_matter_to_names(
    projects: list[LinkedProject], host: str, slug: str, owner: str
) -> None:
    renamed = [evolve(p, repositories=under(owner, p.repositories)) for p in projects]
    plain = [evolve(p, repositories=under("zebra", p.repositories)) for p in projects]
    ours, theirs = report_of(f"https://{host}/lion/{slug}"), report_of(f"https://{host}/{owner}-{owner}/{slug}")
    found = {judged(match(report, all_of)) for report in (ours, theirs) for all_of in (projects, renamed, plain)}
    assert len(found) == 1


@given(cases)
def test_a_twin_of_the_project_found_by_name_makes_it_ambiguous(case: tuple[BuildReport, list[LinkedProject]]) -> None:
    report, projects = case
    found = match(report, projects)
    if not isinstance(found, Matched) or found.rule != "repository_name":
        return
    original = next(p for p in projects if p.project == found.project)
    twin = evolve(
        original, project=evolve(original.project, id=number(99)), repositories=under("twin", original.repositories)
    )
    both = match(report, [*projects, twin])
    assert isinstance(both, Ambiguous)
    assert {c.id for c in both.candidates[:2]} == {found.project.id, number(99)}


@given(cases)
def test_every_answer_leaves_a_step_for_each_rule_that_was_tried(
    case: tuple[BuildReport, list[LinkedProject]],
) -> None:
    found = match(*case)
    rules = [step.rule for step in found.steps]
    assert rules == ["repository_uuid", "repository_url", "repository_name"][: len(rules)]
    assert all(step.detail and step.result in {"not_known", "nothing"} for step in found.steps[:-1])
    ends = {Matched: {"matched", "weak"}, Ambiguous: {"ambiguous"}, Unmatched: {"nothing", "not_known"}}
    assert found.steps[-1].result in ends[type(found)]
    assert bool(found.steps[-1].candidates) == (not isinstance(found, Unmatched))


# --- examples to read -------------------------------------------------------------------------------------------------

REPO = "https://bitbucket.org/acme/pay-api"


@pytest.mark.parametrize("name", ["Pay API", "pay-api", "PAY_API", "pay.api"])
def test_the_same_words_are_the_same_name(name: str) -> None:
    found = match(report_of(REPO), [linked(10, name, slug="x")])
    assert isinstance(found, Matched)
    assert (found.weak, found.steps[-1].detail) == (None, f"Repository name pay-api equals {name}")


def test_a_contained_name_of_two_words_is_good_enough() -> None:
    found = match(report_of(REPO + "_service"), [linked(10, "Pay API"), linked(11, "Web")])
    assert isinstance(found, Matched)
    assert found.weak is None
    assert found.steps[-1].detail == "Repository name pay-api_service has words in common with Pay API"


def test_a_single_common_word_is_too_weak_and_the_step_says_so() -> None:
    found = match(report_of(REPO), [linked(10, "API")])
    assert isinstance(found, Matched)
    assert found.weak == "a single word in common is too little to file by"
    assert found.steps[-1].detail == f"Repository name pay-api has words in common with API, but {found.weak}"


def test_an_equal_name_of_one_word_is_good_enough() -> None:
    found = match(report_of("https://bitbucket.org/acme/pay"), [linked(10, "Pay"), linked(11, "Pay API Web")])
    assert isinstance(found, Matched)
    assert (found.project.name, found.weak) == ("Pay", None)


def test_a_project_that_has_a_repository_on_that_host_must_be_confirmed() -> None:
    home = linked(10, "Pay API", "https://bitbucket.org/acme/other")
    found = match(report_of(REPO), [home])
    assert isinstance(found, Matched)
    assert found.weak == "it already has a repository on bitbucket.org"
    elsewhere = match(report_of("https://git.corp/acme/pay-api"), [home])
    assert isinstance(elsewhere, Matched)
    assert elsewhere.weak is None


def test_the_name_of_a_linked_repository_counts_like_the_name_of_its_project() -> None:
    found = match(report_of("https://git.corp/x/pay-api"), [linked(10, "Zebra", REPO), linked(11, "Pay")])
    assert isinstance(found, Matched)
    assert (found.project.name, found.weak) == ("Zebra", None)


def test_several_equally_good_are_named_and_ranked_with_those_that_fit_less_behind_them() -> None:
    projects = [linked(12, "Web"), linked(11, "pay api"), linked(13, "Pay"), linked(10, "Pay API"), linked(14, "API")]
    found = match(report_of(REPO), projects)
    assert isinstance(found, Ambiguous)
    assert [c.name for c in found.candidates] == ["Pay API", "pay api", "API", "Pay"]
    assert found.steps[-1].detail == "Repository name pay-api fits Pay API and pay api equally well"
    assert {c.rule for c in found.candidates} == {"repository_name"}


def test_three_equally_good_are_listed_as_people_list_them() -> None:
    found = match(
        report_of("https://git.corp/a/api"), [linked(n, f"API {w}") for n, w in ((1, "C"), (2, "A"), (3, "B"))]
    )
    assert found.steps[-1].detail == "Repository name api fits API A, API B and API C equally well"


def test_the_candidates_shown_are_bounded() -> None:
    found = match(report_of(REPO), [linked(100 + at, f"Pay API {at}") for at in range(3 * RANKED_CANDIDATES)])
    assert isinstance(found, Ambiguous)
    assert len(found.candidates) == RANKED_CANDIDATES


def test_two_projects_that_claim_one_repository_are_ambiguous_too() -> None:
    found = match(report_of(REPO), [linked(10, "Pay", REPO), linked(11, "API", REPO)])
    assert isinstance(found, Ambiguous)
    assert found.steps[-1].detail == "Repository bitbucket.org/acme/pay-api is linked to API and Pay"


def test_a_repository_without_a_word_in_its_name_matches_nothing_by_name() -> None:
    found = match(report_of("https://git.corp/acme/--_"), [linked(10, "…", slug="-")])
    assert isinstance(found, Unmatched)
    assert [step.result for step in found.steps] == ["not_known", "nothing", "not_known"]


def test_a_report_that_names_no_repository_matches_nothing() -> None:
    found = match(report_of(None), [linked(10, "Pay API", REPO)])
    assert found == Unmatched(found.steps)
    assert [step.detail for step in found.steps] == [
        "The report carries no repository UUID",
        "The report carries no repository URL",
        "The report carries no repository name with a word in it",
    ]


def test_a_repository_known_by_its_uuid_alone_lends_no_name() -> None:
    nameless = Repository(ORGANIZATION, number(900), None, "bitbucket:z", "bitbucket", START)
    assert isinstance(match(report_of(REPO), [LinkedProject(project(10, "Zebra"), (nameless,))]), Unmatched)
