"""`lathe report` and a running server: in the jobs of every CI, beside their webhooks, and while the server fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from attrs import frozen

from lathe.adapters.secret_box import create_key_file
from lathe.entrypoints.sample_bodies import commit_status
from tests.pipelines import BITBUCKET, GITHUB, GITLAB, JOBS, REPOSITORIES, SHA
from tests.programs import WITHIN_SECONDS, Ended, Program, lathe, lathe_inside, serving
from tests.relay import Fault, Relay, refusing, relaying

if TYPE_CHECKING:
    pass

REPORTER = (sys.executable, "-m", "lathe_report")


@frozen
class Place:
    """A folder with a database, in which Acme has a project that all the pipelines belong to, and a key."""

    folder: Path
    settings: dict[str, str]
    key: str

    def made(self, *arguments: str) -> dict[str, Any]:
        """Give a command that prints what it made."""
        done = lathe_inside(*arguments, "--json", cwd=self.folder, **self.settings)
        assert done.status == 0, done.err
        made: dict[str, Any] = done.json
        return made

    def builds(self, address: str) -> list[dict[str, Any]]:
        """Return all builds, newest first."""
        answer = httpx2.get(f"{address}/api/v1/builds?limit=200", headers={"Authorization": f"Bearer {self.key}"})
        builds: list[dict[str, Any]] = answer.json()["data"]
        return builds

    def job(self, address: str, environ: dict[str, str]) -> dict[str, str]:
        """Return the environment of a job that may report."""
        return {**environ, "LATHE_URL": address, "LATHE_API_KEY": self.key}


def opened(folder: Path, **settings: str) -> Place:
    """Make the database with all that is in it."""
    assert lathe_inside("migrate", cwd=folder, **settings).status == 0
    place = Place(folder, settings, "")
    place.made("org", "create", "Acme")
    repositories = [part for url in REPOSITORIES for part in ("--repo", url)]
    place.made("project", "create", "Pay API", "--org", "acme", *repositories)
    place.made("release", "create", "2.5", "--project", "pay-api", "--active")
    scopes = ("--scope", "builds:create", "--scope", "builds:read")
    return Place(folder, settings, place.made("key", "create", "CI", "--org", "acme", *scopes)["key"])


def reported(environ: dict[str, str], *arguments: str) -> Ended:
    """Run the reporter alone in a job."""
    done = subprocess.run(
        [*REPORTER, *arguments],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        encoding="utf-8",
        timeout=WITHIN_SECONDS * 2,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, str]]:
    place = opened(tmp_path_factory.mktemp("acme"))
    with serving(cwd=place.folder) as (_, address):
        yield place, address


@pytest.mark.parametrize("source", JOBS)
def test_a_job_of_every_ci_reports_its_build(source: str, running: tuple[Place, str]) -> None:
    place, address = running
    job = place.job(address, JOBS[source])

    dry = lathe("report", "--dry-run", cwd=place.folder, **job)
    done = lathe("report", "--json", cwd=place.folder, **job)
    again = reported(job)

    assert (dry.status, done.status, again.status) == (0, 0, 0)
    answer = done.json
    build = answer["build"]
    assert (answer["status"], build["release"]["name"], build["verified"]) == ("created", "2.5", True)
    sent = {name: value for name, value in dry.json.items() if name != "repo_url"}
    assert {name: build[name] for name in sent} == sent
    assert build["repo_url"] in REPOSITORIES
    assert len([one for one in place.builds(address) if one["source"] == source]) == 1
    assert place.key not in dry.out + dry.err + done.out + done.err + again.out + again.err


def test_a_job_that_reaches_only_this_server_gets_the_reporter_from_it(running: tuple[Place, str]) -> None:
    place, address = running
    job = place.job(address, BITBUCKET | {"BITBUCKET_BUILD_NUMBER": "900"})
    line = 'curl -fsS "$LATHE_URL/report.py" | python3 - --name "Nightly"'

    done = subprocess.run(
        ["sh", "-c", line],
        env={"PATH": os.environ["PATH"], **job},
        capture_output=True,
        encoding="utf-8",
        timeout=WITHIN_SECONDS,
        check=True,
    )

    assert done.stdout == "Filed under Pay API 2.5\n"
    assert place.builds(address)[0]["name"] == "Nightly"
    first = httpx2.get(f"{address}/report.py")
    assert httpx2.get(f"{address}/report.py", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


# --- beside the CI's own webhook --------------------------------------------------------------------------------------


def github_run(**run: Any) -> dict[str, Any]:
    repository = {"id": 41, "full_name": "acme/pay-api", "html_url": "https://github.com/acme/pay-api"}
    about = {"id": 9001, "run_number": 12, "name": "Build & test", "head_branch": "main", "head_sha": SHA}
    ended = {"status": "completed", "conclusion": "success", "updated_at": "2026-03-14T09:26:53Z", "event": "push"}
    return {
        "action": "completed",
        "workflow_run": {**about, **ended, "head_repository": repository, **run},
        "repository": repository,
    }


GITLAB_PIPELINE = {
    "object_kind": "pipeline",
    "object_attributes": {
        "id": 31337,
        "iid": 77,
        "ref": "main",
        "tag": False,
        "sha": SHA,
        "status": "success",
        "finished_at": "2026-03-14 09:26:53 UTC",
    },
    "project": {"id": 7, "path_with_namespace": "acme/pay-api", "web_url": "https://gitlab.com/acme/pay-api"},
}


def github_request(folder: Path) -> dict[str, str]:
    """Return the environment of the run of a pull request, whose GITHUB_SHA is a merge."""
    head = {"sha": SHA, "repo": {"full_name": "acme/pay-api", "owner": {"login": "acme"}}}
    file = folder / "event.json"
    file.write_text(json.dumps({"pull_request": {"head": head}}), encoding="utf-8")
    request = {"GITHUB_HEAD_REF": "retry", "GITHUB_REF": "refs/pull/7/merge", "GITHUB_SHA": "0" * 40}
    return GITHUB | request | {"GITHUB_EVENT_PATH": str(file)}


def pairs(folder: Path) -> Iterator[tuple[str, dict[str, Any], dict[str, str]]]:
    """Return what the webhook and what the job say of the same builds."""
    status = commit_status(repository="acme/pay-api", number=482, branch="main", commit=SHA)
    yield "bitbucket", status, BITBUCKET
    yield "bitbucket", status, BITBUCKET | {"BITBUCKET_COMMIT": SHA[:12]}
    yield "github", github_run(), GITHUB
    yield "github", github_run(event="pull_request", head_branch="retry"), github_request(folder)
    yield "gitlab", GITLAB_PIPELINE, GITLAB


@pytest.mark.parametrize("webhook_first", [True, False])
@pytest.mark.parametrize("which", range(5))
def test_a_webhook_and_a_reporter_of_one_pipeline_are_one_build(
    which: int, *, webhook_first: bool, running: tuple[Place, str]
) -> None:
    place, address = running
    provider, body, environ = list(pairs(place.folder))[which]
    organization = f"{provider} {which} {webhook_first}"
    place.made("org", "create", organization)
    slug = organization.lower().replace(" ", "-")
    repositories = [part for url in REPOSITORIES for part in ("--repo", url)]
    place.made("project", "create", f"Pay {slug}", "--org", slug, *repositories)
    place.made("release", "create", "2.5", "--project", f"pay-{slug}", "--active")
    scopes = ("--scope", "builds:create", "--scope", "builds:read")
    there = Place(place.folder, {}, place.made("key", "create", "CI", "--org", slug, *scopes)["key"])
    hook = there.made("hook", "create", provider, "--org", slug)["id"]
    file = place.folder / "body.json"
    file.write_text(json.dumps(body), encoding="utf-8")

    def send() -> dict[str, Any]:
        there.settings["LATHE_URL"] = address
        return there.made("send", str(file), "--provider", provider, "--hook", hook)

    def report() -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(reported(there.job(address, environ), "--json").out)
        return answer

    first, second = (send(), report()) if webhook_first else (report(), send())

    (build,) = there.builds(address)
    assert (first["status"], second["status"]) == ("created", "duplicate")
    assert first["build"]["id"] == second["build"]["id"] == build["id"]


# --- while the server fails -------------------------------------------------------------------------------------------


class Killing:
    """Kills a server, with all its processes, at one moment of a request."""

    def __init__(self, moment: str) -> None:
        self.moment = moment
        self.program: Program | None = None
        self.killed = Event()

    def __call__(self, relay: Relay, request: bytes) -> bytes:
        assert self.program is not None
        if self.moment == "answered":
            assert b" 201 " in relay.forward(request)
            self._kill(relay)
        else:
            with relay.connected() as upstream:
                upstream.sendall(request if self.moment == "sent" else request[:-20])
                self._kill(relay)
        return b""

    def _kill(self, relay: Relay) -> None:
        assert self.program is not None
        relay.target = None
        os.killpg(self.program.process.pid, signal.SIGKILL)
        self.program.process.wait(WITHIN_SECONDS)
        self.killed.set()


NUMBERED: tuple[dict[str, str], list[str]] = (BITBUCKET, [])
NAMELESS: tuple[dict[str, str], list[str]] = (
    {},
    ["--name", "Nightly", "--repo-url", "https://bitbucket.org/acme/pay-api", "--branch", "main"],
)
"""A build that has neither number nor commit nor page: nothing but the reporter's key tells that it was sent twice."""


