"""How people get in: set-up, one-time links, passwords, sessions."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from attrs import evolve, frozen

from lathe.application import organizations
from lathe.application.auditing import note, note_for_person
from lathe.application.caller import Caller, command_caller
from lathe.application.ports import Ids, PasswordHasher, Store, Transaction
from lathe.domain.audit import Action
from lathe.domain.errors import Conflict, NotFound, Unauthenticated, must_all_hold
from lathe.domain.organization import Actor, Member, Organization, Role, User, checked_email
from lathe.domain.session import LINK_LIFE, LinkPurpose, OneTimeLink, Session, checked_password
from lathe.domain.text import checked_name

TOKEN_BYTES = 32
_SEEN_AT_MOST_EVERY = timedelta(minutes=1)

_NOT_IN: Final = "E-mail address or password is wrong"
_GONE: Final = (
    "This link does not work any more: it was used, a newer one was made, or its 24 hours are over. "
    "Log in, or {instead}."
)
_INSTEAD: Final = {
    LinkPurpose.SETUP: "start the server again: where nobody is set up, it prints a new one",
    LinkPurpose.PASSWORD: "ask an admin for a new one",
    LinkPurpose.JOIN: "ask an admin for a new one",
    LinkPurpose.LOGIN: "ask whoever gave it to you for a new one",
}


@frozen
class Viewer:
    """A logged-in person and the organizations the person belongs to, by slug."""

    user: User
    memberships: tuple[tuple[Organization, Member], ...]
    session: Session

    def membership(self, slug: str) -> tuple[Organization, Member]:
        """Return the organization of that slug with the person's part in it. Raises NotFound."""
        for organization, member in self.memberships:
            if organization.slug == slug:
                return organization, member
        raise NotFound("there is no such organization, or you are not a member of it")


@frozen
class LinkView:
    """What a one-time link is for, before it is used: ``role`` is what the person is to be, ``before`` what a member
    is so far."""

    purpose: LinkPurpose
    email: str | None
    organization: str | None
    role: Role | None = None
    before: Role | None = None


def token_hash(token: str) -> bytes:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def needs_setup(store: Store) -> bool:
    """Tell whether nobody is there yet."""
    return not store.read(lambda tx: tx.users.any())


def setup_link(store: Store, ids: Ids) -> str:
    """Return the token of a new link that sets up the first organization and admin; earlier ones stop working.

    Raises Conflict if somebody is set up already.
    """
    token = ids.entropy(TOKEN_BYTES).hex()

    def work(tx: Transaction) -> None:
        if tx.users.any():
            raise Conflict("somebody is set up already", code="already_set_up")
        tx.links.remove(LinkPurpose.SETUP, None)
        tx.links.add(new_link(tx, token, LinkPurpose.SETUP))

    store.write(work)
    return token


def reset_link(store: Store, ids: Ids, email: str) -> str:
    """Return the token of a link that sets the password of an account, from the command line. Raises NotFound."""
    email, token = checked_email(email), ids.entropy(TOKEN_BYTES).hex()

    def work(tx: Transaction) -> None:
        user = tx.users.find_by_email(email)
        if user is None:
            raise NotFound(f"there is no account {email}")
        tx.links.remove(LinkPurpose.PASSWORD, user.id)
        tx.links.add(new_link(tx, token, LinkPurpose.PASSWORD, user_id=user.id))
        for organization, _ in tx.users.memberships(user.id):
            note(tx, command_caller(organization.id), Action.PASSWORD_LINK_MADE, user)

    store.write(work)
    return token


def login_link(store: Store, ids: Ids, user_id: UUID) -> str:
    """Return the token of a link that logs a person in as often as it is opened: for the demo alone."""
    token = ids.entropy(TOKEN_BYTES).hex()

    def work(tx: Transaction) -> None:
        tx.links.add(evolve(new_link(tx, token, LinkPurpose.LOGIN, user_id=user_id), reusable=True))

    store.write(work)
    return token


