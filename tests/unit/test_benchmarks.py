"""What the benchmark makes of measured numbers: ratios, medians, verdicts, the table, and whether a cell counts."""

from __future__ import annotations

import pytest

from benchmarks.arithmetic import Figure, Spread, must_repeat, ratios, rows, summary, table
from benchmarks.figures import ABSOLUTE, figures
from benchmarks.load import status_of
from benchmarks.scene import FULL, LIMIT, bodies, full_window, spent_window
from benchmarks.writing import BEGIN, END, PAGE, written
from lathe.adapters.providers.bitbucket import BitbucketParser
from lathe.domain.build_report import BuildReport
from lathe.domain.rate_limit import admit
from lathe.entrypoints.sample_bodies import event_headers

AT_LEAST = Figure("deliveries ÷ echo", "deliveries", "echo", target=0.4, stretch=0.6)
AT_MOST = Figure("memory", "memory", target=1.05, less=True)


def test_the_median_and_the_ends_of_what_was_measured() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert Spread.of([4.0, 1.0, 2.0, 8.0]).median == 3.0
    with pytest.raises(ValueError, match="nothing was measured"):
        Spread.of([])


def test_a_ratio_is_taken_within_a_round_and_not_of_medians() -> None:
    # The machine was twice as fast in the second round: that moves both, and not the ratio.
    values = {"deliveries": [100.0, 200.0, 90.0], "echo": [200.0, 400.0, 300.0]}
    assert AT_LEAST.spread(values) == Spread(0.5, 0.3, 0.5)
    with pytest.raises(ValueError, match="argument 2"):
        ratios([1.0], [1.0, 2.0])


@pytest.mark.parametrize(
    ("figure", "median", "verdict"),
    [
        (AT_LEAST, 0.399, "NOT MET"),
        (AT_LEAST, 0.4, "met"),
        (AT_LEAST, 0.6, "met, stretch too"),
        (AT_MOST, 1.06, "NOT MET"),
        (AT_MOST, 1.05, "met"),
        (Figure("echo/s", "echo"), 1.0, ""),
    ],
)
def test_a_target_is_met_or_it_is_not(figure: Figure, median: float, verdict: str) -> None:
    assert figure.verdict(median) == verdict


def test_the_table_shows_what_was_measured_and_the_summary_what_is_missed() -> None:
    values = {"deliveries": [30.0, 33.0, 39.0], "echo": [100.0, 100.0, 100.0], "memory": [1.0]}
    shown = rows([AT_LEAST, AT_MOST, Figure("not measured", "nothing")], values)
    assert table(shown).splitlines() == [
        "| figure            | target | stretch | median |   min to max |         |",
        "| ----------------- | -----: | ------: | -----: | -----------: | ------- |",
        "| deliveries ÷ echo |  ≥ 0.4 |     0.6 |   0.33 | 0.30 to 0.39 | NOT MET |",
        "| memory            | ≤ 1.05 |         |   1.00 | 1.00 to 1.00 | met     |",
    ]
    assert summary(shown) == "1 of 2 targets are NOT MET: deliveries ÷ echo."
    assert summary(shown[1:]) == "All 1 targets are met."


@pytest.mark.parametrize(
    ("foreign", "tries", "seconds_left", "again"),
    [(0.05, 1, 60.0, False), (0.06, 1, 60.0, True), (0.06, 3, 60.0, False), (0.06, 1, 0.0, False)],
)
def test_a_cell_is_repeated_while_other_work_disturbs_it(
    foreign: float, tries: int, seconds_left: float, again: bool
) -> None:
    assert must_repeat(foreign, tries, most_tries=3, seconds_left=seconds_left) is again


def test_every_figure_has_a_name_of_its_own() -> None:
    names = [one.name for one in (*figures(), *ABSOLUTE)]
    assert sorted(set(names)) == sorted(names)


def test_an_answer_counts_when_all_of_it_is_there() -> None:
    whole = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX: y\r\n\r\n{}"
    assert [status_of(whole[:size]) for size in (5, len(whole) - 1, len(whole))] == [None, None, 201]
    with pytest.raises(ValueError, match="no answer"):
        status_of(b"SMTP ready\r\n\r\n")


def test_every_body_is_a_build_of_its_own_of_four_to_five_kilobytes() -> None:
    parser, found = BitbucketParser(), []
    for body in bodies(1, 200):
        assert 4000 <= len(body) <= 5000
        report = parser.read(event_headers("repo:commit_status_updated", "1"), body).content
        assert isinstance(report, BuildReport)
        found.append(report.facts)
    assert len({(facts.repo_url, facts.build_number) for facts in found}) == 200
    slugs = [facts.repo_url.slug for facts in found if facts.repo_url]
    unknown = sum(slug.startswith("unknown") for slug in slugs)
    without_release = sum(slug.endswith("9-backend") for slug in slugs)
    assert (unknown, without_release, len(slugs)) == (10, 20, 200)


def test_windows_are_full_and_spent_as_they_say() -> None:
    full, spent = full_window(), spent_window()
    now = full.instants[-1]
    assert sum(full.counts) == len(full.counts) == FULL
    assert admit(full, now, LIMIT).remaining == LIMIT - FULL - 1
    assert not admit(spent, spent.instants[-1] + 59_000_000, LIMIT).admitted


def test_what_people_wrote_on_the_page_stays() -> None:
    page = f"# Why\n\nProse.\n\n{BEGIN}\n\nold\n\n{END}\n\nMore prose.\n"
    once = written(page, "new\n")
    assert once == f"# Why\n\nProse.\n\n{BEGIN}\n\nnew\n\n{END}\n\nMore prose.\n"
    assert written(once, "new") == once
    with pytest.raises(ValueError, match="no marks"):
        written("# Why\n", "new")
    assert written(PAGE.read_text(encoding="utf-8"), "new") != PAGE.read_text(encoding="utf-8")
