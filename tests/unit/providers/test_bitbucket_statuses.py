"""Build statuses of Bitbucket Cloud, fact by fact."""

from __future__ import annotations

from typing import Any

import pytest

from lathe.domain.build_report import BuildStatus
from lathe.domain.steps import ReasonCode
from lathe.entrypoints.sample_bodies import commit_status
from tests.unit.providers.bitbucket_reading import COMMIT, UUID, reason_of, report_of

WORKSPACE, REPOSITORY = "4220c54a-f6db-5df6-8f71-d1c70e7fcff1", "ac390fd8-97d5-505d-b87f-d66630511923"


def status_with(**changes: Any) -> dict[str, Any]:
    """A build status; of the fields in ``changes``, those that are ``...`` are missing."""
    body = commit_status(repository="acme/pay-api", number=8, branch="main")
    body["commit_status"].update(changes)
    body["commit_status"] = {key: value for key, value in body["commit_status"].items() if value is not ...}
    return body


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("INPROGRESS", BuildStatus.IN_PROGRESS),
        ("SUCCESSFUL", BuildStatus.SUCCESSFUL),
        ("FAILED", BuildStatus.FAILED),
        ("STOPPED", BuildStatus.STOPPED),
        ("successful", BuildStatus.SUCCESSFUL),
    ],
)
def test_the_state_is_the_status_and_only_a_finished_build_has_an_end(state: str, status: BuildStatus) -> None:
    report = report_of(status_with(state=state))
    assert report.facts.status is status
    assert report.updated_at is not None
    assert report.facts.finished_at == (None if state == "INPROGRESS" else report.updated_at)


def test_a_state_that_nobody_knows_is_ignored_by_name() -> None:
    reason = reason_of(status_with(state="PAUSED\n" + "x" * 100))
    assert reason.code is ReasonCode.BUILD_NOT_SUCCESSFUL
    assert "“PAUSED xxx" in reason.detail
    assert len(reason.detail) < 200


@pytest.mark.parametrize(
    ("body", "lacks"),
    [
        (status_with(state=None), "lacks a state"),
        (status_with(state=7), "lacks a state"),
        ({"commit_status": {"state": "FAILED"}}, "lacks a repository"),
        ({"commit_status": None, "repository": []}, "lacks a state and a repository"),
        ({"commit_status": {}, "repository": {"full_name": "acme", "uuid": "{1-2}"}}, "lacks a state and a repository"),
    ],
)
def test_a_status_without_state_or_repository_says_what_it_lacks(body: object, lacks: str) -> None:
    reason = reason_of(body)
    assert reason.code is ReasonCode.FACTS_MISSING
    assert reason.detail.endswith(lacks)


