"""What the reporter is asked, what it sends, what it says, and how it ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from lathe_report.__main__ import main
from tests.answering import Answering, Reply, answering
from tests.pipelines import BITBUCKET

KEY = "pt_live_" + "k3Y" * 12 + "ab"


@frozen
class Ended:
    """How a run of the reporter ended."""

    status: int
    out: str
    err: str


class Runs:
    """Runs the reporter in the environment of a job."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys

    def __call__(self, *arguments: str, **environ: str) -> Ended:
        with self.monkeypatch.context() as patch:
            for name, value in {"LATHE_API_KEY": KEY, **BITBUCKET, **environ}.items():
                patch.setenv(name, value)
            status = main(arguments)
        captured = self.capsys.readouterr()
        return Ended(status, captured.out, captured.err)


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runs:
    return Runs(monkeypatch, capsys)


def answer(code_of_http: int, /, **fields: Any) -> Reply:
    return Reply(code_of_http, json.dumps(fields).encode())


def only(server: Answering) -> Any:
    (asked,) = server.asked
    return asked


def test_a_build_is_sent_with_the_key_and_an_idempotency_key(report: Runs) -> None:
    with answering() as server:
        done = report(LATHE_URL=f" {server.address}/ ", LATHE_API_KEY=f"{KEY}\n")

    asked = only(server)
    assert (done.status, done.out) == (0, "Filed as build 01990a3c\n")
    assert done.err == ("Bitbucket Pipelines: Pipeline #482, successful, on main, https://bitbucket.org/acme/pay-api\n")
    assert asked.path == "/api/v1/builds"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["idempotency-key"].startswith("report-")
    assert json.loads(asked.body)["build_number"] == "482"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            answer(201, status="created", build={"id": "1", "project": {"name": "Pay"}, "release": {"name": "2.5"}}),
            "Filed under Pay 2.5",
        ),
        (
            answer(202, status="queued", queue_entry={"reason": {"code": "no_project_match"}}),
            "Waits in the Build Queue, no_project_match",
        ),
        (answer(200, status="duplicate", build={"id": "1"}), "Known already as build 1"),
        (answer(200, status="duplicate", queue_entry={"id": "1"}), "Known already, it waits in the Build Queue"),
        (
            answer(200, status="ignored", reason={"code": "build_not_successful", "detail": "It\nfailed"}),
            "Nothing to file, build_not_successful: It failed",
        ),
        (answer(201, status="created", build="1"), "Filed as build None"),
        (answer(201, status="created", build={"id": "1", "project": "Pay", "release": []}), "Filed as build 1"),
        (answer(202, status="queued", queue_entry=["1"]), "Waits in the Build Queue,"),
        (answer(200, status="ignored", reason="why"), "Nothing to file,"),
    ],
)
def test_what_became_of_it_is_one_line(report: Runs, reply: Reply, words: str) -> None:
    with answering(reply) as server:
        done = report(LATHE_URL=server.address)

    assert (done.status, done.out) == (0, f"{words}\n")


def test_programs_get_the_answer_as_it_is(report: Runs) -> None:
    with answering(answer(200, status="duplicate", build={"id": "1"})) as server:
        done = report("--json", LATHE_URL=server.address)

    assert json.loads(done.out) == {"status": "duplicate", "build": {"id": "1"}}


def test_a_dry_run_needs_no_server_and_sends_nothing(report: Runs) -> None:
    with answering() as server:
        done = report("--dry-run", "--status", "cancelled", LATHE_URL=server.address, LATHE_API_KEY="")

    assert server.asked == []
    assert json.loads(done.out)["status"] == "stopped"
    assert "nothing was" in done.err


REFUSED = [
    (answer(401, code="unauthenticated", detail="No."), "the server does not know this LATHE_API_KEY"),
    (answer(403, code="insufficient_scope", detail="No."), "it lacks the scope builds:create"),
    (
        answer(422, code="invalid", detail="No.", errors=[{"pointer": "/branch", "detail": "is too long"}]),
        "the server refused the report (422): /branch is too long",
    ),
    (answer(413, code="too_large", detail="It is too large."), "the server refused the report (413): It is too large."),
    (Reply(404, b"<html>nginx</html>"), "404 is no answer of Lathe: is LATHE_URL the address of the server?"),
    (Reply(200, b"[]"), "200 is no answer of Lathe"),
    (Reply(301, headers={"Location": "https://u:pw@lathe.corp/x"}), "leads elsewhere to https://lathe.corp: set it"),
    (Reply(302), "LATHE_URL leads elsewhere: set it"),
    (Reply(302, headers={"Location": "http://[elsewhere"}), "LATHE_URL leads elsewhere: set it"),
    (answer(200, status="ok"), "200 is no answer of Lathe"),
    (answer(200, status=["created"]), "200 is no answer of Lathe"),
    (Reply(200, b"[" * 100_000), "200 is no answer of Lathe"),
    (answer(422, code="x", detail="No.", errors={"branch": "long"}), "the server refused the report (422): No."),
    (answer(422, code="x", errors=["too long"]), "the server refused the report (422): None None"),
]


