"""What the tests of Bitbucket's bodies share."""

from __future__ import annotations

import json

from lathe.application.intake import Reading
from lathe.domain.build_report import BuildReport
from lathe.domain.hook import Provider
from lathe.domain.steps import Reason
from lathe.entrypoints.compose import PARSERS

CREATED, UPDATED = "repo:commit_status_created", "repo:commit_status_updated"
SPAN = "pipeline:span_created"
COMMIT = "0c5d1e2f3a4b5c6d7e8f90112233445566778899"
UUID = "bitbucket:0b9e1f64-3c0a-4f5d-9d5e-6a1c2b7f8e90"


def read(body: object, event: str | None = UPDATED, **headers: str) -> Reading:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if event is not None:
        sent["x-event-key"] = event
    return PARSERS[Provider.BITBUCKET].read(sent, body if isinstance(body, bytes) else json.dumps(body).encode())


def report_of(body: object, event: str | None = UPDATED) -> BuildReport:
    content = read(body, event).content
    assert isinstance(content, BuildReport), content
    return content


def reason_of(body: object, event: str | None = UPDATED) -> Reason:
    content = read(body, event).content
    assert isinstance(content, Reason), content
    return content