@pytest.mark.parametrize(
    ("url", "number"),
    [
        ("https://bitbucket.org/acme/pay-api/addon/pipelines/home#!/results/8", "8"),
        ("https://bitbucket.org/acme/pay-api/addon/pipelines/home?tab=all#!/results/8/steps/%7Ba%7D", "8"),
        ("https://bitbucket.org/acme/pay-api/pipelines/results/8", "8"),
        ("https://bitbucket.org/acme/pay-api/pipelines/results/8/", "8"),
        ("https://bitbucket.org/acme/pay-api/pipelines/results/8?x=9", "8"),
        ("https://bitbucket.org/acme/pay-api/pipelines/results/8#step", "8"),
        ("https://ci.example/job/pay-api/42/", "42"),
        ("https://ci.example/jenkins/job/acme/job/pay-api/job/main/42/console", "42"),
        ("https://ci.example/job/2024/job/7/", None),
        ("https://ci.example/blue/organizations/jenkins/acme%2Fpay-api/detail/release%2F2.5/42/pipeline", "42"),
        ("https://bitbucket.org/acme/pay-api/pipelines/results/08", None),
        ("https://bitbucket.org/acme/pay-api/pipelines/results/8x", None),
        ("https://bitbucket.org/acme/pay-api/pipelines/results/" + "9" * 19, None),
        ("https://bitbucket.org/acme/pay-api/pull-requests/12", None),
        ("https://sonar.example/dashboard?id=77", None),
        ("https://checks.example/2026/02/03", None),
        ("ftp://ci.example/job/pay-api/42/", None),
        (None, None),
        (8, None),
    ],
)
def test_the_link_tells_the_number_in_known_shapes_only(url: object, number: str | None) -> None:
    assert report_of(status_with(url=url, name="Checks")).facts.build_number == number


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("Pipeline #8 for main", "8"),
        ("Build #42", "42"),
        ("Nightly build #42 (main)", "42"),
        ("pay-api » main #42", "42"),
        ("#42", "42"),
        ("Checks of PR #12", None),
        ("Pull request #12", None),
        ("Checks for issue #12", None),
        ("fixes #12 and more", None),
        ("Pipeline #0 for main", None),
        ("Release 2.5", None),
        ("Build 2026-02-03", None),
    ],
)
def test_the_name_tells_the_number_where_the_link_does_not(name: str, number: str | None) -> None:
    assert report_of(status_with(url="https://ci.example/", name=name)).facts.build_number == number


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("https://bitbucket.org/acme/pay-api/addon/pipelines/home#!/results/8", True),
        ("https://bitbucket.org/acme/pay-api/pipelines/results/8/steps/1", True),
        ("HTTP://BitBucket.org:8443/Acme/PAY-API/pipelines/results/8", True),
        (f"https://bitbucket.org/%7B{WORKSPACE}%7D/%7B{REPOSITORY}%7D/pipelines/results/8", True),
        (f"https://bitbucket.org/%7b{WORKSPACE}%7d/%7b{REPOSITORY.upper()}%7d/pipelines/results/8", True),
        (f"https://bitbucket.org/acme/{{{REPOSITORY}}}/addon/pipelines/home#!/results/8", True),
        (None, True),
        (..., True),
        (f"https://bitbucket.org/%7B{REPOSITORY}%7D/%7B{WORKSPACE}%7D/pipelines/results/8", False),
        ("https://bitbucket.org/acme/pay-web/pipelines/results/8", False),
        ("https://bitbucket.org/evil/pay-api/pipelines/results/8", False),
        ("https://bitbucket.org/acme/pay-api/src/main/pipelines/results/8", False),
        ("https://bitbucket.org/acme/pay-api/downloads?see=/pipelines/results/8", False),
        ("https://bitbucket.org/acme/pay-api#/pipelines/results/8", False),
        ("https://bitbucket.org/pipelines/results/8", False),
        ("https://bitbucket.org.evil.test/acme/pay-api/pipelines/results/8", False),
        ("https://evil.test/acme/pay-api/pipelines/results/8", False),
        ("https://evil.test/bitbucket.org/acme/pay-api/pipelines/results/8", False),
        ("https://evil.test?@bitbucket.org/acme/pay-api/pipelines/results/8", False),
        ("https://bitbucket.org@evil.test/acme/pay-api/pipelines/results/8", False),
        ("https://bitbucket.org:443@evil.test/acme/pay-api/pipelines/results/8", False),
        ("ftp://evil.test/acme/pay-api/pipelines/results/8", False),
    ],
)
def test_only_pipelines_own_address_below_this_repository_speaks_for_its_numbers(url: object, own: bool) -> None:
    body = status_with(url=url, key="OTHER-CI")
    body["repository"]["uuid"] = f"{{{REPOSITORY}}}"
    report = report_of(body)
    assert report.facts.build_number == "8"
    assert report.status_key == (None if own else "OTHER-CI")


def test_an_address_by_uuids_is_foreign_where_the_repositorys_own_is_unknown() -> None:
    body = status_with(url=f"https://bitbucket.org/%7B{WORKSPACE}%7D/%7B{REPOSITORY}%7D/pipelines/results/8", key="k")
    del body["repository"]["uuid"]
    assert report_of(body).status_key == "k"


def test_the_link_is_believed_before_the_name() -> None:
    assert report_of(status_with(name="Pipeline #9 for main")).facts.build_number == "8"


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"name": "  Nightly\tbuild "}, "Nightly build"),
        ({"name": "x" * 300}, "x" * 254 + "…"),
        ({"name": None}, "Build #8"),
        ({"name": ..., "url": ...}, "3343801"),
        ({"name": "", "url": None, "key": None}, "Build"),
        ({"name": "\x01", "url": None}, "Build"),
    ],
)
def test_every_build_has_a_name_that_can_be_kept(changes: dict[str, Any], name: str) -> None:
    assert report_of(status_with(**changes)).facts.name == name