def look_at_link(store: Store, token: str, purpose: LinkPurpose) -> LinkView:
    """Return what a link is for, without using it up.

    Raises NotFound if it is unknown, used up, expired or of another kind.
    """

    def work(tx: Transaction) -> LinkView:
        link = _usable(tx, token, purpose, lock=False)
        user = tx.users.get(link.user_id) if link.user_id else None
        organization = tx.organizations.get(link.organization_id) if link.organization_id else None
        if user is None or organization is None:
            return LinkView(purpose, user.email if user else None, organization.name if organization else None)
        member = tx.users.member(organization.id, user.id)
        return LinkView(purpose, user.email, organization.name, link.role, member.role if member else None)

    return store.read(work)


def set_up(
    store: Store,
    ids: Ids,
    hasher: PasswordHasher,
    token: str,
    *,
    organization: str,
    email: str,
    name: str,
    password: str,
    browser: str | None = None,
) -> tuple[Organization, str]:
    """Use the set-up link: make the first organization and its admin, logged in. Returns the session's token.

    Raises NotFound (the link), Invalid, Conflict (somebody was faster).
    """
    must_all_hold(
        partial(checked_name, organization, "/organization"),
        partial(checked_name, name),
        partial(checked_email, email),
        partial(checked_password, password),
    )
    email, name, hashed = checked_email(email), checked_name(name), hasher.hash(password)
    session_token = ids.entropy(TOKEN_BYTES).hex()

    def work(tx: Transaction) -> Organization:
        link = _usable(tx, token, LinkPurpose.SETUP, lock=True)
        if tx.users.any():
            raise Conflict("somebody is set up already", code="already_set_up")
        now = tx.now()
        made = organizations.add(tx, ids, organization)
        user = User(ids.new(), email, name, now, hashed)
        tx.users.add(user)
        tx.users.join(Member(made.id, user.id, Role.ADMIN, now))
        note(tx, Caller(made.id, Actor("user", user.id, user.name)), Action.CREATED, made)
        tx.links.save(link.used(now))
        open_session(tx, user.id, session_token, browser)
        return made

    return store.write(work), session_token


def set_password(
    store: Store,
    ids: Ids,
    hasher: PasswordHasher,
    token: str,
    *,
    name: str | None,
    password: str,
    browser: str | None = None,
) -> str:
    """Use a password link; every other session of the person ends. Returns the new session's token.

    Raises NotFound (the link), Invalid.
    """
    must_all_hold(*([partial(checked_name, name)] if name else []), partial(checked_password, password))
    name, hashed = checked_name(name) if name else None, hasher.hash(password)
    session_token = ids.entropy(TOKEN_BYTES).hex()

    def work(tx: Transaction) -> None:
        link = _usable(tx, token, LinkPurpose.PASSWORD, lock=True)
        before = tx.users.get(_user_of(link), lock=True)
        user = evolve(before, password_hash=hashed, name=name or before.name)
        tx.users.save(user)
        tx.sessions.remove_all(user.id)
        tx.links.save(link.used(tx.now()))
        note_for_person(tx, user, Action.PASSWORD_SET if before.password_hash else Action.JOINED)
        open_session(tx, user.id, session_token, browser)

    store.write(work)
    return session_token


def join(store: Store, ids: Ids, viewer: Viewer, token: str, *, browser: str | None = None) -> tuple[Organization, str]:
    """Use a join link as the person it was made for, who has another role then. Returns a new session's token.

    What a session may do has changed, so every one that the person had ends. Raises NotFound (the link, or another
    person's); Conflict (it would leave the organization without an admin).
    """
    session_token = ids.entropy(TOKEN_BYTES).hex()

    def work(tx: Transaction) -> Organization:
        link = _usable(tx, token, LinkPurpose.JOIN, lock=True)
        if link.user_id != viewer.user.id or link.organization_id is None or link.role is None:
            raise NotFound("this link is for another account")
        organization = tx.organizations.get(link.organization_id, lock=True)
        if link.role is not Role.ADMIN:
            must_keep_an_admin(tx, organization.id, viewer.user.id)
        tx.users.join(Member(organization.id, viewer.user.id, link.role, tx.now()))
        tx.sessions.remove_all(viewer.user.id)
        tx.links.save(link.used(tx.now()))
        actor = Actor("user", viewer.user.id, viewer.user.name)
        note(tx, Caller(organization.id, actor), Action.JOINED, viewer.user, f"as {link.role.value}")
        open_session(tx, viewer.user.id, session_token, browser)
        return organization

    return store.write(work), session_token


