"""The body of a report, and the key that makes sending it twice harmless."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lathe.adapters.http.reports import read_report
from lathe.domain.build_report import BuildReport
from lathe_report.report import FIELDS, Failure, Misuse, made
from tests.pipelines import BITBUCKET, GITHUB, GITLAB, JENKINS, JOBS


def fields(environ: dict[str, str], **given: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(made(environ, given).body)
    return read


@pytest.mark.parametrize("source", JOBS)
def test_the_server_takes_every_report_as_it_is(source: str) -> None:
    read = read_report(made(JOBS[source], {}).body).content

    assert isinstance(read, BuildReport)
    assert read.facts.source == source
    assert read.facts.repo_url is not None


def test_what_is_given_replaces_what_the_ci_tells_and_blanks_replace_nothing() -> None:
    given = fields(BITBUCKET, name="Nightly", status="FAILURE", branch=" ")

    assert (given["name"], given["status"], given["branch"]) == ("Nightly", "failed", "main")


def test_of_branch_and_tag_the_one_that_is_given_counts_alone() -> None:
    assert {"branch", "tag"} & fields(BITBUCKET, tag="v1").keys() == {"tag"}
    assert {"branch", "tag"} & fields(BITBUCKET | {"BITBUCKET_TAG": "v1"}, branch="x").keys() == {"branch"}
    assert {"branch", "tag"} & fields(BITBUCKET, branch="x", tag="v1").keys() == {"branch", "tag"}


def test_without_a_ci_a_build_is_what_is_given() -> None:
    assert fields({}, name="Build 7", branch="main") == {
        "name": "Build 7",
        "status": "successful",
        "branch": "main",
        "source": "api",
    }
    with pytest.raises(Misuse, match="--name"):
        made({}, {"branch": "main"})


def test_a_result_that_nobody_knows_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(Failure, match="'purple' is no result of a build: say successful, failed or stopped"):
        made(BITBUCKET, {"status": "purple"})


def test_no_token_in_an_address_is_ever_sent() -> None:
    sent = made({**GITLAB, "CI_PROJECT_URL": "", "CI_COMMIT_BRANCH": "https://u:pw@h/x"}, {"name": "a http://k@h b"})

    assert b"secret" not in sent.body
    assert b"@" not in sent.body
    assert "secret" not in sent.summary
    assert b"ghp_" not in made(JENKINS, {}).body


def test_what_the_server_would_not_keep_is_cut_or_left_out() -> None:
    long = fields(
        GITHUB,
        name="n" * 300,
        branch="b" * 256,
        commit_sha="c" * 65,
        run_id="r" * 300,
        url="ftp://x",
        author="a\x00\nb\udcff",
    )

    assert long["name"] == "n" * 254 + "…"
    assert {"branch", "commit_sha", "url"} & long.keys() == set()
    assert len(long["run_id"]) == 64
    assert long["author"] == "a  b?"
    assert isinstance(read_report(json.dumps(long).encode()).content, BuildReport)


def test_the_key_is_the_same_for_the_same_try_of_a_run_and_another_for_anything_else() -> None:
    first, again = made(GITHUB, {}), made(GITHUB, {})
    others = {
        made(GITHUB | {"GITHUB_RUN_ATTEMPT": "2"}, {}).key,
        made(GITHUB | {"GITHUB_JOB": "deploy"}, {}).key,
        made(GITHUB, {"status": "failed"}).key,
        made({}, {"name": "x"}).key,
    }

    assert first == again
    assert len(first.key) <= 255
    assert len(others | {first.key}) == 5


def test_where_no_ci_tells_of_a_try_each_run_of_the_reporter_is_one() -> None:
    assert made({}, {"name": "Nightly"}, "one").key != made({}, {"name": "Nightly"}, "two").key
    assert made(GITHUB, {}, "one").key == made(GITHUB, {}, "two").key


def test_the_fields_are_those_of_the_api() -> None:
    body = dict.fromkeys(FIELDS, "x") | {"status": "failed", "repo_url": "https://h/a/b", "url": "https://h"}
    ids = dict.fromkeys(("project_id", "release_id"), "01990a3c-7f6e-7d51-9f53-6a5d6c2f8b1e")

    assert isinstance(read_report(json.dumps(body | ids).encode()).content, BuildReport)


def test_the_text_is_for_people() -> None:
    assert '"name": "Größe"' in made({}, {"name": "Größe"}).text
