"""Members of an organization: invited by a one-time link, given another role, removed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from attrs import frozen

from lathe.application.auditing import note
from lathe.application.caller import Caller
from lathe.application.login import TOKEN_BYTES, must_keep_an_admin, new_link
from lathe.application.ports import Ids, Store, Transaction
from lathe.domain.audit import Action
from lathe.domain.errors import Conflict, NotFound
from lathe.domain.organization import Member, Role, User, checked_email
from lathe.domain.session import LinkPurpose, OneTimeLink


@frozen
class Invitation:
    """Somebody who was invited and has not come yet. ``account``: there is one, the link lets its owner join.

    ``before`` is the role of somebody who is a member already: the link gives another one.
    """

    user: User
    role: Role
    link: OneTimeLink
    account: bool
    before: Role | None = None


@frozen
class MembersView:
    """Everybody in an organization by e-mail address, and the invitations that are open, newest first."""

    members: list[tuple[User, Member]]
    invitations: list[Invitation]
    now: datetime


@frozen
class Invited:
    """The invitation that was just made, with the token of its link, which is kept nowhere.

    ``before`` is the role of somebody who is a member already: the link gives another one.
    """

    user: User
    role: Role
    purpose: LinkPurpose
    token: str
    before: Role | None = None


def listed(store: Store, organization_id: UUID) -> MembersView:
    """Return who is in an organization, and who was invited. Whoever has not opened a new account yet is not in."""

    def work(tx: Transaction) -> MembersView:
        now, members = tx.now(), tx.users.members(organization_id)
        known = {user.id: user for user, _ in members}
        links = [
            (one, known.get(one.user_id) or tx.users.get(one.user_id))
            for one in tx.links.invitations(organization_id)
            if one.user_id
        ]
        waiting = {user.id for link, user in links if _is_waiting(user, link)}
        roles = {user.id: member.role for user, member in members if user.id not in waiting}
        invitations = [
            Invitation(user, link.role, link, account=user.id not in waiting, before=roles.get(user.id))
            for link, user in links
            if link.role and (_is_waiting(user, link) or (user.id not in waiting and link.usable(now)))
        ]
        here = [(user, member) for user, member in members if user.id not in waiting]
        return MembersView(here, invitations, now)

    return store.read(work)


def invite(store: Store, ids: Ids, caller: Caller, email: str, role: Role) -> Invited:
    """Invite a person and return the token of the link to hand over.

    A new account's link sets the password, and the person is a member from the beginning. The link for an account that
    exists only lets its owner join, or have another role: whoever invites somebody must not be able to take over the
    account. Earlier links to join die. Raises NotFound (the organization), Invalid (the address).
    """
    email, token = checked_email(email), ids.entropy(TOKEN_BYTES).hex()
    return store.write(lambda tx: _invited(tx, ids, caller, email, role, token=token))


def invite_or_renew(store: Store, ids: Ids, caller: Caller, email: str, role: Role) -> Invited:
    """Invite a person as `invite` does; whoever was invited here and has not come gets a new link in place of the old.

    An account that nobody but this organization knows, and nobody has opened, is made anew for that. Raises NotFound
    (the organization), Invalid (the address), Conflict (the person is a member with that role).
    """
    email, token = checked_email(email), ids.entropy(TOKEN_BYTES).hex()
    here = caller.organization_id

    def work(tx: Transaction) -> Invited:
        tx.organizations.get(here, lock=True)
        user = tx.users.find_by_email(email)
        if user and not _dropped_unopened(tx, here, user):
            member = tx.users.member(here, user.id)
            if member and member.role is role:
                raise Conflict(f"{user.email} is a member already, as {role.value}", code="already_member")
        return _invited(tx, ids, caller, email, role, token=token)

    return store.write(work)


def withdraw(store: Store, caller: Caller, user_id: UUID) -> User:
    """Take an invitation back: its link leads nowhere any more, and an account that nobody has opened is gone.

    Raises NotFound if none is open.
    """
    here = caller.organization_id

    def work(tx: Transaction) -> User:
        tx.organizations.get(here, lock=True)
        if not any(link.user_id == user_id and link.used_at is None for link in tx.links.invitations(here)):
            raise NotFound("there is no such invitation")
        user = tx.users.get(user_id)
        if not _dropped_unopened(tx, here, user):
            tx.links.withdraw(here, user_id)
        note(tx, caller, Action.UNINVITED, user)
        return user

    return store.write(work)


def change_role(store: Store, caller: Caller, user_id: UUID, role: Role) -> User:
    """Give a member another role. What the person's sessions may do has changed, so all of them end.

    An open link to join with another role leads nowhere any more: the last word counts. Raises NotFound; Conflict (it
    would leave the organization without an admin).
    """
    here = caller.organization_id

    def work(tx: Transaction) -> User:
        user, member = _locked_member(tx, here, user_id)
        if member.role is role:
            return user
        if role is not Role.ADMIN:
            must_keep_an_admin(tx, here, user_id)
        tx.users.join(Member(here, user_id, role, member.since))
        tx.links.withdraw(here, user_id, LinkPurpose.JOIN)
        tx.sessions.remove_all(user_id)
        note(tx, caller, Action.CHANGED, user, f"role: {member.role.value} → {role.value}")
        return user

    return store.write(work)


def remove(store: Store, caller: Caller, user_id: UUID) -> User:
    """End a membership. Every session of the person ends, open links into the organization lead nowhere any more.

    Raises NotFound; Conflict (it would leave the organization without an admin).
    """
    here = caller.organization_id

    def work(tx: Transaction) -> User:
        user, member = _locked_member(tx, here, user_id)
        must_keep_an_admin(tx, here, user_id)
        tx.users.leave(here, user_id)
        tx.links.withdraw(here, user_id)
        tx.sessions.remove_all(user_id)
        note(tx, caller, Action.REMOVED, user, f"was {member.role.value}")
        return user

    return store.write(work)


def _locked_member(tx: Transaction, organization_id: UUID, user_id: UUID) -> tuple[User, Member]:
    """Return a member, with the organization locked: of two that leave at once, the later one sees the other gone.

    Raises NotFound, also for somebody who was invited and has not come: an invitation is withdrawn or made anew.
    """
    tx.organizations.get(organization_id, lock=True)
    member = tx.users.member(organization_id, user_id)
    if member is None:
        raise NotFound("there is no such member")
    user = tx.users.get(user_id)
    if any(link.user_id == user_id and _is_waiting(user, link) for link in tx.links.invitations(organization_id)):
        raise NotFound("whoever was invited is no member yet; take the invitation back, or invite anew")
    return user, member


def _invited(tx: Transaction, ids: Ids, caller: Caller, email: str, role: Role, *, token: str) -> Invited:
    here = caller.organization_id
    tx.organizations.get(here, lock=True)
    user, purpose = tx.users.find_by_email(email), LinkPurpose.JOIN
    member = tx.users.member(here, user.id) if user else None
    if user is None:
        user, purpose = User(ids.new(), email, email.partition("@")[0], tx.now()), LinkPurpose.PASSWORD
        tx.users.add(user)
        tx.users.join(Member(here, user.id, role, tx.now()))
    tx.links.withdraw(here, user.id, LinkPurpose.JOIN)
    tx.links.add(new_link(tx, token, purpose, user_id=user.id, organization_id=here, role=role))
    before = member.role if member else None
    note(tx, caller, Action.INVITED, user, f"as {role.value}" + (f", {before.value} until then" if before else ""))
    return Invited(user, role, purpose, token, before)


def _is_waiting(user: User, link: OneTimeLink) -> bool:
    """Tell whether an account is there only because of this link, and nobody has opened it."""
    return link.purpose is LinkPurpose.PASSWORD and user.password_hash is None


def _dropped_unopened(tx: Transaction, organization_id: UUID, user: User) -> bool:
    """Forget an account that this organization made by an invitation and that nobody has opened.

    Returns whether it was one. No other organization can have taken it in: its owner could not log in to join.
    """
    mine = [link for link in tx.links.invitations(organization_id) if link.user_id == user.id]
    # Locked: whoever opens it at this very moment keeps it.
    now = tx.users.get(user.id, lock=True) if mine else user
    if not any(_is_waiting(now, link) for link in mine):
        return False
    tx.users.leave(organization_id, user.id)
    tx.links.withdraw(organization_id, user.id)
    tx.users.forget(user.id)
    return True
