"""Two people change different things of the same row at once: neither undoes what the other one did."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from lathe.application import organizations, projects
from lathe.application.caller import command_caller
from lathe.application.ports import Store
from lathe.domain.organization import Organization
from lathe.domain.project import Files, Project
from tests.integration.store_contract.helpers import stored
from tests.integration.store_contract.world import World

LONG_ENOUGH_SECONDS = 0.3
"""How long the one who was first thinks, with the row read. The other one needs far less, if it need not wait."""


def at_once(
    monkeypatch: pytest.MonkeyPatch, kind: Any, rename: Callable[[], object], other: Callable[[], object]
) -> None:
    """Run ``rename``, and ``other`` while that has read the row of ``kind`` and not written it yet."""
    has_read, is_done = threading.Event(), threading.Event()
    renamed = kind.renamed

    def after_a_while(row: Any, name: str) -> Any:
        has_read.set()
        is_done.wait(timeout=LONG_ENOUGH_SECONDS)
        return renamed(row, name)

    monkeypatch.setattr(kind, "renamed", after_a_while)
    first = threading.Thread(target=rename)
    first.start()
    assert has_read.wait(timeout=20)
    other()
    is_done.set()
    first.join(timeout=30)


def test_two_changes_of_an_organization_at_once_both_stay(
    store: Store, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, before = command_caller(world.id), world.organization
    at_once(
        monkeypatch,
        Organization,
        lambda: organizations.change(store, caller, name="Renamed"),
        lambda: organizations.change(store, caller, confirm_name_matches=not before.confirm_name_matches),
    )
    changed = evolve(before, name="Renamed", confirm_name_matches=not before.confirm_name_matches)
    assert stored(store, before) == changed


def test_two_changes_of_a_project_at_once_both_stay(
    store: Store, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, before = command_caller(world.id), world.project
    assert before.files is Files.FINISHED
    at_once(
        monkeypatch,
        Project,
        lambda: projects.change(store, caller, before.id, name="Renamed"),
        lambda: projects.change(store, caller, before.id, files=Files.SUCCESSFUL),
    )
    assert stored(store, before) == evolve(before, name="Renamed", files=Files.SUCCESSFUL)
