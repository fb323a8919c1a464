"""Members: invited, come, given another role, removed; the last admin stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from lathe.application import login, members, organizations
from lathe.application.caller import Caller, command_caller
from lathe.application.history import log
from lathe.application.lists import AuditFilter
from lathe.domain.errors import Conflict, Invalid, NotFound
from lathe.domain.organization import Actor, Organization, Role
from lathe.domain.session import LinkPurpose
from tests.unit.application.test_people import Door


class Office(Door):
    """An organization whose first admin is Ann."""

    def __init__(self) -> None:
        super().__init__()
        self.acme, self.session = self.set_up()
        ann = login.viewer(self.store, self.session)
        assert ann
        self.ann = Caller(self.acme.id, Actor("user", ann.user.id, ann.user.name))

    def invite_to(self, organization: Organization, email: str, role: Role = Role.TESTER) -> members.Invited:
        return members.invite(self.store, self.ids, command_caller(organization.id), email, role)

    def renew(self, email: str, role: Role = Role.TESTER) -> members.Invited:
        return members.invite_or_renew(self.store, self.ids, self.ann, email, role)

    def come(self, email: str, role: Role = Role.TESTER) -> members.Invited:
        """Invite somebody who opens the link at once."""
        invited = self.invite_to(self.acme, email, role)
        self.set_password(invited.token)
        return invited

    def roles(self, organization: Organization | None = None) -> dict[str, str]:
        found = members.listed(self.store, (organization or self.acme).id).members
        return {user.email.partition("@")[0]: member.role.value for user, member in found}

    def waiting(self, organization: Organization | None = None) -> dict[str, tuple[str, bool]]:
        found = members.listed(self.store, (organization or self.acme).id).invitations
        return {one.user.email.partition("@")[0]: (one.role.value, one.account) for one in found}

    def told(self) -> list[tuple[str, str, str]]:
        events = log(self.store, self.acme.id, AuditFilter(), 100, None).rows[::-1]
        return [(event.action.value, event.subject.name, event.detail) for event in events]


@pytest.fixture
def office() -> Office:
    return Office()


def test_an_invitation_is_open_until_its_link_is_used(office: Office) -> None:
    invited = members.invite(office.store, office.ids, office.ann, " Ben@Acme.test", Role.TESTER)
    assert (office.roles(), office.waiting()) == ({"ann": "admin"}, {"ben": ("tester", False)})
    assert login.look_at_link(office.store, invited.token, LinkPurpose.PASSWORD).organization == "Acme"
    office.set_password(invited.token, name="Ben")
    assert (office.roles(), office.waiting()) == ({"ann": "admin", "ben": "tester"}, {})
    assert office.told()[1:] == [("invited", "ben@acme.test", "as tester"), ("joined", "ben@acme.test", "")]


def test_an_invitation_that_ended_stays_listed_and_gets_a_new_link(office: Office) -> None:
    old = office.invite_to(office.acme, "ben@acme.test")
    office.clock.advance(timedelta(hours=25))
    assert office.waiting() == {"ben": ("tester", False)}
    new = office.renew("ben@acme.test", Role.ADMIN)
    assert new.purpose is LinkPurpose.PASSWORD
    assert office.waiting() == {"ben": ("admin", False)}
    with pytest.raises(NotFound):
        office.set_password(old.token)
    office.set_password(new.token)
    assert office.roles()["ben"] == "admin"


def test_an_invitation_that_was_taken_back_leads_nowhere(office: Office) -> None:
    invited = office.invite_to(office.acme, "ben@acme.test")
    members.withdraw(office.store, office.ann, invited.user.id)
    assert (office.roles(), office.waiting()) == ({"ann": "admin"}, {})
    with pytest.raises(NotFound):
        office.set_password(invited.token)
    with pytest.raises(NotFound):
        members.withdraw(office.store, office.ann, invited.user.id)
    assert office.told()[-1] == ("uninvited", "ben@acme.test", "")
    again = office.invite_to(office.acme, "ben@acme.test")
    assert again.purpose is LinkPurpose.PASSWORD, "the account that nobody opened is gone"
    office.set_password(again.token)


def test_taking_back_an_invitation_of_an_account_leaves_the_account_alone(office: Office) -> None:
    globex = organizations.create(office.store, office.ids, "Globex")
    invited = office.invite_to(globex, "ann@acme.test", Role.VIEWER)
    assert office.waiting(globex) == {"ann": ("viewer", True)}
    members.withdraw(office.store, command_caller(globex.id), invited.user.id)
    assert office.waiting(globex) == {}
    ann = login.viewer(office.store, office.session)
    assert ann
    with pytest.raises(NotFound):
        login.join(office.store, office.ids, ann, invited.token)


def test_a_join_link_that_ended_is_not_listed_and_one_that_was_used_cannot_be_taken_back(office: Office) -> None:
    globex = organizations.create(office.store, office.ids, "Globex")
    office.invite_to(globex, "ann@acme.test")
    office.clock.advance(timedelta(hours=25))
    assert office.waiting(globex) == {}
    used = office.invite_to(globex, "ann@acme.test")
    ann = login.viewer(office.store, office.login("ann@acme.test"))
    assert ann
    login.join(office.store, office.ids, ann, used.token)
    with pytest.raises(NotFound):
        members.withdraw(office.store, command_caller(globex.id), used.user.id)


def test_an_account_that_another_organization_invited_is_never_handed_over(office: Office) -> None:
    """Both hold a link for an account that nobody has opened; only the first one's sets its password."""
    globex = organizations.create(office.store, office.ids, "Globex")
    first = office.invite_to(office.acme, "ben@acme.test")
    second = office.invite_to(globex, "ben@acme.test", Role.ADMIN)
    assert (first.purpose, second.purpose) == (LinkPurpose.PASSWORD, LinkPurpose.JOIN)
    with pytest.raises(NotFound):
        office.set_password(second.token)
    ben = login.viewer(office.store, office.set_password(first.token))
    assert ben
    login.join(office.store, office.ids, ben, second.token)
    assert office.roles(globex) == {"ben": "admin"}


