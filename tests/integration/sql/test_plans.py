"""Every list and every look-up goes through the index that was made for it, on both databases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

from psycopg import RawCursor
from sqlalchemy import event

from lathe.adapters.sql import SqlStore
from lathe.adapters.sql.prepared import Compiled
from lathe.application import connecting, project_pages, queries
from lathe.application.intake import Changes, Presented, Wanted
from lathe.application.lists import AuditFilter, BuildFilter, DeliveryFilter, EntryFilter, Place, ProjectFilter
from lathe.application.ports import Transaction
from lathe.domain.audit import SubjectKind
from lathe.domain.delivery import CredentialKind, DeliveryStatus
from lathe.domain.queue_entry import EntryStatus
from tests import samples
from tests.integration.sql.helpers import database

ID = samples.new_id()
ROWS = 1000
TIMES = [samples.NOW + timedelta(seconds=n) for n in range(ROWS)]
PLACE = Place(TIMES[900], ID)

LISTS: dict[str, tuple[Callable[[Transaction], object], str]] = {
    "builds": (lambda tx: tx.builds.page(ID, BuildFilter(), 50, PLACE), "ix_builds_recent"),
    "of a project": (lambda tx: tx.builds.page(ID, BuildFilter(project_id=ID), 50, PLACE), "ix_builds_of_project"),
    "of a release": (lambda tx: tx.builds.page(ID, BuildFilter(release_id=ID), 50, PLACE), "ix_builds_of_release"),
    "of a branch": (
        lambda tx: tx.builds.page(ID, BuildFilter(release_id=ID, branch="b1"), 50, PLACE),
        "ix_builds_of_release",
    ),
    "newest per branch": (lambda tx: tx.builds.newest_per_branch(ID, [ID], 6, 200), "ix_builds_of_release"),
    "newest of projects": (lambda tx: tx.builds.newest_of_projects(ID, [ID]), "ix_builds_of_project"),
    "counts": (lambda tx: tx.builds.counts(ID, [ID], 1000), "ix_builds_of_"),
    "builds per day": (lambda tx: tx.builds.per_day(ID, ID, samples.NOW, 1000), "ix_builds_of_release"),
    "pending": (lambda tx: tx.entries.page(ID, EntryFilter(), 50, PLACE), "ix_queue_entries_pending"),
    "pending of a project": (
        lambda tx: tx.entries.page(ID, EntryFilter(project_id=ID), 50, PLACE),
        "ix_queue_entries_pending_of_project",
    ),
    "count of pending": (
        lambda tx: tx.entries.count_pending(ID, ID, 1000),
        "ix_queue_entries_pending_of_project",
    ),
    "every entry": (lambda tx: tx.entries.page(ID, EntryFilter(status=None), 50, PLACE), "ix_queue_entries_recent"),
    "rejected": (
        lambda tx: tx.entries.page(ID, EntryFilter(status=EntryStatus.REJECTED), 50, PLACE),
        "ix_queue_entries_recent",
    ),
    "decided": (lambda tx: tx.entries.decided(ID, 10), "ix_queue_entries_decided"),
    "oldest pending": (lambda tx: tx.entries.oldest_pending(ID), "ix_queue_entries_pending"),
    "times of pending": (lambda tx: tx.entries.pending_since(ID, 1000), "ix_queue_entries_pending"),
    "promising": (lambda tx: tx.entries.promising(ID, 200), "ix_queue_entries_pending"),
    "deliveries of a build": (lambda tx: tx.deliveries.of_subject(ID, build_id=ID), "ix_deliveries_build_id"),
    "deliveries of an entry": (lambda tx: tx.deliveries.of_subject(ID, entry_id=ID), "ix_deliveries_entry_id"),
    "last deliveries": (lambda tx: tx.deliveries.newest(ID, 50), "deliveries"),
    "projects": (lambda tx: tx.projects.page(ID, ProjectFilter(), 50, PLACE), "ix_projects_recent"),
    "archived projects": (
        lambda tx: tx.projects.page(ID, ProjectFilter(archived=True), 50, PLACE),
        "ix_projects_recent",
    ),
    "active releases": (lambda tx: tx.releases.active(ID, 50), "ix_releases_active"),
    "newest builds of active releases": (lambda tx: tx.releases.active(ID, 50), "ix_builds_of_release"),
    "count of active releases": (lambda tx: tx.releases.count_active(ID, 50), "ix_releases_active"),
    "active releases of projects": (lambda tx: tx.releases.active_of_projects(ID, [ID]), "ix_releases_active"),
    "inactive releases": (lambda tx: tx.releases.inactive(ID, 50), "ix_releases_inactive"),
    "audit log": (lambda tx: tx.audit.page(ID, AuditFilter(), 50, PLACE), "ix_audit_recent"),
    "audit log of a kind": (
        lambda tx: tx.audit.page(ID, AuditFilter(kind=SubjectKind.KEY), 50, PLACE),
        "ix_audit_subject_kind",
    ),
    "audit log of a kind of actor": (
        lambda tx: tx.audit.page(ID, AuditFilter(actor_kind="key"), 50, PLACE),
        "ix_audit_actor_kind",
    ),
    "audit log of an actor": (lambda tx: tx.audit.page(ID, AuditFilter(actor_id=ID), 50, PLACE), "ix_audit_actor"),
    "releases": (lambda tx: tx.releases.page(ID, ID, 50, PLACE), "ix_releases_of_project"),
}

SORTED_AFTERWARDS = {
    "newest per branch",
    "promising",
    "builds per day",
    "active releases",
    "newest builds of active releases",
    "active releases of projects",
}
"""Lists that put the rows that they found in order: few, or those of all active releases."""


@contextmanager
def plans(store: SqlStore) -> Iterator[list[str]]:
    """Collect how the database goes about each statement; it reads tables whole only where nothing else is left."""
    found: list[str] = []
    inside: list[bool] = []

    def explain(connection: Any, _: Any, statement: str, parameters: Any, *__: Any) -> None:
        if inside or not statement.startswith(("SELECT", "WITH")):
            return
        inside.append(True)
        driver = connection.connection.driver_connection
        cursor = RawCursor(driver) if "$1" in statement else driver.cursor()
        if connection.dialect.name == "sqlite":
            rows = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            found.append("\n".join(detail for *_, detail in rows))
        else:
            # As it decides in large tables: whether an index can serve at all is what counts here.
            for way in ("seqscan", "hashjoin", "mergejoin"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
            rows = cursor.execute(f"EXPLAIN (COSTS OFF) {statement}", parameters)
            found.append("\n".join(line for (line,) in rows))
        cursor.close()
        inside.pop()

    engines = (database(store).writer, database(store).reader)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", explain)

    # What is prepared goes straight to the driver, in a form of its own.
    ask, taken = database(store).ask, Compiled.taken
    prepared: list[tuple[str, Any]] = []

    def noting(made: Compiled, parameters: Any) -> Any:
        prepared.append((made.text, taken(made, parameters)))
        return prepared[-1][1]

    def asking(connection: Any, asked: Any) -> Any:
        rows = ask(connection, asked)
        for statement, parameters in prepared:
            explain(connection, None, statement, parameters)
        prepared.clear()
        return rows

    with mock.patch.object(Compiled, "taken", noting), mock.patch.object(database(store), "ask", asking):
        yield found
    for engine in engines:
        event.remove(engine, "before_cursor_execute", explain)


def fill(store: SqlStore) -> None:
    """Store so much that reading all of it is not the best way to find something."""
    organizations = [samples.organization(id=ID), samples.organization()]
    for organization in organizations:
        store.write(lambda tx, organization=organization: tx.organizations.add(organization))  # type: ignore[misc]
        ids = [organization.id, *(samples.new_id() for _ in range(ROWS - 1))]
        of = organization.id
        facts = [samples.facts(branch=f"b{n}") for n in range(20)]
        entries = [samples.rejected_entry if n % 9 else samples.entry for n in range(ROWS)]
        rows = list(enumerate(zip(ids, TIMES, strict=True)))
        changes = Changes(
            samples.NOW,
            new_identities=[samples.identity(of, id=one) for one in ids],
            new_builds=[
                samples.build(of, ids[n % 9], ids[n % 9], id=one, created_at=at, facts=facts[n % 20])
                for n, (one, at) in rows
            ],
            new_entries=[entries[n](of, id=one, project_id=ids[n % 5], created_at=at) for n, (one, at) in rows],
            new_deliveries=[samples.delivery(of, of, id=one, build_id=one, entry_id=one) for one in ids],
            new_repositories=[samples.repository(of, id=one) for one in ids],
        )
        store.write(lambda tx, changes=changes: tx.intake.save(changes))  # type: ignore[misc]
    look_at_tables(store)


def look_at_tables(store: SqlStore) -> None:
    """Let PostgreSQL see how much there is, which it does by itself, in time."""
    if database(store).writer.dialect.name == "postgresql":
        with database(store).writer.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
            connection.commit()


def effort(store: SqlStore, read: Callable[[Transaction], object]) -> int:
    """Return how much reading makes a database do: steps of SQLite's machine, rows that PostgreSQL's plans handle."""
    done: list[int] = []

    def count(connection: Any, _: Any, statement: str, parameters: Any, *__: Any) -> None:
        if connection.dialect.name == "sqlite":
            connection.connection.driver_connection.set_progress_handler(lambda: done.append(1), 1)
        elif statement.startswith(("SELECT", "WITH")):
            cursor = connection.connection.cursor()
            rows = cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {statement}", parameters)
            text = "\n".join(line for (line,) in rows)
            found = re.findall(r"actual rows=(\d+)[.\d]* loops=(\d+)", text)
            done.append(sum(int(rows) * int(loops) for rows, loops in found))
            cursor.close()

    event.listen(database(store).reader, "before_cursor_execute", count)
    store.read(read)
    event.remove(database(store).reader, "before_cursor_execute", count)
    if database(store).reader.dialect.name == "sqlite":
        with database(store).reader.connect() as connection:
            connection.connection.driver_connection.set_progress_handler(None, 1)  # type: ignore[union-attr]
    return sum(done)


def test_every_list_goes_through_its_index(store: SqlStore) -> None:
    fill(store)
    faults = {}
    for name, (read, index) in LISTS.items():
        with plans(store) as found:
            store.read(read)
        sorts = [line for line in found[0].splitlines() if "Sort" in line or "TEMP B-TREE" in line]
        if index not in found[0] or (sorts and name not in SORTED_AFTERWARDS):
            faults[name] = found[0]
    assert faults == {}


def test_the_branches_built_last_cost_the_same_however_many_there_ever_were(store: SqlStore) -> None:
    few, many = samples.new_id(), samples.new_id()
    builds = [
        samples.build(ID, ID, release, created_at=at, facts=samples.facts(branch=f"b{n}"))
        for release, count in ((few, ROWS // 4), (many, ROWS))
        for n, at in enumerate(TIMES[:count])
    ]
    store.write(lambda tx: tx.organizations.add(samples.organization(id=ID)))
    store.write(lambda tx: tx.intake.save(Changes(samples.NOW, new_builds=builds)))
    look_at_tables(store)
    of_few, of_many = (
        effort(store, lambda tx, one=one: tx.builds.newest_per_branch(ID, [one], 6, 200))  # type: ignore[misc]
        for one in (few, many)
    )
    assert 200 < of_many < 1.05 * of_few


def test_releases_and_projects_without_builds_cost_nothing_beside_one_with_very_many(store: SqlStore) -> None:
    builds = [samples.build(ID, ID, ID, created_at=at) for at in TIMES]
    store.write(lambda tx: tx.organizations.add(samples.organization(id=ID)))
    store.write(lambda tx: tx.intake.save(Changes(samples.NOW, new_builds=builds)))
    look_at_tables(store)
    bare = [samples.new_id() for _ in range(10)]
    assert effort(store, lambda tx: tx.builds.newest_of_projects(ID, [ID, *bare])) < ROWS
    assert effort(store, lambda tx: tx.builds.newest_per_branch(ID, bare, 6, 200)) < ROWS * 2


def test_a_page_of_projects_takes_the_same_statements_however_many_there_are(store: SqlStore) -> None:
    store.write(lambda tx: tx.organizations.add(samples.organization(id=ID)))
    taken = []
    for count in (1, 20):
        for _ in range(count):
            store.write(lambda tx: tx.projects.add(samples.project(ID)))
        for read in (_projects_page, _projects_listed, _repository_to_try):
            with plans(store) as found:
                read(store)
            taken.append(len(found))
    assert taken[:3] == taken[3:]
    assert sum(taken[:3]) > 0


def _projects_page(store: SqlStore) -> object:
    return project_pages.projects_page(store, ID, 50, None)


def _projects_listed(store: SqlStore) -> object:
    return queries.projects(store, ID, ProjectFilter(), 50, None)


def _repository_to_try(store: SqlStore) -> object:
    return connecting.known_repository(store, ID)


def test_the_mark_of_what_happened_lately_is_read_off_the_ends_of_indexes(store: SqlStore) -> None:
    fill(store)
    with plans(store) as found:
        store.read(lambda tx: tx.activity.mark(ID))
    plan = found[0]
    primary = (
        "pk_deliveries" if database(store).writer.dialect.name == "postgresql" else "sqlite_autoindex_deliveries_1"
    )
    used = ("ix_builds_recent", "ix_queue_entries_pending", "ix_queue_entries_decided", "ix_audit_recent", primary)
    assert [index for index in used if index not in plan] == [], plan
    assert "Sort" not in plan, plan
    assert "TEMP B-TREE" not in plan, plan


def test_looking_for_rare_deliveries_reads_a_bounded_part_of_the_primary_key(store: SqlStore) -> None:
    fill(store)
    postgresql = database(store).writer.dialect.name == "postgresql"
    primary = "pk_deliveries" if postgresql else "sqlite_autoindex_deliveries_1"
    day = timedelta(days=1)
    wanted = DeliveryFilter(DeliveryStatus.INVALID, "github", ID, samples.NOW - day, samples.NOW + 1000 * day)
    with plans(store) as found:
        assert store.read(lambda tx: tx.deliveries.look(ID, wanted, 50, None, 100)).rows == []
    for plan in found:
        assert primary in plan, plan
        assert "uq_deliveries_sent_as" not in plan, plan
        # From where it begins to where it ends, and no further than it may look.
        assert (
            ("(id < " in plan and "Limit" in plan) if postgresql else "organization_id=? AND id>? AND id<?" in plan
        ), plan
    assert len(found) == 2


def test_what_a_batch_looks_up_is_found_by_unique_indexes(store: SqlStore) -> None:
    fill(store)
    organization = samples.organization()
    key = samples.key(organization.id)

    def prepare(tx: Transaction) -> None:
        tx.organizations.add(organization)
        tx.keys.add(key)

    store.write(prepare)
    wanted = Wanted(
        Presented(CredentialKind.KEY, key_hash=key.hash),
        "bitbucket",
        delivery_id="d-1",
        source="bitbucket",
        run_key="run:1",
        scope="name:pay-api",
        url=samples.repo_url(),
        uuid="bitbucket:{1}",
        first_answer=samples.first_answer(ID).name,
    )
    with plans(store) as found:
        store.write(lambda tx: tx.intake.load([wanted]))
    text = "\n".join(found)
    indexes = (
        "uq_deliveries_sent_as",
        "uq_identities_key",
        "uq_repositories_uuid",
        "pk_repositories",
        "pk_first_answers",
    )
    missing = [one for one in indexes if one not in text and not unnamed_on_sqlite(store, one, text)]
    assert missing == [], text


def test_answers_whose_time_is_over_are_found_by_name_and_by_age(store: SqlStore) -> None:
    def kept(count: int) -> Changes:
        return Changes(samples.NOW, first_answers=[samples.first_answer(ID, at=TIMES[n]) for n in range(count)])

    store.write(lambda tx: tx.intake.save(kept(ROWS)))
    look_at_tables(store)
    with plans(store) as found:
        store.write(lambda tx: tx.intake.save(kept(3)))
    by_name, by_age = (plan for plan in found if "first_answers" in plan)
    assert "pk_first_answers" in by_name or unnamed_on_sqlite(store, "pk_first_answers", by_name), by_name
    assert "ix_first_answers_at" in by_age, by_age


def unnamed_on_sqlite(store: SqlStore, index: str, text: str) -> bool:
    """SQLite calls the index of a UNIQUE constraint ``sqlite_autoindex_…`` and shows its columns."""
    columns = {
        "uq_deliveries_sent_as": "organization_id=? AND source=? AND provider_delivery_id=?",
        "uq_identities_key": "organization_id=? AND scope=? AND source=? AND run_key=?",
        "pk_first_answers": "first_answers USING INDEX sqlite_autoindex_first_answers_1 (organization_id=? AND name=?)",
        "pk_repositories": "repositories USING INDEX sqlite_autoindex_repositories_1 (organization_id=? AND id=?)",
    }
    return database(store).writer.dialect.name == "sqlite" and columns.get(index, index) in text
