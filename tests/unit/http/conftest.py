"""What the tests of the HTTP API start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.http.world import Api, World, bearer, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.testclient import TestClient


@pytest.fixture
def world() -> World:
    """A store with one organization, one project and one active release."""
    return World()


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    """A caller without credentials."""
    with serving(world) as client:
        yield client


@pytest.fixture
def api(world: World, client: TestClient) -> Api:
    """A caller whose key may do everything, without limit."""
    return Api(client, bearer(world.key(rate_limit=None)))
