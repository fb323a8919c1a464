"""A world for each test, with a project and an active release where a test asks for them."""

from __future__ import annotations

import pytest

from lathe.domain.project import Project
from lathe.domain.release import Release
from tests.unit.application.world import PAY, World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def pay(world: World) -> Project:
    return world.project("Pay", PAY)


@pytest.fixture
def pay_25(world: World, pay: Project) -> Release:
    return world.release(pay, "2.5")