def test_who_is_a_member_with_that_role_is_not_invited_again(office: Office) -> None:
    office.come("ben@acme.test")
    with pytest.raises(Conflict, match="is a member already, as tester"):
        office.renew("ben@acme.test")
    assert office.renew("ben@acme.test", Role.ADMIN).purpose is LinkPurpose.JOIN
    assert office.waiting() == {"ben": ("admin", True)}
    for invite in (office.renew, lambda email: office.invite_to(office.acme, email)):
        with pytest.raises(Invalid):
            invite("nobody")


def test_a_second_invitation_from_the_command_line_only_joins_and_the_first_one_stays(office: Office) -> None:
    first = office.invite_to(office.acme, "ben@acme.test")
    second, third = (office.invite_to(office.acme, "ben@acme.test", Role.ADMIN) for _ in range(2))
    assert [second.purpose, third.purpose] == [LinkPurpose.JOIN] * 2
    assert office.waiting() == {"ben": ("tester", False)}
    ben = login.viewer(office.store, office.set_password(first.token))
    assert ben
    with pytest.raises(NotFound):
        login.join(office.store, office.ids, ben, second.token)
    login.join(office.store, office.ids, ben, third.token)
    assert office.roles()["ben"] == "admin"


def test_somebody_new_and_somebody_else_with_an_account_are_invited_where_renewing_is_possible(office: Office) -> None:
    assert office.renew("ben@acme.test").purpose is LinkPurpose.PASSWORD
    globex = organizations.create(office.store, office.ids, "Globex")
    cem = office.invite_to(globex, "cem@globex.test")
    assert office.renew("cem@globex.test").purpose is LinkPurpose.JOIN
    office.set_password(cem.token)
    assert office.waiting() == {"ben": ("tester", False), "cem": ("tester", True)}


