"""The own account: name, preferences, password, sessions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lathe.application import login, profile
from lathe.application.history import log
from lathe.application.lists import AuditFilter
from lathe.application.login import Viewer
from lathe.domain.errors import Conflict, Invalid, NotFound
from lathe.domain.organization import Preferences, Theme
from tests.unit.application.test_people import PASSWORD, Door

NEW = "a new and longer password"


class Home(Door):
    def __init__(self) -> None:
        super().__init__()
        self.acme, self.session = self.set_up()

    def ann(self, session: str | None = None) -> Viewer:
        found = login.viewer(self.store, session or self.session)
        assert found
        return found

    def change(self, viewer: Viewer, present: str = PASSWORD, password: str = NEW) -> str:
        return profile.change_password(
            self.store, self.ids, self.hasher, viewer, present=present, password=password, browser="Firefox on Linux"
        )


@pytest.fixture
def home() -> Home:
    return Home()


def test_name_and_preferences_are_kept(home: Home) -> None:
    assert home.ann().user.preferences == Preferences()
    profile.prefer(home.store, home.ann(), " Ann A. ", Preferences(Theme.DARK, shortcuts=False))
    assert (home.ann().user.name, home.ann().user.preferences) == ("Ann A.", Preferences(Theme.DARK, shortcuts=False))
    profile.prefer(home.store, home.ann(), "Ann A.", Preferences())
    events = log(home.store, home.acme.id, AuditFilter(), 9, None).rows
    told = [(event.actor.name, event.action.value, event.detail) for event in events]
    assert told[:-1] == [("Ann A.", "changed", "name: Ann → Ann A.")], "a name is known to others; the look is not"
    with pytest.raises(Invalid):
        profile.prefer(home.store, home.ann(), " ", Preferences())


def test_the_password_is_changed_by_who_knows_the_present_one(home: Home) -> None:
    elsewhere = home.login("ann@acme.test")
    link = login.reset_link(home.store, home.ids, "ann@acme.test")
    fresh = home.change(home.ann())
    assert [login.viewer(home.store, one) for one in (home.session, elsewhere)] == [None, None]
    assert home.ann(fresh).session.browser == "Firefox on Linux"
    with pytest.raises(NotFound):
        home.set_password(link)
    assert home.login("ann@acme.test", NEW)
    told = [event.action.value for event in log(home.store, home.acme.id, AuditFilter(), 9, None).rows]
    assert told == ["password_set", "password_link_made", "created"]


@pytest.mark.parametrize(
    ("present", "password", "field"), [("guess", NEW, "/present"), (PASSWORD, "short", "/password")]
)
def test_a_password_that_will_not_do_changes_nothing(home: Home, present: str, password: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        home.change(home.ann(), present, password)
    assert [fault.pointer for fault in refused.value.faults] == [field]
    assert login.viewer(home.store, home.session) is not None
    assert home.login("ann@acme.test")


def test_of_two_that_change_the_password_at_once_the_later_one_is_told(home: Home) -> None:
    stale = home.ann()
    home.change(stale)
    with pytest.raises(Conflict):
        home.change(stale, password="yet another password")
    assert home.login("ann@acme.test", NEW)


def test_sessions_are_listed_and_ended_by_their_owner_alone(home: Home) -> None:
    home.clock.advance(timedelta(minutes=5))
    phone, laptop = home.login("ann@acme.test"), home.login("ann@acme.test")
    ben, _ = home.invite("ben@acme.test", home.acme)
    bens = home.ann(home.set_password(ben))
    ann = home.ann()
    listed = profile.sessions(home.store, ann)
    assert {one.handle for one in listed} == {home.ann(one).session.handle for one in (home.session, phone, laptop)}
    with pytest.raises(NotFound):
        profile.end_session(home.store, ann, bens.session.handle)
    profile.end_session(home.store, ann, home.ann(phone).session.handle)
    assert login.viewer(home.store, phone) is None
    assert login.viewer(home.store, laptop)
    profile.end_other_sessions(home.store, ann)
    assert [one.handle for one in profile.sessions(home.store, ann)] == [ann.session.handle]
    assert profile.sessions(home.store, bens)


def test_sessions_that_are_over_are_not_listed(home: Home) -> None:
    home.clock.advance(timedelta(hours=13))
    now = home.ann(home.login("ann@acme.test"))
    assert [one.handle for one in profile.sessions(home.store, now)] == [now.session.handle]
