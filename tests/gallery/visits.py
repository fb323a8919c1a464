"""A browser that walks from state to state of a scene."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from attrs import frozen

from tests.browser import REFUSED, browsing

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from tests.gallery.scene import Scene
    from tests.gallery.states import State
    from tests.unit.ui.world import World

PROVOKED: Final = (REFUSED, "status of 5", "net::ERR_FAILED")
"""What the console may say: some states are faults, in one the server is out of reach."""


@frozen
class Visit:
    """A page of a browser in which somebody of an organization is logged in, or nobody."""

    page: Page
    scene: Scene
    slug: str

    @property
    def world(self) -> World:
        """The organization that is visited."""
        return self.scene.worlds[self.slug]

    def id(self, name: str) -> str:
        """Return the id of something in the organization."""
        return str(self.world.ids[name])

    def open(self, path: str) -> None:
        """Open an address of the organization."""
        self.open_at(f"/o/{self.slug}{path}")

    def open_at(self, path: str) -> None:
        """Open an address of the server."""
        self.page.goto(f"{self.scene.address}{path}")

    def row(self, name: str) -> Locator:
        """Return the row of a waiting build on the Releases page."""
        return self.page.locator(f"#entry-{self.id(name)}")

    def press(self, name: str) -> None:
        """Press the button of that name."""
        self.page.get_by_role("button", name=name, exact=True).filter(visible=True).first.click()


@contextmanager
def visiting(chromium: Browser, scene: Scene, slug: str, who: str | None) -> Iterator[Visit]:
    """Open a browser, logged in as somebody of an organization."""
    with browsing(chromium, scene.address, may_say=PROVOKED) as page:
        if who:
            token = scene.worlds[slug].people[who].token
            cookie = "__Host-lathe"  # the server's own address is https, and a browser sends it on loopback
            page.context.add_cookies(
                [{"name": cookie, "value": token, "domain": "127.0.0.1", "path": "/", "secure": True}]
            )
        yield Visit(page, scene, slug)


def walk(chromium: Browser, scene: Scene, states: Iterable[State], arrived: Callable[[State, Visit], None]) -> None:
    """Reach each state in a browser of its own, and call ``arrived`` there."""
    for state in states:
        with visiting(chromium, scene, state.slug, state.who) as visit:
            state.way(visit)
            arrived(state, visit)
