"""Takes the pictures of docs/gallery: ``python -m tests.gallery [NAME …]`` takes all, or those of the named states."""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from tests.browser import running_chromium
from tests.gallery.pictures import small
from tests.gallery.scene import scene
from tests.gallery.states import NARROW, PARTS, State
from tests.gallery.visits import Visit, walk
from tests.looks import look

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER: Final = Path(__file__).parents[2] / "docs" / "gallery"
SHORTEST: Final = 400
TALLEST: Final = 1250

_HEAD: Final = """# Gallery

Every page and notable state, as `make gallery` finds them: it starts the server on a database of its own, lets an
invented organization work for a month, drives a browser through it, and takes these pictures. Tall pages are cut.
"""


def main(wanted: list[str]) -> None:
    """Take the pictures, and write the page that shows them."""
    FOLDER.mkdir(exist_ok=True)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    states = [state for part in PARTS for state in part.states]
    unknown = set(wanted) - {state.name for state in states}
    if unknown:
        sys.exit(f"There is no such state: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as folder, scene(Path(folder)) as at, running_chromium() as chromium:
        blank = chromium.new_page()
        walk(chromium, at, states, lambda state, visit: _take(state, visit, blank, wanted))
    if not wanted:
        _tidy(states)
        (FOLDER / "README.md").write_text(_index())
    size = sum(path.stat().st_size for path in FOLDER.iterdir())
    sys.stdout.write(f"{len(list(FOLDER.glob('*.png')))} pictures, {size / 2**20:.1f} MiB, in docs/gallery\n")


def _take(state: State, visit: Visit, blank: Page, wanted: list[str]) -> None:
    """Take the pictures of a state; those before it are gone through even where only later ones are wanted."""
    if wanted and state.name not in wanted:
        return
    for scheme, width in state.looks:
        look(visit.page, scheme, width)
        tall = visit.page.evaluate("document.documentElement.scrollHeight")
        look(visit.page, scheme, width, min(max(tall, SHORTEST), TALLEST))
        visit.page.evaluate("scrollTo(0, 0)")
        (FOLDER / _name(state, scheme, width)).write_bytes(small(visit.page.screenshot(), blank))


def _name(state: State, scheme: str, width: int) -> str:
    look_of_it = {("light", 1280): "", ("dark", 1280): "-dark", NARROW: "-narrow"}[(scheme, width)]
    return f"{state.name}{look_of_it}.png"


def _tidy(states: list[State]) -> None:
    """Remove pictures of states that are no more."""
    taken = {_name(state, *one) for state in states for one in state.looks}
    for path in FOLDER.glob("*.png"):
        if path.name not in taken:
            path.unlink()


def _index() -> str:
    lines = [_HEAD]
    for part in PARTS:
        lines.append(f"## {part.title}\n")
        for state in part.states:
            shown = " ".join(_shown(state, *one) for one in state.looks)
            lines.append(f"**{state.caption}**\n\n{shown}\n")
    return "\n".join(lines)


def _shown(state: State, scheme: str, width: int) -> str:
    called = {("light", 1280): "", ("dark", 1280): ", dark", NARROW: ", on a phone"}[(scheme, width)]
    wide = ' width="240"' if width < 400 else ""
    name = _name(state, scheme, width)
    return f'<a href="{name}"><img src="{name}" alt="{state.caption}{called}"{wide or " width=640"}></a>'


if __name__ == "__main__":
    main(sys.argv[1:])
