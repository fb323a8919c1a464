"""Log lines have one format, whoever writes them, and no secrets."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog

from lathe.entrypoints.logs import configure_logs
from lathe.entrypoints.settings import LogFormat
from tests.programs import logging_as_it_is

KEY = "pt_live_0123456789abcdefghijABCDEFGHIJ0123456789"
TOKEN = "5d41402abc4b2a76b9719d911017c592"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    with logging_as_it_is():
        yield


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_our_lines_and_the_libraries_become_json_objects(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogFormat.JSON)

    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger("lathe.test").info("stored", rows=3)
    logging.getLogger("uvicorn.error").warning("Invalid %s received", "request")
    logging.getLogger("uvicorn.error").info("not worth a line")
    logging.getLogger("alembic.runtime.migration").info("nor this")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("something is odd", RuntimeWarning, stacklevel=1)

    ours, theirs, warned = lines(capsys)
    assert (ours["event"], ours["rows"], ours["level"], ours["logger"]) == ("stored", 3, "info", "lathe.test")
    assert ours["request_id"] == "r1"
    assert (theirs["event"], theirs["level"]) == ("Invalid request received", "warning")
    assert "RuntimeWarning: something is odd" in str(warned["event"])
    assert all(str(line["timestamp"]).endswith("Z") for line in (ours, theirs))


def test_an_exception_is_part_of_its_line_without_any_value_of_a_variable(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogFormat.JSON)
    password = "hunter2-hunter2"

    def fails(given: str) -> None:
        raise RuntimeError(f"with {len(given)} characters")

    try:
        fails(password)
    except RuntimeError:
        structlog.get_logger("lathe.test").exception("unexpected fault")

    (line,) = lines(capsys)
    assert "RuntimeError: with 15 characters" in str(line["exception"])
    assert password not in str(line)


@pytest.mark.parametrize("log_format", LogFormat)
@pytest.mark.parametrize(
    ("written", "read"),
    [
        (f"refused {KEY} again", "refused pt_live_… again"),
        (f"http://127.0.0.1:8000/setup/{TOKEN}?x", "http://127.0.0.1:8000/setup/…?x"),
        (f"/password/{TOKEN}", "/password/…"),
        (f"/join/{TOKEN}", "/join/…"),
        (f"/login/{TOKEN}", "/login/…"),
        ("connecting to postgresql://lathe:hunter2@db/lathe", "connecting to postgresql://…@db/lathe"),
        ("cloning https://x-token@bitbucket.org/acme/pay", "cloning https://…@bitbucket.org/acme/pay"),
    ],
)
def test_what_looks_like_a_secret_is_blanked(
    log_format: LogFormat, written: str, read: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(log_format)

    structlog.get_logger("lathe.test").warning(written, detail=written)
    logging.getLogger("other").error("failed", exc_info=RuntimeError(written))

    err = capsys.readouterr().err.encode("ascii", "backslashreplace").decode()
    for secret in (KEY, TOKEN, "hunter2", "x-token"):
        assert secret not in err
    assert err.count(read.encode("ascii", "backslashreplace").decode()) == 3