def test_another_role_ends_every_session(office: Office) -> None:
    ben = office.come("ben@acme.test").user
    session = office.login("ben@acme.test")
    members.change_role(office.store, office.ann, ben.id, Role.TESTER)
    assert login.viewer(office.store, session), "that was no change"
    members.change_role(office.store, office.ann, ben.id, Role.ADMIN)
    assert login.viewer(office.store, session) is None
    assert office.roles()["ben"] == "admin"
    assert office.told()[-1] == ("changed", "ben@acme.test", "role: tester → admin")


def test_another_role_takes_back_the_promise_of_one(office: Office) -> None:
    ben = office.come("ben@acme.test").user
    promised = office.invite_to(office.acme, "ben@acme.test", Role.ADMIN)
    members.change_role(office.store, office.ann, ben.id, Role.VIEWER)
    seen = login.viewer(office.store, office.login("ben@acme.test"))
    assert seen
    with pytest.raises(NotFound):
        login.join(office.store, office.ids, seen, promised.token)
    assert (office.roles()["ben"], office.waiting()) == ("viewer", {})


def test_who_was_invited_and_has_not_come_is_no_member_yet(office: Office) -> None:
    ben = office.invite_to(office.acme, "ben@acme.test")
    acts: list[Callable[[], object]] = [
        lambda: members.change_role(office.store, office.ann, ben.user.id, Role.ADMIN),
        lambda: members.remove(office.store, office.ann, ben.user.id),
    ]
    for act in acts:
        with pytest.raises(NotFound, match="no member yet"):
            act()
    office.set_password(ben.token)
    assert office.roles() == {"ann": "admin", "ben": "tester"}


def test_who_is_removed_is_out_at_once_and_can_be_invited_back(office: Office) -> None:
    ben = office.come("ben@acme.test").user
    session = office.login("ben@acme.test")
    promised = office.invite_to(office.acme, "ben@acme.test", Role.ADMIN)
    members.remove(office.store, office.ann, ben.id)
    assert (office.roles(), office.waiting()) == ({"ann": "admin"}, {})
    assert login.viewer(office.store, session) is None
    seen = login.viewer(office.store, office.login("ben@acme.test"))
    assert seen
    assert seen.memberships == ()
    with pytest.raises(NotFound):
        login.join(office.store, office.ids, seen, promised.token)
    assert office.told()[-1] == ("removed", "ben@acme.test", "was tester")
    assert office.invite_to(office.acme, "ben@acme.test").purpose is LinkPurpose.JOIN


def test_the_last_admin_can_neither_go_nor_be_less(office: Office) -> None:
    ann = office.ann.actor.id
    assert ann
    office.invite_to(office.acme, "ben@acme.test", Role.ADMIN)
    demoting = office.invite_to(office.acme, "ann@acme.test", Role.VIEWER).token
    seen = login.viewer(office.store, office.session)
    assert seen
    ways_out: list[Callable[[], object]] = [
        lambda: members.remove(office.store, office.ann, ann),
        lambda: members.change_role(office.store, office.ann, ann, Role.VIEWER),
        lambda: login.join(office.store, office.ids, seen, demoting),
    ]
    for leave in ways_out:
        with pytest.raises(Conflict, match="the only admin") as refused:
            leave()
        assert refused.value.reason == "last_admin"
    assert login.viewer(office.store, office.session)
    office.come("cem@acme.test", Role.ADMIN)
    members.remove(office.store, office.ann, ann)
    assert office.roles() == {"cem": "admin"}


def test_who_is_no_member_cannot_be_changed(office: Office) -> None:
    globex = organizations.create(office.store, office.ids, "Globex")
    cem = office.invite_to(globex, "cem@globex.test").user
    acts: list[Callable[[], object]] = [
        lambda: members.change_role(office.store, office.ann, cem.id, Role.ADMIN),
        lambda: members.remove(office.store, office.ann, cem.id),
        lambda: members.withdraw(office.store, office.ann, cem.id),
    ]
    for act in acts:
        with pytest.raises(NotFound):
            act()
    assert office.waiting(globex) == {"cem": ("tester", False)}