@pytest.mark.parametrize(("reply", "words"), REFUSED)
def test_a_refusal_is_one_line_and_fails_the_pipeline_unless_that_is_allowed(
    report: Runs, reply: Reply, words: str
) -> None:
    with answering(reply) as server:
        done = report(LATHE_URL=server.address)
        allowed = report("--allow-failure", LATHE_URL=server.address)

    (line,) = [line for line in done.err.splitlines() if line.startswith("lathe-report: ")]
    assert words in line
    assert (done.status, done.out, allowed.status, allowed.out) == (1, "", 0, "")
    assert f"Not reported, and the pipeline goes on: {line.partition(': ')[2]}\n" in allowed.err
    assert "pw@" not in done.err


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"LATHE_URL": ""}, "LATHE_URL is not set"),
        ({"LATHE_URL": "lathe.corp"}, "must begin with https:// or http://"),
        ({"LATHE_URL": "ftp://lathe.corp"}, "must begin with https:// or http://"),
        ({"LATHE_URL": "https://"}, "must begin with https:// or http://"),
        ({"LATHE_URL": "https://[lathe"}, "LATHE_URL is no address"),
        ({"LATHE_URL": "https://lathe.corp:99999"}, "LATHE_URL is no address"),
        ({"LATHE_URL": "https://ada:hunter2@lathe.corp"}, "without user, password"),
        ({"LATHE_URL": "https://lathe.corp/?org=acme"}, "alone"),
        ({"LATHE_URL": "https://lathe.corp#x"}, "alone"),
        ({"LATHE_URL": "https://lathe.corp/a b"}, "alone"),
        ({"LATHE_API_KEY": ""}, "LATHE_API_KEY is not set"),
        ({"LATHE_API_KEY": "$(LATHE_API_KEY)"}, "LATHE_API_KEY holds no API key"),
        ({"LATHE_API_KEY": "hunter2hunter2"}, "LATHE_API_KEY holds no API key"),
    ],
)
def test_what_is_set_wrongly_is_one_line_that_repeats_no_secret(
    report: Runs, environ: dict[str, str], words: str
) -> None:
    done = report(**{"LATHE_URL": "https://lathe.corp", **environ})

    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("lathe-report: ")
    assert words in done.err
    assert done.err.count("\n") == 1
    assert "hunter2" not in done.err


def test_a_server_that_repeats_the_key_does_not_get_it_into_the_log(report: Runs) -> None:
    with answering(answer(422, code="invalid", detail=f"Bearer {KEY} sent a bad body")) as server:
        done = report(LATHE_URL=server.address)

    assert KEY not in done.err
    assert "Bearer … sent a bad body" in done.err


def test_no_name_that_the_server_tells_is_a_command_to_the_ci(report: Runs) -> None:
    command = "###vso[task.setvariable variable=PATH]/tmp"
    build = {"id": "1", "project": {"name": "Pay"}, "release": {"name": command}}
    with answering(answer(201, status="created", build=build)) as server:
        said = report("--name", command, LATHE_URL=server.address)
        programs = report("--json", LATHE_URL=server.address)
        dry = report("--name", command, "--dry-run")

    assert said.out == "Filed under Pay # # #vso[task.setvariable variable=PATH]/tmp\n"
    assert "##" not in said.err + programs.out + dry.out + dry.err
    assert json.loads(programs.out)["build"] == build
    assert json.loads(dry.out)["name"] == command


def test_it_tries_for_as_long_as_it_may(report: Runs) -> None:
    done = report("--max-time", "0", LATHE_URL="http://127.0.0.1:1")

    assert done.status == 1
    assert "Connection refused): given up after 1 try" in done.err


def test_ctrl_c_ends_it_in_one_line(report: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lathe_report.__main__.run", interrupt)

    assert report() == Ended(1, "", "lathe-report: interrupted\n")


def test_wrong_usage_ends_with_2(report: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--colour"], ["--stat", "failed"], ["--max-time", "long"]):
        with pytest.raises(SystemExit) as left:
            report(*arguments)
        assert left.value.code == 2
    assert "usage: lathe-report" in capsys.readouterr().err


def test_streams_that_cannot_be_set_up_are_taken_as_they_are(
    report: Runs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Plain:
        """A stream that some test runners and notebooks put in place of the real one."""

        def __init__(self) -> None:
            self.text = ""

        def write(self, text: str) -> None:
            self.text += text

        def flush(self) -> None:
            pass

    plain = Plain()
    monkeypatch.setattr(sys, "stdout", plain)

    report("--dry-run")

    assert json.loads(plain.text)["source"] == "bitbucket"


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1"])
def test_a_time_that_never_ends_is_refused(report: Runs, seconds: str) -> None:
    with answering() as server:
        ended = report(f"--max-time={seconds}", LATHE_URL=server.address)
    assert ended.status == 2
    assert "--max-time takes a number of seconds" in ended.err
    assert not server.asked
