"""Bringing a database's schema up to date, and telling whether it is."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from lathe.adapters.sql.engine import open_database

SCRIPTS: Final = Path(__file__).with_name("migrations")


def migrate(url: str) -> None:
    """Bring the schema at ``url`` up to date, all of it or nothing; a SQLite database is made if it is not there.

    Several processes may do so at once: one works, the others wait and then find nothing to do. Raises Unavailable.
    """
    database = open_database(url, migrating=True)
    try:
        with database.reached(), database.alone() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        database.close()


def is_current(url: str) -> bool:
    """Tell whether the schema at ``url`` is the one this program works with; writes nothing. Raises Unavailable."""
    database = open_database(url)
    try:
        if not database.exists():
            return False
        with database.reading() as connection:
            present = MigrationContext.configure(connection).get_current_heads()
        return set(present) == set(ScriptDirectory.from_config(_config()).get_heads())
    finally:
        database.close()


def _config() -> Config:
    config = Config()
    # ConfigParser would take a per cent sign in the path for a reference.
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
