"""Settings → Audit log: sentences, filters, older pages."""

from __future__ import annotations

import html
import re

from attrs import evolve

from lathe.adapters.ui import audit, words
from lathe.application import keys, organizations, projects, releases
from lathe.application.caller import Caller, command_caller
from lathe.application.ports import Transaction
from lathe.domain.api_key import Scope
from lathe.domain.audit import Action, SubjectKind
from lathe.domain.organization import Actor, Member, Role
from lathe.domain.release import ReleaseState
from tests.unit.ui.world import World

AUDIT = "/o/acme/settings/audit"


def sentences(page: str) -> list[str]:
    """Return the sentences of a page as they read."""
    found = re.findall(r'<div class="what">(.*?)</div>', page, re.DOTALL)
    return [" ".join(html.unescape(re.sub(r"<[^>]*>", "", one)).split()) for one in found]


def test_it_says_who_did_what_in_plain_words(world: World) -> None:
    page = world.client("viewer").get(AUDIT).text
    said = sentences(page)
    assert said[0] == "Ann invited olga@acme.test · as tester"
    assert "Ann filed build Pipeline #480 (acme/pay-api) · under 2.5 of Pay" in said
    [rejected] = [one for one in said if one.endswith(" · other: Not ours. Ask ليلى.")]
    assert rejected.startswith("Ann rejected build Pipeline #481 (")
    [created] = [one for one in said if one.endswith(" · builds:read; without an end")]
    assert re.match(r"Ann created API key Old script \(pt_live_\w{4}…\)", created)
    [hook] = [one for one in said if one.startswith("Ann made a new secret for")]
    assert re.fullmatch(r"Ann made a new secret for the webhook of Bitbucket \(…[0-9a-f]{6}\)", hook)
    assert f'href="/o/acme/queue/{world.ids["Pipeline #480"]}"' in page


def test_people_keys_and_releases_of_one_name_are_told_apart(empty: World) -> None:
    parts, ids = empty.parts, empty.parts.ids
    twin = evolve(empty.people["tester"].user, id=ids.new(), email="tim@acme.test")

    def join(tx: Transaction) -> None:
        tx.users.add(twin)
        tx.users.join(Member(empty.acme.id, twin.id, Role.TESTER, tx.now()))

    parts.store.write(join)
    for user in (empty.people["tester"].user, twin):
        caller = Caller(empty.acme.id, Actor("user", user.id, user.name))
        project = projects.create(parts.store, ids, caller, f"Product of {user.email}").project
        releases.create(parts.store, ids, caller, project.id, "2.5", state=ReleaseState.ACTIVE, branch_patterns=[])
    made = [keys.create(parts.store, ids, empty.caller, "CI", list(Scope))[0] for _ in range(2)]
    for key in made:
        by_key = Caller(empty.acme.id, Actor("key", key.id, key.name))
        organizations.change(parts.store, by_key, name=f"Acme {key.shown}")
    page = empty.client("viewer").get(AUDIT).text
    said = sentences(page)
    assert len({*said}) == len(said) == 8
    assert said[0].startswith(f"CI (API key {made[1].shown}…) changed organization")
    assert "Tom (tom@acme.test) created release 2.5 · in Product of tom@acme.test, active" in said
    assert f'<option value="{twin.id}">Tom · tim@acme.test</option>' in page


def test_every_action_and_kind_of_thing_has_words() -> None:
    assert set(words.ACTIONS) == set(Action)
    assert set(words.SUBJECTS) == set(words.SUBJECT_KINDS) == set(SubjectKind)


def test_it_is_filtered_by_person_kind_and_day(empty: World) -> None:
    parts, browser = empty.parts, empty.client("viewer")
    tom = empty.people["tester"].user
    by_key = Caller(empty.acme.id, Actor("key", parts.ids.new(), "CI"))
    keys.create(parts.store, parts.ids, Caller(empty.acme.id, Actor("user", tom.id, tom.name)), "Tom's", list(Scope))
    organizations.change(parts.store, by_key, name="Acme 2")
    organizations.change(parts.store, command_caller(empty.acme.id), name="Acme 3")
    today = empty.clock.now().date()
    for query, found in (
        ("", 3),
        (f"?who={tom.id}", 1),
        ("?who=key", 1),
        ("?who=command&kind=organization", 1),
        ("?kind=organization", 2),
        (f"?day={today}", 3),
        (f"?day={today}&kind=key", 1),
        ("?day=2020-01-01", 0),
        ("?day=0000-99-99&kind=nonsense&who=nobody", 3),
        ("?day=9999-12-31", 3),
    ):
        page = browser.get(f"{AUDIT}{query}").text
        assert len(sentences(page)) == found, query
        assert ("Clear filters" in page) == (found < 3 or "day=2026" in query), query
    assert "CI (API key) changed organization Acme 2 · name: Acme → Acme 2" in sentences(browser.get(AUDIT).text)
    assert "Nothing fits." in browser.get(f"{AUDIT}?kind=hook").text
    assert f'value="{tom.id}" selected' in browser.get(f"{AUDIT}?who={tom.id}").text


def test_older_changes_are_on_the_next_page_with_the_same_filter(empty: World) -> None:
    for number in range(audit.EVENTS_SHOWN + 3):
        organizations.change(empty.parts.store, empty.caller, name=f"Acme {number}")
    browser = empty.client("admin")
    first = browser.get(f"{AUDIT}?kind=organization")
    older = re.search(r'href="(/o/acme/settings/audit\?kind=organization&amp;after=[^"]*)">Older', first.text)
    assert older
    assert len(sentences(first.text)) == audit.EVENTS_SHOWN
    second = browser.get(html.unescape(older[1])).text
    assert len(sentences(second)) == 3
    assert ">Newest</a>" in second
    assert browser.get(f"{AUDIT}?after=nonsense").status_code == 404


def test_where_nothing_was_changed_it_says_what_will_stand_here(empty: World) -> None:
    assert "Nothing was changed yet." in empty.client("admin").get(AUDIT).text