@pytest.mark.parametrize("job", [NUMBERED, NAMELESS], ids=["numbered", "nameless"])
@pytest.mark.parametrize("moment", ["half sent", "sent", "answered"])
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_server_killed_amid_a_report_has_exactly_one_build_afterwards(
    database: str,
    moment: str,
    job: tuple[dict[str, str], list[str]],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    settings: dict[str, str] = {}
    if database == "postgresql":
        create_key_file(tmp_path / "lathe.key")
        url = request.getfixturevalue("postgres_url")
        settings = {"LATHE_DATABASE_URL": url, "LATHE_SECRET_KEY_FILE": str(tmp_path / "lathe.key")}
    place, killing = opened(tmp_path, **settings), Killing(moment)
    with ExitStack() as stack:
        relay = stack.enter_context(relaying(None, killing))
        killing.program, relay.target = stack.enter_context(serving(cwd=tmp_path, **settings))
        environ, arguments = job
        reporter = subprocess.Popen(
            [*REPORTER, *arguments],
            env={"PATH": os.environ["PATH"], **place.job(relay.address, environ)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        assert killing.killed.wait(WITHIN_SECONDS)
        _, relay.target = stack.enter_context(serving(cwd=tmp_path, **settings))
        out, err = reporter.communicate(timeout=WITHIN_SECONDS)

        assert reporter.returncode == 0, err
        (build,) = place.builds(relay.target)
        assert build["build_number"] == environ.get("BITBUCKET_BUILD_NUMBER")
        assert out == "Filed under Pay API 2.5\n"
        assert "trying again" in err
        assert len(relay.requests) >= 2
        assert {one.partition(b"\r\n\r\n")[2] for one in relay.requests} == {
            relay.requests[0].partition(b"\r\n\r\n")[2]
        }


FLAKY: list[Fault] = [refusing(429, 1), refusing(503, 1), lambda _relay, _request: b""]


def test_a_server_that_is_busy_is_left_alone_for_as_long_as_it_asks(running: tuple[Place, str]) -> None:
    place, address = running
    with relaying(address, *FLAKY) as relay:
        done = reported(place.job(relay.address, BITBUCKET | {"BITBUCKET_BUILD_NUMBER": "901"}))

    assert (done.status, done.out) == (0, "Filed under Pay API 2.5\n")
    assert [line.partition(";")[0] for line in done.err.splitlines()[1:3]] == [
        "the server answered 429",
        "the server answered 503",
    ]
    assert len(relay.requests) == 4


def test_a_failed_build_that_succeeds_when_it_is_run_again_is_filed_then(running: tuple[Place, str]) -> None:
    place, address = running
    job = place.job(address, BITBUCKET | {"BITBUCKET_BUILD_NUMBER": "902"})

    failed = reported(job | {"BITBUCKET_EXIT_CODE": "1"})
    succeeded = reported(job | {"BITBUCKET_STEP_UUID": "{another}"})

    assert failed.out.startswith("Nothing to file, build_not_successful")
    assert succeeded.out == "Filed under Pay API 2.5\n"


def test_a_pipeline_need_not_fail_because_the_server_is_away(running: tuple[Place, str]) -> None:
    place, _ = running
    job = place.job("http://127.0.0.1:1", BITBUCKET)

    done = lathe("report", "--max-time", "0", cwd=place.folder, **job)
    allowed = lathe("report", "--max-time", "0", "--allow-failure", cwd=place.folder, **job)
    misused = lathe("report", cwd=place.folder, **(job | {"LATHE_URL": "nowhere"}))

    assert (done.status, allowed.status, misused.status) == (1, 0, 2)
    assert done.err.splitlines()[-1].startswith("lathe: no connection to the server")
    assert "the pipeline goes on: no connection" in allowed.err
    assert misused.err.endswith("(see lathe report --help)\n")
