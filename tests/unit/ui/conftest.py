"""The worlds that tests of pages act in."""

from __future__ import annotations

import pytest

from tests.unit.ui.sample import fill
from tests.unit.ui.world import World, make_world


@pytest.fixture
def empty() -> World:
    """An organization without anything in it."""
    return make_world()


@pytest.fixture
def world() -> World:
    """An organization with something in every state."""
    return fill(make_world())
