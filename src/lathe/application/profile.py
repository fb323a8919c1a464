"""What people decide about their own account: name, password, how pages look, where they are logged in."""

from __future__ import annotations

from attrs import evolve

from lathe.application.auditing import note_for_person
from lathe.application.login import TOKEN_BYTES, Viewer, open_session
from lathe.application.ports import Ids, PasswordHasher, Store, Transaction
from lathe.domain.audit import Action
from lathe.domain.errors import Conflict, Fault, Invalid, NotFound
from lathe.domain.organization import Preferences
from lathe.domain.session import LinkPurpose, Session, checked_password
from lathe.domain.text import checked_name


def prefer(store: Store, viewer: Viewer, name: str, preferences: Preferences) -> None:
    """Keep the person's name and how the person likes the pages. Raises Invalid (name)."""
    name = checked_name(name)

    def work(tx: Transaction) -> None:
        user = tx.users.get(viewer.user.id, lock=True)
        renamed = evolve(user, name=name, preferences=preferences)
        tx.users.save(renamed)
        if name != user.name:
            note_for_person(tx, renamed, Action.CHANGED, f"name: {user.name} → {name}")

    store.write(work)


def change_password(
    store: Store,
    ids: Ids,
    hasher: PasswordHasher,
    viewer: Viewer,
    *,
    present: str,
    password: str,
    browser: str | None = None,
) -> str:
    """Set another password, by whoever knows the present one. Returns a new session's token; every other one ends.

    Links that would set the password die with it. Raises Invalid (either password), Conflict (it was changed
    meanwhile).
    """
    if not hasher.verify(viewer.user.password_hash, present):
        fault = Fault("/present", "wrong", "is not the present password")
        raise Invalid(fault.detail, (fault,))
    hashed = hasher.hash(checked_password(password))
    session_token = ids.entropy(TOKEN_BYTES).hex()

    def work(tx: Transaction) -> None:
        user = tx.users.get(viewer.user.id, lock=True)
        if user.password_hash != viewer.user.password_hash:
            raise Conflict("the password was changed meanwhile; log in with the new one")
        tx.users.save(evolve(user, password_hash=hashed))
        tx.sessions.remove_all(user.id)
        tx.links.remove(LinkPurpose.PASSWORD, user.id)
        open_session(tx, user.id, session_token, browser)
        note_for_person(tx, user, Action.PASSWORD_SET)

    store.write(work)
    return session_token


def sessions(store: Store, viewer: Viewer) -> list[Session]:
    """Return where the person is logged in, the browser that was used last first."""

    def work(tx: Transaction) -> list[Session]:
        now = tx.now()
        return [one for one in tx.sessions.of_user(viewer.user.id) if one.alive(now)]

    return store.read(work)


def end_session(store: Store, viewer: Viewer, handle: str) -> None:
    """End one of the person's sessions. Raises NotFound."""

    def work(tx: Transaction) -> None:
        found = [one for one in tx.sessions.of_user(viewer.user.id) if one.handle == handle]
        if not found:
            raise NotFound("there is no such session")
        for one in found:
            tx.sessions.remove(one.token_hash)

    store.write(work)


def end_other_sessions(store: Store, viewer: Viewer) -> None:
    """End every session of the person but the one that asks."""

    def work(tx: Transaction) -> None:
        for one in tx.sessions.of_user(viewer.user.id):
            if one.token_hash != viewer.session.token_hash:
                tx.sessions.remove(one.token_hash)

    store.write(work)