@pytest.mark.parametrize(
    ("ref", "branch", "tag"),
    [
        ("release/2.5", "release/2.5", None),
        ("refs/heads/release/2.5", "release/2.5", None),
        ("refs/tags/v2.5", None, "v2.5"),
        ("refs/heads/", None, None),
        ("refs/tags/", None, None),
        ("x" * 255, "x" * 255, None),
        ("x" * 256, None, None),
        ("a\x7fb", None, None),
        (None, None, None),
        (..., None, None),
        (["main"], None, None),
    ],
)
def test_the_ref_is_a_branch_unless_it_says_tag(ref: object, branch: str | None, tag: str | None) -> None:
    facts = report_of(status_with(refname=ref)).facts
    assert (facts.branch, facts.tag) == (branch, tag)


@pytest.mark.parametrize(
    ("commit", "links", "sha"),
    [
        ({"hash": COMMIT}, {}, COMMIT),
        ({"hash": "x" * 65}, {}, None),
        ({"hash": "not a commit"}, {"commit": {"href": f"https://api.bitbucket.org/x/commit/{COMMIT}"}}, COMMIT),
        ({}, {"commit": {"href": f"https://api.bitbucket.org/x/commit/{COMMIT}/statuses"}}, COMMIT),
        (None, {"commit": {"href": f"https://bitbucket.org/acme/pay-api/commits/{COMMIT}?at=main"}}, COMMIT),
        (..., {"commit": {"href": "https://bitbucket.org/acme/pay-api/commits/main"}}, None),
        (..., None, None),
    ],
)
def test_the_commit_is_in_its_hash_or_in_older_shapes_in_a_link(commit: object, links: object, sha: str | None) -> None:
    assert report_of(status_with(commit=commit, links=links)).facts.commit_sha == sha


@pytest.mark.parametrize(
    ("author", "actor", "name"),
    [
        ({"user": {"display_name": "Mira Holm"}, "raw": "mh <m@example.com>"}, {"type": "user"}, "Mira Holm"),
        ({"user": None, "raw": "Mira Holm <m@example.com>"}, None, "Mira Holm"),
        ({"raw": "Mira Holm"}, None, "Mira Holm"),
        ({"raw": "<m@example.com>"}, {"type": "user", "display_name": "Jo"}, "Jo"),
        (None, {"type": "user", "display_name": "Jo\n" + "x" * 300}, "Jo " + "x" * 251 + "…"),
        (None, {"type": "team", "display_name": "Acme"}, None),
        (None, {"type": "workspace", "display_name": "Acme"}, None),
        (None, {"type": "user"}, None),
        (None, None, None),
    ],
)
def test_the_author_wrote_the_commit_or_else_acted_and_is_no_workspace(
    author: object, actor: object, name: str | None
) -> None:
    body = status_with(commit={"hash": COMMIT, "author": author})
    assert report_of(body | {"actor": actor}).facts.author == name


@pytest.mark.parametrize("time", ["yesterday", "2026-02-03T10:00:00", 1770127544, None, ...])
def test_a_status_without_a_readable_time_is_still_a_report(time: object) -> None:
    report = report_of(status_with(updated_on=time))
    assert (report.updated_at, report.facts.finished_at) == (None, None)


@pytest.mark.parametrize(
    ("repository", "key", "uuid"),
    [
        (
            {"links": {"html": {"href": "https://x:t@bitbucket.org/Acme/Pay-API.git"}}},
            "bitbucket.org/acme/pay-api",
            None,
        ),
        ({"links": {"html": None}, "full_name": "acme/pay-api"}, "bitbucket.org/acme/pay-api", None),
        (
            {"links": {"html": {"href": "https://bitbucket.org/%7Ba%7D/%7Bb%7D"}}, "full_name": "acme/pay-api"},
            "bitbucket.org/acme/pay-api",
            None,
        ),
        ({"uuid": "{0B9E1F64-3C0A-4F5D-9D5E-6A1C2B7F8E90}"}, None, UUID),
        ({"uuid": "0b9e1f64-3c0a-4f5d-9d5e-6a1c2b7f8e90"}, None, UUID),
        ({"full_name": "acme/pay-api", "uuid": "{nonsense}"}, "bitbucket.org/acme/pay-api", None),
    ],
)
def test_the_repository_is_known_by_address_or_uuid(repository: object, key: str | None, uuid: str | None) -> None:
    other = {"repository": {"full_name": "acme/other", "uuid": "{11111111-2222-3333-4444-555555555555}"}}
    for body in (
        {"repository": repository, "commit_status": {"state": "FAILED"} | other},
        {"repository": {"full_name": None}, "commit_status": {"state": "FAILED", "repository": repository}},
    ):
        report = report_of(body)
        assert (report.facts.repo_url and report.facts.repo_url.key, report.repository_uuid) == (key, uuid)
