"""How arguments are read, and how people and programs name things on the command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from os import environ
from typing import Any, TypeVar
from uuid import UUID

import click

from lathe.application import organizations
from lathe.application.ports import Store, Transaction
from lathe.domain.errors import NotFound
from lathe.domain.organization import Organization
from lathe.domain.project import Project
from lathe.entrypoints.cli.output import note
from lathe.entrypoints.compose import Workbench, load_settings, workbench

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

LOCAL = "http://127.0.0.1:8000"
"""The address of a server started here by `lathe serve`."""

_SPAN = re.compile(r"([0-9]{1,5})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 7 * 24}


@contextmanager
def opened() -> Iterator[Workbench]:
    """Open the database that the environment names, which must be there and migrated."""
    with workbench(load_settings(environ)) as found:
        yield found


def org_option(command: F) -> F:
    """Add ``--org``, which must be given, handed over as ``org``."""
    return click.option("--org", required=True, metavar="ORG", help="The organization, by id or slug.")(command)


def any_org_option(command: F) -> F:
    """Add ``--org``, handed over as ``org``; all organizations without it."""
    return click.option("--org", metavar="ORG", help="Only in this organization, by id or slug.")(command)


class Expiry(click.ParamType[timedelta | datetime]):
    """A point in time: ``90d``, ``12h`` or ``2w`` from now, a date (its beginning in UTC), or a time with its zone."""

    name = "WHEN"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta | datetime:
        """Return a span from now, or an instant in UTC."""
        if isinstance(value, timedelta | datetime):
            return value
        if span := _SPAN.fullmatch(value):
            return timedelta(hours=int(span[1]) * _HOURS[span[2]])
        try:
            time = datetime.fromisoformat(value)
            return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        except ValueError:
            self.fail(f"{value!r} is neither a span (90d, 12h, 2w) nor a date (2027-01-31)", param, ctx)
        except OverflowError:
            self.fail(f"{value!r} lies beyond the years 1 to 9999 in UTC", param, ctx)


class RateLimit(click.ParamType[int | str]):
    """Requests a minute, or ``unlimited``."""

    name = "N|unlimited"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Return the number, or the word."""
        if isinstance(value, int) or value == "unlimited":
            return value  # type: ignore[no-any-return] # the word
        if not re.fullmatch("[0-9]{1,9}", value):
            self.fail(f"{value!r} is neither a number of requests a minute nor the word unlimited", param, ctx)
        return int(value)


def limit_of(given: int | str) -> int | None:
    """Return a rate limit as keys hold it: None is unlimited."""
    return given if isinstance(given, int) else None


def instant(at: Workbench, given: timedelta | datetime | None) -> datetime | None:
    """Return when something expires, by the store's clock."""
    return at.store.read(lambda tx: tx.now()) + given if isinstance(given, timedelta) else given


def chosen_organizations(store: Store, org: str | None) -> list[Organization]:
    """Return the named organization, or all of them. Raises NotFound."""
    return [organizations.find(store, org)] if org else organizations.listed(store)


def find_project(store: Store, name: str, org: str | None) -> Project:
    """Return the project of that id or slug; a slug that several organizations have needs ``org``.

    Raises NotFound, UsageError.
    """
    candidates = chosen_organizations(store, org)

    def work(tx: Transaction) -> dict[str, Project]:
        looked = ((one.slug, tx.projects.find_by_slug(one.id, name) or _by_id(tx, one, name)) for one in candidates)
        return {slug: project for slug, project in looked if project}

    found = store.read(work)
    if not found:
        raise NotFound(f"there is no project {name}")
    if len(found) > 1:
        raise click.UsageError(f"several organizations have a project {name}: choose with --org ({', '.join(found)})")
    return next(iter(found.values()))


def find_named(what: str, name: str, candidates: Iterable[T], names: Callable[[T], tuple[str, ...]]) -> T:
    """Return the one of the candidates that goes by a name. Raises NotFound, UsageError."""
    found = [one for one in candidates if name in names(one)]
    if not found:
        raise NotFound(f"there is no {what} {name}")
    if len(found) > 1:
        raise click.UsageError(f"several go by {name}: name the {what} by its id")
    return found[0]


def _by_id(tx: Transaction, organization: Organization, name: str) -> Project | None:
    try:
        wanted = UUID(name)
    except ValueError:
        return None
    return tx.projects.some(organization.id, {wanted}).get(wanted)


def public_address(at: Workbench) -> str:
    """Return the server's address for links and hooks; says so where it can only be assumed."""
    if at.settings.base_url:
        return at.settings.base_url
    note("LATHE_BASE_URL is not set: the address is the one of a server started here by `lathe serve`")
    return LOCAL
