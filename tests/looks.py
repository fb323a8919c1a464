"""What every page must fulfil, however wide it is shown, in light and in dark."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from axe_playwright_python.base import AXE_SCRIPT

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDE: Final = 1280
NARROWEST: Final = 320

_COLOURS: Final = ("color-contrast", "link-in-text-block")
_ROOM: Final = ("target-size", "scrollable-region-focusable")
_RUN: Final = """
([rules, part]) => axe.run(part ?? document, {
  resultTypes: ['violations'], elementRef: false, preload: false,
  ...(rules.length ? { runOnly: { type: 'rule', values: rules } } : {}),
}).then(({ violations }) => violations.map(({ id, help, nodes }) =>
  ({ id, help, where: nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`) })))
"""
_TOO_SMALL: Final = """
() => [...document.querySelectorAll('button, summary, input:not([type=hidden]), select, textarea')]
  .filter((one) => one.checkVisibility() && !one.closest('.tick, .pick'))
  .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
  .filter(([_, box]) => box.width < 24 || box.height < 24).map(([html]) => html)
"""


def judge(page: Page, name: str, part: str | None = None) -> None:
    """Axe finds nothing (in the part of the page that a selector names), the policy refused nothing, nothing sticks
    out."""
    _axe_finds_nothing(page, name, part=part)
    assert page.evaluate("window.refusals") == []
    fits(page, name)


def judge_in_every_look(page: Page, name: str) -> None:
    """The same, wide and narrow, light and dark.

    A colour scheme changes nothing but colours, and a width nothing but places: after all rules were asked once, those
    about colours are asked in the dark, and on a narrow screen those about places as well, once.
    """
    for scheme, width, rules in (
        ("light", WIDE, ()),
        ("dark", WIDE, _COLOURS),
        ("dark", NARROWEST, (*_COLOURS, *_ROOM)),
    ):
        look(page, scheme, width)
        _axe_finds_nothing(page, f"{name}, {scheme}, {width} wide", rules)
        fits(page, name)
    look(page, "light", NARROWEST)
    fits(page, name)
    assert page.evaluate("window.refusals") == []


def look(page: Page, scheme: str, width: int, height: int = 800) -> None:
    """Show a page as a device of that width shows it, in light or dark, without movement."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": height})


def fits(page: Page, name: str) -> None:
    """Nobody has to scroll sideways, and nothing to hit is smaller than 24 by 24."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} at {width}"
    assert page.evaluate(_TOO_SMALL) == [], name


def _axe_finds_nothing(page: Page, name: str, rules: tuple[str, ...] = (), part: str | None = None) -> None:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(_RUN, [list(rules), part])
    assert found == [], f"{name}: {json.dumps(found, indent=1, ensure_ascii=False)}"
