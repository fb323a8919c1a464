"""Every page and state that the gallery shows, on the real server: accessible, at every width, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.gallery.scene import Scene, scene
from tests.gallery.states import PARTS, Part
from tests.gallery.visits import walk
from tests.looks import judge_in_every_look

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The server with all organizations, through which the gallery is walked in one go too."""
    with scene(tmp_path_factory.mktemp("scene")) as made:
        yield made


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.title)
def test_every_state_is_accessible_and_fits(chromium: Browser, at: Scene, part: Part) -> None:
    walk(chromium, at, part.states, lambda state, visit: judge_in_every_look(visit.page, state.name))


def test_every_state_has_a_name_of_its_own() -> None:
    names = [state.name for part in PARTS for state in part.states]
    assert len(names) == len(set(names))
