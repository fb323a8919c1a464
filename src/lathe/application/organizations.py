"""Organizations and what their admins decide."""

from __future__ import annotations

from uuid import UUID

from attrs import evolve

from lathe.application.auditing import note, note_changes
from lathe.application.caller import Caller, command_caller
from lathe.application.ports import Ids, Store, Transaction
from lathe.domain.audit import Action
from lathe.domain.errors import NotFound
from lathe.domain.organization import Organization
from lathe.domain.text import checked_name, slugged


def create(store: Store, ids: Ids, name: str, *, allow_org_id: bool = False) -> Organization:
    """Create an organization, from the command line. Raises Invalid (name), Conflict (``slug_taken``)."""

    def work(tx: Transaction) -> Organization:
        organization = add(tx, ids, name, allow_org_id=allow_org_id)
        note(tx, command_caller(organization.id), Action.CREATED, organization)
        return organization

    return store.write(work)


def add(tx: Transaction, ids: Ids, name: str, *, allow_org_id: bool = False) -> Organization:
    """Create an organization within a transaction that writes down who did it.

    Raises Invalid (name), Conflict (``slug_taken``).
    """
    name = checked_name(name)
    organization = Organization(ids.new(), name, slugged(name, "organization"), tx.now(), allow_org_id=allow_org_id)
    tx.organizations.add(organization)
    return organization


def listed(store: Store) -> list[Organization]:
    """Return all organizations by slug: for the command line only."""
    return store.read(lambda tx: tx.organizations.all())


def find(store: Store, id_or_slug: str) -> Organization:
    """Return the organization of that id or slug. Raises NotFound."""

    def work(tx: Transaction) -> Organization:
        if found := tx.organizations.find_by_slug(id_or_slug):
            return found
        try:
            return tx.organizations.get(UUID(id_or_slug))
        except ValueError:
            raise NotFound(f"there is no organization {id_or_slug}") from None

    return store.read(work)


def change(
    store: Store,
    caller: Caller,
    *,
    name: str | None = None,
    allow_org_id: bool | None = None,
    confirm_name_matches: bool | None = None,
) -> Organization:
    """Change what is given of the caller's organization. Raises Invalid (name)."""

    def work(tx: Transaction) -> Organization:
        before = organization = tx.organizations.get(caller.organization_id, lock=True)
        if name is not None:
            organization = organization.renamed(name)
        if allow_org_id is not None:
            organization = evolve(organization, allow_org_id=allow_org_id)
        if confirm_name_matches is not None:
            organization = evolve(organization, confirm_name_matches=confirm_name_matches)
        tx.organizations.save(organization)
        confirms = (before.confirm_name_matches, organization.confirm_name_matches)
        note_changes(
            tx,
            caller,
            organization,
            name=(before.name, organization.name),
            reporting_with_the_id_alone=(before.allow_org_id, organization.allow_org_id),
            a_person_confirms_matches_by_name=confirms,
        )
        return organization

    return store.write(work)