def must_keep_an_admin(tx: Transaction, organization_id: UUID, user_id: UUID) -> None:
    """Raise Conflict (``last_admin``) if the person is the only admin of an organization whose row is locked.

    Whoever was invited and has not come yet does not count.
    """
    admins = {user.id for user, member in tx.users.members(organization_id) if member.role is Role.ADMIN}
    waiting = {link.user_id for link in tx.links.invitations(organization_id) if link.purpose is LinkPurpose.PASSWORD}
    here = {one for one in admins if one not in waiting or tx.users.get(one).password_hash}
    if here == {user_id}:
        raise Conflict("this is the only admin; make somebody else one first", code="last_admin")


def login_by_link(store: Store, ids: Ids, token: str, *, browser: str | None = None) -> str:
    """Log in with a login link and return the session's token. Raises NotFound."""
    session_token = ids.entropy(TOKEN_BYTES).hex()

    def work(tx: Transaction) -> None:
        link = _usable(tx, token, LinkPurpose.LOGIN, lock=True)
        open_session(tx, _user_of(link), session_token, browser)

    store.write(work)
    return session_token


def login(
    store: Store, ids: Ids, hasher: PasswordHasher, email: str, password: str, *, browser: str | None = None
) -> str:
    """Log in and return the session's token.

    Raises Unauthenticated: one answer for unknown people and wrong passwords.
    """
    user = store.read(lambda tx: tx.users.find_by_email(email.strip().lower()))
    fits = hasher.verify(user.password_hash if user else None, password)
    if user is None or not fits:
        raise Unauthenticated(_NOT_IN)
    session_token = ids.entropy(TOKEN_BYTES).hex()

    def work(tx: Transaction) -> None:
        # To verify takes its time: who changed the password meanwhile has ended every session that the old one opened.
        if tx.users.get(user.id, lock=True).password_hash != user.password_hash:
            raise Unauthenticated(_NOT_IN)
        open_session(tx, user.id, session_token, browser)

    store.write(work)
    return session_token


def viewer(store: Store, token: str, *, prolong: bool = True) -> Viewer | None:
    """Return who a session belongs to, None if it has ended. Use prolongs it; what pages do by themselves does not."""
    hashed = token_hash(token)

    def look(tx: Transaction) -> tuple[Viewer, bool] | None:
        session, now = tx.sessions.find(hashed), tx.now()
        if session is None or not session.alive(now):
            return None
        found = Viewer(tx.users.get(session.user_id), tuple(tx.users.memberships(session.user_id)), session)
        return found, now - session.last_seen_at >= _SEEN_AT_MOST_EVERY

    found = store.read(look)
    if found is None:
        return None
    viewer, stale = found
    if stale and prolong:
        try:
            store.write(lambda tx: tx.sessions.save(viewer.session.seen(tx.now())))
        except NotFound:
            return None  # it was ended between the look and this
    return viewer


def logout(store: Store, token: str) -> None:
    """End a session; one that has ended is fine."""
    store.write(lambda tx: tx.sessions.remove(token_hash(token)))


def new_link(
    tx: Transaction,
    token: str,
    purpose: LinkPurpose,
    *,
    user_id: UUID | None = None,
    organization_id: UUID | None = None,
    role: Role | None = None,
) -> OneTimeLink:
    """Return a link that begins to live now; only the hash of its token is in it."""
    now = tx.now()
    return OneTimeLink(token_hash(token), purpose, now, now + LINK_LIFE, user_id, organization_id, role)


def _usable(tx: Transaction, token: str, purpose: LinkPurpose, *, lock: bool) -> OneTimeLink:
    link = tx.links.find(token_hash(token), lock=lock)
    if link is None or link.purpose is not purpose or not link.usable(tx.now()):
        raise NotFound(_GONE.format(instead=_INSTEAD[purpose]))
    return link


def _user_of(link: OneTimeLink) -> UUID:
    if link.user_id is None:
        raise LookupError("a link that is made for a person names nobody")
    return link.user_id


def open_session(tx: Transaction, user_id: UUID, token: str, browser: str | None) -> None:
    """Begin a session of that token. ``browser`` is what its owner will recognise it by."""
    now = tx.now()
    tx.sessions.add(Session(token_hash(token), user_id, now, now, browser))
