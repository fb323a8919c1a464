"""Bodies of our own making, in the shapes that providers send, and what is read from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lathe.application.intake import Reading
from lathe.domain.build_report import BuildReport
from lathe.domain.hook import Provider
from lathe.domain.steps import Reason
from lathe.entrypoints.compose import PARSERS

FOLDER = Path(__file__).parents[2] / "payloads"


def payload(provider: Provider, name: str) -> Any:
    return json.loads((FOLDER / provider.value / f"{name}.json").read_bytes())


def names(provider: Provider) -> set[str]:
    return {path.stem for path in (FOLDER / provider.value).iterdir()}


def read(provider: Provider, body: object, headers: dict[str, str] | None = None) -> Reading:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return PARSERS[provider].read(headers or {}, content)


def report_in(reading: Reading) -> BuildReport:
    assert isinstance(reading.content, BuildReport), reading.content
    return reading.content


def reason_in(reading: Reading) -> Reason:
    assert isinstance(reading.content, Reason), reading.content
    return reading.content
