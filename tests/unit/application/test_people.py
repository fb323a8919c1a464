"""Set-up, one-time links, login, sessions."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from lathe.adapters.ids import RandomIds
from lathe.adapters.memory.clock import SettableClock
from lathe.adapters.memory.store import MemoryStore
from lathe.application import login, members, organizations
from lathe.application.caller import command_caller
from lathe.domain.errors import Conflict, Invalid, NotFound, Unauthenticated
from lathe.domain.organization import Organization, Role
from lathe.domain.session import LinkPurpose, OneTimeLink
from tests.unit.application.world import NOON

PASSWORD = "correct horse battery"


class PlainHasher:
    """Hashes nothing; remembers for whom it was asked, since unknown people must cost the same."""

    def __init__(self) -> None:
        self.verified: list[str | None] = []

    def hash(self, password: str) -> str:
        return f"hash of {password}"

    def verify(self, stored: str | None, password: str) -> bool:
        self.verified.append(stored)
        return stored == f"hash of {password}"


class Door:
    def __init__(self) -> None:
        self.clock = SettableClock(NOON)
        self.store = MemoryStore(self.clock)
        self.ids = RandomIds()
        self.hasher = PlainHasher()

    def set_up(self, organization: str = "Acme") -> tuple[Organization, str]:
        token = login.setup_link(self.store, self.ids)
        return login.set_up(
            self.store,
            self.ids,
            self.hasher,
            token,
            organization=organization,
            email="Ann@Acme.test",
            name="Ann",
            password=PASSWORD,
        )

    def login(self, email: str, password: str = PASSWORD) -> str:
        return login.login(self.store, self.ids, self.hasher, email, password)

    def invite(self, email: str, organization: Organization, role: Role = Role.TESTER) -> tuple[str, LinkPurpose]:
        invited = members.invite(self.store, self.ids, command_caller(organization.id), email, role)
        return invited.token, invited.purpose

    def set_password(self, token: str, password: str = PASSWORD, name: str | None = None) -> str:
        return login.set_password(self.store, self.ids, self.hasher, token, name=name, password=password)


@pytest.fixture
def door() -> Door:
    return Door()


def test_the_set_up_link_makes_the_first_organization_and_its_admin_once(door: Door) -> None:
    assert login.needs_setup(door.store)
    stale, fresh = (login.setup_link(door.store, door.ids) for _ in range(2))
    with pytest.raises(NotFound):
        login.look_at_link(door.store, stale, LinkPurpose.SETUP)
    assert login.look_at_link(door.store, fresh, LinkPurpose.SETUP).email is None
    organization, token = door.set_up()
    viewer = login.viewer(door.store, token)
    assert viewer is not None
    assert (viewer.user.email, viewer.user.name) == ("ann@acme.test", "Ann")
    assert viewer.membership("acme")[0] == organization
    assert viewer.membership("acme")[1].role is Role.ADMIN
    assert not login.needs_setup(door.store)
    with pytest.raises(Conflict):
        login.setup_link(door.store, door.ids)


def test_two_that_hold_set_up_links_cannot_both_use_them(door: Door) -> None:
    token = login.setup_link(door.store, door.ids)
    organization = organizations.create(door.store, door.ids, "Acme")
    door.invite("ben@acme.test", organization)
    with pytest.raises(Conflict):
        login.set_up(
            door.store,
            door.ids,
            door.hasher,
            token,
            organization="Other",
            email="eve@other.test",
            name="Eve",
            password=PASSWORD,
        )


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "no address"), ("name", " "), ("password", "short"), ("organization", "")],
)
def test_set_up_with_bad_input_says_which_field_and_keeps_the_link(door: Door, field: str, value: str) -> None:
    token = login.setup_link(door.store, door.ids)
    good = {"email": "ann@acme.test", "name": "Ann", "password": PASSWORD, "organization": "Acme"}
    with pytest.raises(Invalid) as refused:
        login.set_up(door.store, door.ids, door.hasher, token, **good | {field: value})
    assert [fault.pointer for fault in refused.value.faults] == [f"/{field}"]
    assert login.look_at_link(door.store, token, LinkPurpose.SETUP).purpose is LinkPurpose.SETUP


def test_an_invited_person_sets_a_password_and_is_in(door: Door) -> None:
    organization, _ = door.set_up()
    token, purpose = door.invite("ben@acme.test", organization)
    assert purpose is LinkPurpose.PASSWORD
    assert login.look_at_link(door.store, token, purpose).email == "ben@acme.test"
    viewer = login.viewer(door.store, door.set_password(token, name="Ben"))
    assert viewer is not None
    assert (viewer.user.name, viewer.membership("acme")[1].role) == ("Ben", Role.TESTER)
    with pytest.raises(NotFound):
        door.set_password(token)


def test_inviting_somebody_who_has_an_account_never_touches_the_password(door: Door) -> None:
    door.set_up()
    other = organizations.create(door.store, door.ids, "Globex")
    token, purpose = door.invite("ANN@acme.test", other, Role.VIEWER)
    assert purpose is LinkPurpose.JOIN
    assert login.look_at_link(door.store, token, purpose).organization == "Globex"
    with pytest.raises(NotFound):
        door.set_password(token)
    ann = login.viewer(door.store, door.login("ann@acme.test"))
    assert ann is not None
    with pytest.raises(NotFound):
        ann.membership("globex")
    joined, _ = login.join(door.store, door.ids, ann, token)
    assert joined == other
    ann = login.viewer(door.store, door.login("ann@acme.test"))
    assert ann is not None
    assert ann.membership("globex")[1].role is Role.VIEWER


def test_a_join_link_is_good_for_its_person_only(door: Door) -> None:
    organization, session = door.set_up()
    door.invite("ben@acme.test", organization)
    other = organizations.create(door.store, door.ids, "Globex")
    token, _ = door.invite("ben@acme.test", other)
    ann = login.viewer(door.store, session)
    assert ann is not None
    with pytest.raises(NotFound):
        login.join(door.store, door.ids, ann, token)
    assert login.viewer(door.store, session)


def test_another_role_ends_every_session_and_begins_a_new_one(door: Door) -> None:
    organization, session = door.set_up()
    elsewhere = door.login("ann@acme.test")
    door.set_password(door.invite("ben@acme.test", organization, Role.ADMIN)[0])
    token, _ = door.invite("ann@acme.test", organization, Role.VIEWER)
    ann = login.viewer(door.store, session)
    assert ann is not None
    _, fresh = login.join(door.store, door.ids, ann, token)
    assert [login.viewer(door.store, one) for one in (session, elsewhere)] == [None, None]
    now = login.viewer(door.store, fresh)
    assert now is not None
    assert now.membership("acme")[1].role is Role.VIEWER


def test_inviting_to_an_organization_that_is_not_there_makes_nobody(door: Door) -> None:
    with pytest.raises(NotFound):
        members.invite(door.store, door.ids, command_caller(uuid4()), "ben@acme.test", Role.TESTER)
    assert login.needs_setup(door.store)


def test_login_gives_one_answer_for_unknown_people_and_wrong_passwords(door: Door) -> None:
    door.set_up()
    for email, password in (("ann@acme.test", "wrong password!"), ("nobody@acme.test", PASSWORD)):
        with pytest.raises(Unauthenticated, match="E-mail address or password is wrong"):
            door.login(email, password)
    assert door.hasher.verified == [f"hash of {PASSWORD}", None]
    assert login.viewer(door.store, door.login(" Ann@ACME.test "))


def test_a_login_with_a_password_that_was_changed_while_it_was_verified_opens_nothing(door: Door) -> None:
    door.set_up()
    link = login.reset_link(door.store, door.ids, "ann@acme.test")

    class SlowHasher(PlainHasher):
        def verify(self, stored: str | None, password: str) -> bool:
            fits = super().verify(stored, password)
            door.set_password(link, "another long password")
            return fits

    with pytest.raises(Unauthenticated):
        login.login(door.store, door.ids, SlowHasher(), "ann@acme.test", PASSWORD)


def test_a_reset_ends_every_session(door: Door) -> None:
    _, session = door.set_up()
    token = login.reset_link(door.store, door.ids, "ann@acme.test")
    fresh = door.set_password(token, "another long password")
    assert login.viewer(door.store, session) is None
    viewer = login.viewer(door.store, fresh)
    assert viewer is not None
    assert viewer.user.name == "Ann"
    with pytest.raises(NotFound):
        login.reset_link(door.store, door.ids, "nobody@acme.test")


def test_of_several_password_links_only_the_newest_works_and_none_once_it_was_used(door: Door) -> None:
    organization, _ = door.set_up()
    invitation, _ = door.invite("ben@acme.test", organization)
    older, newer = (login.reset_link(door.store, door.ids, "ben@acme.test") for _ in range(2))
    for stale in (invitation, older):
        with pytest.raises(NotFound):
            door.set_password(stale)
    door.set_password(newer)
    with pytest.raises(NotFound):
        door.set_password(newer)


def test_links_die_after_a_day(door: Door) -> None:
    door.set_up()
    token = login.reset_link(door.store, door.ids, "ann@acme.test")
    door.clock.advance(timedelta(hours=24))
    with pytest.raises(NotFound):
        door.set_password(token)


def test_a_login_link_opens_as_often_as_wanted(door: Door) -> None:
    _, session = door.set_up()
    ann = login.viewer(door.store, session)
    assert ann is not None
    token = login.login_link(door.store, door.ids, ann.user.id)
    sessions = {login.login_by_link(door.store, door.ids, token) for _ in range(2)}
    assert len(sessions) == 2
    assert all(login.viewer(door.store, one) for one in sessions)


def test_sessions_live_while_used_and_seven_days_at_most(door: Door) -> None:
    _, session = door.set_up()
    for _ in range(13):
        door.clock.advance(timedelta(hours=12, seconds=-1))
        assert login.viewer(door.store, session)
    door.clock.advance(timedelta(hours=12))
    assert login.viewer(door.store, session) is None
    idle = door.login("ann@acme.test")
    door.clock.advance(timedelta(hours=12))
    assert login.viewer(door.store, idle) is None


def test_logging_out_ends_a_session_and_may_be_repeated(door: Door) -> None:
    _, session = door.set_up()
    for _ in range(2):
        login.logout(door.store, session)
        assert login.viewer(door.store, session) is None
    assert login.viewer(door.store, "no session") is None


def test_prolonging_a_session_that_ended_meanwhile_does_not_revive_it(door: Door) -> None:
    _, session = door.set_up()
    door.clock.advance(timedelta(minutes=2))
    write = door.store.write

    def ended_first(work: object) -> object:
        write(lambda tx: tx.sessions.remove(login.token_hash(session)))
        return write(work)  # type: ignore[arg-type]

    door.store.write = ended_first  # type: ignore[method-assign, assignment]
    assert login.viewer(door.store, session) is None
    assert login.viewer(door.store, session) is None


def test_a_password_link_that_names_nobody_is_a_fault_of_the_program(door: Door) -> None:
    link = OneTimeLink(login.token_hash("t"), LinkPurpose.PASSWORD, NOON, NOON + timedelta(hours=1))
    door.store.write(lambda tx: tx.links.add(link))
    with pytest.raises(LookupError):
        door.set_password("t")
