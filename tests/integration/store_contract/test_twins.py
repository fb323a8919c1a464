"""Use cases that look first and store then, by several at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from lathe.adapters.ids import RandomIds
from lathe.application import projects
from lathe.application.caller import command_caller
from lathe.application.ports import Store
from tests.integration.store_contract.world import World


def test_projects_of_alike_names_made_at_once_get_slugs_of_their_own(store: Store, world: World) -> None:
    caller, names = command_caller(world.id), ("Twin {}", "twin {}!", "TWIN {}?", "(twin) {}")

    def made(name: str) -> str:
        return projects.create(store, RandomIds(), caller, name).project.slug

    with ThreadPoolExecutor(len(names)) as pool:
        for number in range(10):
            slugs = sorted(pool.map(made, [name.format(number) for name in names]))
            assert slugs == [f"twin-{number}", *(f"twin-{number}-{n}" for n in (2, 3, 4))]
