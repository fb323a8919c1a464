"""A database with an organization, and the commands that people run in its folder."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import frozen

from tests.programs import Ended, lathe, lathe_inside

ASSUMED = "LATHE_BASE_URL is not set: the address is the one of a server started here by `lathe serve`\n"


@frozen
class Shop:
    """A folder with a migrated database, in which there is an organization called Acme."""

    folder: Path
    organization_id: str

    def lathe(self, *arguments: str, **settings: str) -> Ended:
        """Run a command as a program."""
        return lathe(*arguments, cwd=self.folder, **settings)

    def inside(self, *arguments: str, **settings: str) -> Ended:
        """Run a command that matters less: one that fails, or repeats what another test runs as a program."""
        return lathe_inside(*arguments, cwd=self.folder, **settings)

    def made(self, *arguments: str, **settings: str) -> dict[str, object]:
        """Run a command that must succeed, and return what it prints."""
        done = self.lathe(*arguments, "--json", **settings)
        assert (done.status, done.err.replace(ASSUMED, "")) == (0, "")
        made: dict[str, object] = done.json
        return made


def open_shop(folder: Path) -> Shop:
    """Make the database and the organization."""
    assert lathe_inside("migrate", cwd=folder).status == 0
    made = lathe_inside("org", "create", "Acme", "--json", cwd=folder)
    return Shop(folder, made.json["id"])


def complaint(done: Ended, status: int) -> str:
    """Return the one line that a command complains in."""
    assert (done.status, done.out) == (status, "")
    assert re.fullmatch(r"lathe: [^\n]+\n", done.err), done.err
    return done.err
