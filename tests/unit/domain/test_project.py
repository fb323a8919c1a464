"""Projects: what may be changed of them."""

from __future__ import annotations

import pytest
from attrs import evolve

from lathe.domain.errors import Invalid
from lathe.domain.project import Files
from tests.unit.domain.examples import project

PAY = project(10, "Pay API")


def test_a_renamed_project_keeps_its_slug() -> None:
    assert PAY.renamed(" Payments ") == evolve(PAY, name="Payments")
    assert PAY.renamed("Payments").slug == "pay-api"


def test_a_project_needs_a_name() -> None:
    with pytest.raises(Invalid) as caught:
        PAY.renamed(" ")
    assert [fault.pointer for fault in caught.value.faults] == ["/name"]


def test_a_project_files_successful_builds_unless_told_otherwise() -> None:
    assert PAY.files is Files.SUCCESSFUL
    assert PAY.filing(Files.FINISHED) == evolve(PAY, files=Files.FINISHED)
