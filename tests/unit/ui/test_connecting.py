"""What is copied into a CI's own file: the scripts run in a shell. That a server files what they report, and what the
reporter makes of each CI, is shown where there is a server."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest
import yaml  # type: ignore[import-untyped]

from lathe.adapters.http.reports import read_report
from lathe.adapters.ui.ci import FETCH, Ci
from lathe.adapters.ui.connecting import CIS
from lathe.adapters.ui.natives import SENDERS
from lathe.domain.build_report import BuildFacts, BuildReport
from lathe.domain.repo_url import RepoUrl
from lathe.entrypoints.compose import PARSERS
from tests.answering import Reply, answering
from tests.guides import steps_in

ADDRESS = "https://lathe.example"
SHA = "4be1a0c93d5f7e2286b0c4d9a1f3e5577c8d9e01"

CURL = """#!/bin/sh
printf '%s\\n' "$@" > "$TOLD/arguments"
cat > "$TOLD/body"
[ -z "$CURL_FAILS" ] || echo "curl: ($CURL_FAILS) away" >&2
exit ${CURL_FAILS:-0}
"""

GIT = f"""#!/bin/sh
case "$*" in "rev-parse HEAD") echo {SHA} ;; "remote get-url origin") echo git@bitbucket.org:acme/pay-api.git ;; esac
"""

ALONE: Final = [ci.slug for ci in CIS if not ci.fetches]
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def ci_named(slug: str) -> Ci:
    return next(ci for ci in CIS if ci.slug == slug)


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A folder in which curl leaves what it was told."""
    for name, text in (("curl", CURL), ("git", GIT)):
        program = tmp_path / name
        program.write_text(text)
        program.chmod(0o755)
    return tmp_path


def run(
    script: str, told: Path, environment: Mapping[str, str] = NOTHING, shell: tuple[str, ...] = ("sh", "-e")
) -> subprocess.CompletedProcess[str]:
    found = {"PATH": f"{told}:{os.environ['PATH']}", "TOLD": str(told), "LATHE_API_KEY": "pt_live_sample"}
    return subprocess.run(
        [*shell, "-c", script], env={**found, **environment}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("branch", ["main", 'odd"name\\'])
@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("slug", ALONE)
def test_curl_alone_reports_a_build_with_all_its_facts(slug: str, shell: str, branch: str, told: Path) -> None:
    script = ci_named(slug).snippet(ADDRESS).replace("BRANCH=main", f"BRANCH='{branch}'")

    done = run(script, told, shell=(shell, "-e"))

    assert (done.returncode, done.stderr) == (0, "")
    arguments = (told / "arguments").read_text().splitlines()
    assert "Authorization: Bearer pt_live_sample" in arguments
    assert arguments[-1] == f"{ADDRESS}/api/v1/builds"
    content = read_report((told / "body").read_bytes()).content
    assert isinstance(content, BuildReport), content
    url = RepoUrl.parse("https://bitbucket.org/acme/pay-api")
    about = BuildFacts(source="api", name="Build #123", build_number="123", repo_url=url, commit_sha=SHA, branch=branch)
    assert content.facts == about


def test_a_fact_that_is_blank_is_left_out(told: Path) -> None:
    run(ci_named("other").snippet(ADDRESS).replace("BRANCH=main", "BRANCH="), told)

    assert "branch" not in json.loads((told / "body").read_text())


@pytest.mark.parametrize("ci", CIS, ids=lambda ci: ci.slug)
def test_a_server_that_is_away_fails_no_build_and_the_log_says_so(ci: Ci, told: Path) -> None:
    scripts = [step.script for step in steps_in(ci.snippet(ADDRESS))] if ci.fetches else [ci.snippet(ADDRESS)]
    shell = ("bash", "-e", "-o", "pipefail") if ci.source in ("gitlab", "circleci") else ("sh", "-e")
    for script in scripts:
        filled_in = script.replace("${{ job.status }}", "success")
        done = run(filled_in, told, {"CURL_FAILS": "22", "RESULT": "success"}, shell)
        assert (done.returncode, done.stderr) == (0, "curl: (22) away\n")


@pytest.mark.parametrize("ci", [ci for ci in CIS if ci.fetches], ids=lambda ci: ci.slug)
def test_the_reporter_is_fetched_from_this_server_and_cannot_fail_a_pipeline(ci: Ci) -> None:
    for step in steps_in(ci.snippet(ADDRESS)):
        assert FETCH in step.script
        assert "--allow-failure" in step.script
        assert step.environ.get("LATHE_URL", ADDRESS) == ADDRESS
    assert ADDRESS in ci.snippet(ADDRESS)


def test_the_page_of_a_redirection_is_not_run() -> None:
    """As a proxy answers that wants https; the program is curl's own here."""
    with answering(Reply(301, b"<html>Moved", {"Location": "https://elsewhere.invalid/report.py"})) as server:
        done = subprocess.run(
            ["sh", "-c", f"{FETCH} | python3 - --allow-failure"],
            env={"PATH": os.environ["PATH"], "LATHE_URL": server.address},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout) == (0, "")
    assert "redirects" in done.stderr


def test_a_failed_pipeline_is_reported_by_a_step_of_its_own_where_the_ci_wants_that() -> None:
    job = yaml.safe_load(ci_named("gitlab").snippet(ADDRESS))["tell-lathe-of-failure"]
    assert (job["extends"], job["when"], job["variables"]["RESULT"]) == ("tell-lathe", "on_failure", "failed")
    *_, step = yaml.safe_load(ci_named("circleci").snippet(ADDRESS))["jobs"]["build"]["steps"]
    assert step["run"]["when"] == "on_fail"
    assert "--status failed" in step["run"]["command"]


def test_circleci_would_read_two_angle_brackets_as_its_own() -> None:
    assert "<<" not in ci_named("circleci").snippet(ADDRESS)


def test_a_native_webhook_is_offered_only_where_one_is_taken() -> None:
    assert {ci.native.provider for ci in CIS if ci.native} == set(PARSERS) == set(SENDERS)
    slugs = {ci.slug: ci.native.provider for ci in CIS if ci.native}
    assert all(slugs[sender.slug] is provider for provider, sender in SENDERS.items())
