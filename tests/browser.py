"""The browser that tests of pages drive: a Chromium that is already installed."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import Browser, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

# The pages under test are our own, on this machine; containers often allow no sandbox; nothing may call elsewhere.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


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
