"""The browser that tests of pages drive: a Chromium that is already installed."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from playwright.sync_api import Browser, Page, expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# The pages under test are our own, on this machine; containers often allow no sandbox; nothing may call elsewhere.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)

WATCH_POLICY: Final = """
window.refusals = [];
document.addEventListener('securitypolicyviolation', e =>
    window.refusals.push(`${e.violatedDirective} ${e.blockedURI}`));
"""
WITHIN_MILLISECONDS: Final = 20_000
"""How long a test waits for what must come: long, for machines that do other work too."""

expect.set_options(timeout=WITHIN_MILLISECONDS)

REFUSED: Final = "status of 4"
"""How Chromium says on the console that a page was answered with a 4xx, as tests ask for on purpose."""


def chromium_path() -> str:
    """Where Chromium is installed; looks in the same places as scripts/browser, which installs it.

    Raises RuntimeError where there is none: a missing browser is a fault of the machine, not a reason to test less.
    """
    for name in (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"):
        if name and (path := shutil.which(name)):
            return path
    raise RuntimeError("No Chromium found: run `make browser`, or set CHROMIUM=/path/to/it.")


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Run a browser with a new profile, as long as the block lasts."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), headless=True, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def browsing(
    browser: Browser, address: str, session: str | None = None, *, may_say: Sequence[str] = (), **options: Any
) -> Iterator[Page]:
    """Open a page in a context of its own, logged in where a session's token is given.

    Whatever a test does with it: no page asked any other host, and the console stayed empty but for what a test may
    provoke.
    """
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
    context.set_default_timeout(WITHIN_MILLISECONDS)
    if session:
        context.add_cookies([{"name": "lathe", "value": session, "url": address}])
    context.add_init_script(WATCH_POLICY)
    asked: list[str] = []
    said: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.on("console", lambda message: said.append(message.text))
    context.on("weberror", lambda fault: said.append(str(fault.error)))
    try:
        yield context.new_page()
        elsewhere = [url for url in asked if not url.startswith(f"{address}/")]
        complaints = [text for text in said if not any(known in text for known in may_say)]
        assert not elsewhere, elsewhere
        assert not complaints, complaints
    finally:
        context.close()
