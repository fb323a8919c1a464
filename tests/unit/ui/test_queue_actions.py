"""What people do in the Build Queue and with builds, by forms."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

from lathe.application import home, projects, queries, releases, triage
from lathe.domain.organization import Actor
from lathe.domain.queue_entry import EntryStatus, RejectReason
from lathe.domain.release import ReleaseState
from lathe.domain.repository import LinkKind
from lathe.domain.steps import ReasonCode
from tests.unit.ui.sample import add_entry
from tests.unit.ui.world import World


def follow(browser: Any, answer: Any) -> Any:
    assert answer.status_code == 303, answer.text
    return browser.get(answer.headers["location"])


def notice(page: Any) -> str:
    found = re.search(r'role="(?:status|alert)">\s*<span[^>]*>(.*?)</span>', page.text, re.DOTALL)
    return found[1].replace("\u2068", "").replace("\u2069", "") if found else ""


def test_filing_under_the_suggested_release_makes_a_build_and_offers_undo(world: World) -> None:
    browser = world.client("tester")
    path = f"/o/acme/queue/{world.ids['Pipeline #482']}"
    page = follow(browser, browser.post(f"{path}/assign", release_id=world.ids["Pay 2.5"], **{"from": "releases"}))
    assert notice(page) == "Pipeline #482 is filed under Pay 2.5."
    assert f'action="{path}/undo"' in page.text
    entry = world.entry("Pipeline #482")
    assert entry.status is EntryStatus.ASSIGNED
    assert entry.decided_by is not None
    assert entry.decided_by.name == "Tom"
    assert notice(browser.get("/o/acme/releases")) == "", "it is said once"
    page = follow(browser, browser.post(f"{path}/undo", **{"from": "releases"}))
    assert notice(page) == "Pipeline #482 waits in the queue again."
    assert world.entry("Pipeline #482").status is EntryStatus.PENDING
    page = follow(browser, browser.post(f"{path}/assign", release_id=world.ids["Pay 2.5"], **{"from": "entry"}))
    assert notice(page) == "Pipeline #482 is filed under Pay 2.5.", "on its own page too"


def test_a_repository_is_learned_only_where_the_box_is_ticked(world: World) -> None:
    browser = world.client("tester")
    path = f"/o/acme/queue/{world.ids['Pipeline #17']}/assign"
    browser.post(path, release_id=world.ids["Mobile app 1.9"], remember_repository="yes")
    linked = projects.get(world.parts.store, world.acme.id, world.ids["Mobile app"]).repositories
    assert [(repository.name, link.kind) for repository, link in linked] == [("acme/ledger-import", LinkKind.LEARNED)]
    browser.post(f"/o/acme/queue/{world.ids['1.9.0+204']}/assign", release_id=world.ids["Mobile app 1.9"])
    assert len(projects.get(world.parts.store, world.acme.id, world.ids["Mobile app"]).repositories) == 1


def test_nothing_is_offered_to_be_learned_while_the_repository_belongs_to_a_project(world: World) -> None:
    browser, parts = world.client("tester"), world.parts
    url, offers = "https://bitbucket.org/acme/ledger-import", ("Always file builds of", "This repository belongs to it")

    def offered() -> list[bool]:
        page = browser.get(f"/o/acme/queue/{world.ids['Pipeline #17']}").text
        assert "File under this release" in page
        return [offer in page for offer in offers]

    assert offered() == [True, True]
    repository, _ = projects.declare_repository(parts.store, parts.ids, world.caller, world.ids["Pay"], url)
    assert offered() == [False, False]
    projects.remove_repository(parts.store, world.caller, world.ids["Pay"], repository.id)
    assert offered() == [True, True]


def test_nothing_is_offered_to_be_learned_from_an_unverified_report(world: World) -> None:
    browser = world.client("tester")
    assert "Always file builds of" in browser.get(f"/o/acme/queue/{world.ids['Pipeline #17']}").text
    unverified = f"/o/acme/queue/{world.ids['nightly-2026-03-14']}"
    assert "Always file builds of" not in browser.get(unverified).text
    refused = browser.post(f"{unverified}/assign", release_id=world.ids["Pay 2.5"], remember_repository="yes")
    assert refused.status_code == 422
    assert world.entry("nightly-2026-03-14").status is EntryStatus.PENDING


def test_selecting_a_project_opens_the_choice_of_a_release_and_can_be_undone(world: World) -> None:
    browser = world.client("tester")
    path = f"/o/acme/queue/{world.ids['1.9.0+204']}"
    fields = {"project_id": world.ids["Mobile app"], "from": "releases"}
    page = follow(browser, browser.post(f"{path}/project", **fields))
    assert notice(page) == "The project of 1.9.0+204 is chosen. It waits for a release now."
    assert f'id="entry-{world.ids["1.9.0+204"]}" data-here' in page.text
    assert f'value="{world.ids["Mobile app 1.9"]}">File under' in page.text
    page = follow(browser, browser.post(f"{path}/undo", **{"from": "releases"}))
    assert world.entry("1.9.0+204").project_id is None


def test_a_project_is_created_with_the_repository_of_the_build(world: World) -> None:
    browser = world.client("tester")
    path = f"/o/acme/queue/{world.ids['Pipeline #17']}"
    assert 'value="Ledger import"' in browser.get(path).text
    follow(browser, browser.post(f"{path}/create-project", name="Ledger import", declare_repository="yes"))
    made = world.entry("Pipeline #17").project_id
    assert made is not None
    view = projects.get(world.parts.store, world.acme.id, made)
    assert (view.project.name, view.repositories[0][0].name) == ("Ledger import", "acme/ledger-import")


def test_no_project_is_created_for_a_build_that_somebody_decided_about_meanwhile(world: World) -> None:
    browser, entry = world.client("tester"), world.ids["Pipeline #17"]
    triage.reject(world.parts.store, world.caller, entry, RejectReason.DUPLICATE)
    page = browser.post(f"/o/acme/queue/{entry}/create-project", name="Ledger import", declare_repository="yes")
    assert (page.status_code, notice(page)) == (409, "Ann rejected this just now.")
    names = [project.name for project in world.parts.store.read(lambda tx: tx.projects.all(world.acme.id))]
    assert "Ledger import" not in names


def test_a_project_name_that_is_taken_stays_in_its_field(world: World) -> None:
    browser = world.client("tester")
    path = f"/o/acme/queue/{world.ids['Pipeline #17']}/create-project"
    page = browser.post(path, name="Pay", **{"from": "releases"})
    assert page.status_code == 409
    assert re.search(r'name="name" type="text" value="Pay"[^>]*aria-invalid="true"', page.text)


def test_rejecting_takes_a_reason_and_keeps_what_was_typed(world: World) -> None:
    browser = world.client("tester")
    path = f"/o/acme/queue/{world.ids['Pipeline #17']}/reject"
    again = browser.post(path, reason="other", note="  ", **{"from": "releases"})
    assert again.status_code == 422
    assert notice(again) == "Nothing was changed. See the marked field."
    assert '<option value="other" selected>' in again.text
    assert "Is needed when the reason is other" in again.text
    assert browser.post(path, reason="nonsense").status_code == 422
    page = follow(browser, browser.post(path, reason="other", note="a\r\nb", **{"from": "releases"}))
    assert notice(page) == "Pipeline #17 is rejected."
    rejection = world.entry("Pipeline #17").rejection
    assert rejection is not None
    assert (rejection.reason, rejection.note) == (RejectReason.OTHER, "a\nb")


def test_who_comes_second_reads_who_was_faster_where_and_when(world: World) -> None:
    ids, parts = world.ids, world.parts
    triage.assign(parts.store, parts.ids, world.caller, ids["Pipeline #482"], ids["Pay 2.5"])
    second = world.client("tester")
    path = f"/o/acme/queue/{ids['Pipeline #482']}"
    for fields in ({"from": "releases"}, {"from": "entry"}):
        page = second.post(f"{path}/assign", release_id=ids["Pay 2.4"], **fields)
        assert page.status_code == 409
        assert notice(page) == "Ann assigned this to 2.5 just now."
        page = second.post(f"{path}/reject", reason="broken", **fields)
        assert (page.status_code, notice(page)) == (409, "Ann assigned this to 2.5 just now.")
    build = world.entry("Pipeline #482").build_id
    assert build is not None
    assert queries.build(parts.store, world.acme.id, build).release.name == "2.5"


def test_a_release_that_is_not_active_or_not_there_takes_nothing(world: World) -> None:
    browser = world.client("tester")
    path = f"/o/acme/queue/{world.ids['Pipeline #482']}/assign"
    assert browser.post(path, release_id=world.ids["Pay 2.6"]).status_code == 409
    assert browser.post(path, release_id=world.ids["Pay"]).status_code == 422
    assert browser.post(path, release_id="").status_code == 422
    assert world.entry("Pipeline #482").status is EntryStatus.PENDING


def test_a_build_is_moved_and_sent_back(world: World) -> None:
    browser = world.client("tester")
    path = f"/o/acme/builds/{world.ids['build 459']}"
    page = follow(browser, browser.post(f"{path}/move", release_id=world.ids["Ledger 7"]))
    assert notice(page) == "The build is moved."
    assert "Tom moved it to 7" in page.text
    page = follow(browser, browser.post(f"{path}/requeue"))
    assert notice(page) == "Pipeline #459 was sent back and waits in the queue again."
    assert "withdrawn" in browser.get(path).text
    conflict = browser.post(f"{path}/move", release_id=world.ids["Pay 2.5"])
    assert (conflict.status_code, notice(conflict)) == (
        409,
        "This build was withdrawn; its entry waits in the Build Queue.",
    )


def test_undo_is_refused_once_the_release_is_closed(world: World) -> None:
    browser = world.client("tester")
    browser.post(f"/o/acme/releases/{world.ids['Pay 2.5']}/state", state="closed")
    page = browser.post(f"/o/acme/queue/{world.ids['Pipeline #480']}/undo", **{"from": "releases"})
    assert (page.status_code, notice(page)) == (409, "Release 2.5 is closed; what it holds stays.")


def test_where_undo_must_fail_the_reason_stands_in_its_place(world: World) -> None:
    browser, entry = world.client("tester"), world.ids["Pipeline #480"]
    pages = ("/o/acme/releases", f"/o/acme/queue/{entry}")
    assert all(f"/queue/{entry}/undo" in browser.get(page).text for page in pages)
    browser.post(f"/o/acme/releases/{world.ids['Pay 2.5']}/state", state="closed")
    for page in pages:
        text = browser.get(page).text
        assert f"/queue/{entry}/undo" not in text
        assert 'Cannot be undone: <span dir="auto">release 2.5 is closed; what it holds stays</span>.' in text


def test_the_slower_one_of_two_who_select_a_project_reads_who_selected_what(world: World) -> None:
    browser, parts, entry = world.client("tester"), world.parts, world.ids["Pipeline #17"]
    path = f"/o/acme/queue/{entry}"
    assert f'name="seen" value="{entry}"' in browser.get(path).text
    triage.select_project(parts.store, world.caller, entry, world.ids["Ledger"])
    for action, fields in (("project", {"project_id": world.ids["Pay"]}), ("create-project", {"name": "Books"})):
        page = browser.post(f"{path}/{action}", seen=entry, **fields)
        assert (page.status_code, notice(page)) == (409, "Ann selected project Ledger for this just now.")
    assert world.entry("Pipeline #17").project_id == world.ids["Ledger"]
    again = f"{entry} {world.ids['Ledger']}"
    assert again in browser.get(path).text
    assert browser.post(f"{path}/project", seen=again, project_id=world.ids["Pay"]).status_code == 303


def test_an_archived_project_is_refused(world: World) -> None:
    browser = world.client("tester")
    browser.post(f"/o/acme/projects/{world.ids['Console']}/archive")
    page = browser.post(f"/o/acme/queue/{world.ids['Pipeline #17']}/project", project_id=world.ids["Console"])
    assert (page.status_code, notice(page)) == (409, "Console is archived; restore it first.")


def test_the_note_of_a_rejection_is_shown_whatever_its_reason(world: World) -> None:
    browser = world.client("tester")
    browser.post(f"/o/acme/queue/{world.ids['Pipeline #17']}/reject", reason="duplicate", note="Same as #16")
    page = browser.get("/o/acme/releases").text
    assert re.search(r'as duplicate</span>: <bdi class="soft">Same as #16</bdi>', page)


def test_the_queue_goes_on_at_older_builds_and_decisions_lead_back_there(world: World) -> None:
    browser = world.client("tester")
    waiting = count_waiting(browser.get("/o/acme/releases").text)
    for number in range(home.QUEUE_SHOWN):
        age = timedelta(days=9, minutes=number)
        add_entry(world, f"Old #{number}", ReasonCode.NO_PROJECT_MATCH, "Nothing fits", age, build_number=None)
    first = browser.get("/o/acme/releases").text
    assert count_waiting(first) == home.QUEUE_SHOWN
    older = re.search(r'href="(/o/acme/releases\?after=[^"]*)">Older builds', first)
    assert older is not None
    page = browser.get(older[1]).text
    assert (count_waiting(page), "Newest builds" in page, "Older builds" in page) == (waiting, True, False)
    action = re.search(r'action="(/o/acme/queue/[^"]*/reject\?after=[^"]*)#', page)
    assert action is not None
    wrong = browser.post(action[1], reason="other", note="", **{"from": "releases"})
    assert (wrong.status_code, count_waiting(wrong.text)) == (422, waiting)
    answer = browser.post(action[1], reason="broken", note="", **{"from": "releases"})
    assert answer.headers["location"] == older[1]
    back = browser.get(older[1]).text
    assert count_waiting(back) == waiting - 1
    assert action[1].replace("/reject?", "/undo?") + '">' in back, "to undo it on the spot leads back there as well"
    assert 'href="/o/acme/settings/audit?kind=entry">All decisions' in back
    for entry in re.findall(r'id="entry-([0-9a-f-]{36})"', page):
        browser.post(f"/o/acme/queue/{entry}/reject", reason="broken", note="")
    assert "No older build waits." in browser.get(older[1]).text
    assert browser.get("/o/acme/releases?after=nowhere").status_code == 404


def count_waiting(page: str) -> int:
    return page.count(' id="entry-')


def test_releases_are_created_changed_closed_and_reopened(world: World) -> None:
    browser = world.client("tester")
    fields = {"name": "3.0", "state": "planned", "branch_patterns": "main\r\n\r\n release/3.* "}
    answer = browser.post("/o/acme/releases", project_id=world.ids["Pay"], **fields)
    page = follow(browser, answer)
    assert notice(page) == "Release 3.0 is there."
    path = answer.headers["location"]
    follow(browser, browser.post(f"{path}/state", state="active"))
    follow(browser, browser.post(path, name="3.1", branch_patterns="v3.*"))
    made = releases.get(world.parts.store, world.acme.id, UUID(path.rpartition("/")[2]))
    assert (made.name, made.state) == ("3.1", ReleaseState.ACTIVE)
    assert [pattern.text for pattern in made.branch_patterns] == ["v3.*"]
    bad = browser.post(path, name="3.1", branch_patterns="has blank")
    assert bad.status_code == 422
    assert "has blank</textarea>" in bad.text
    assert browser.post(f"{path}/state", state="planned").status_code == 409
    taken = browser.post("/o/acme/releases", project_id=world.ids["Pay"], **fields | {"name": "2.5"})
    assert (taken.status_code, 'value="2.5"' in taken.text) == (409, True)
    nowhere = browser.post("/o/acme/releases", project_id=world.ids["Pay 2.5"], **fields)
    assert (nowhere.status_code, "names no project" in nowhere.text) == (422, True)


def test_projects_are_created_and_changed_with_their_repositories(world: World) -> None:
    browser = world.client("tester")
    answer = browser.post("/o/acme/projects", name="Shop", repositories="git@bitbucket.org:acme/shop.git\nnonsense")
    assert answer.status_code == 422
    assert "“\u2068nonsense\u2069” names no repository" in answer.text
    answer = browser.post("/o/acme/projects", name="Shop", repositories="git@bitbucket.org:acme/shop.git")
    path = answer.headers["location"]
    follow(browser, browser.post(f"{path}/repositories", url=" https://github.com/acme/shop-web "))
    owned = browser.post(f"{path}/repositories", url="https://bitbucket.org/acme/pay-api")
    assert (owned.status_code, notice(owned)) == (409, "Acme/pay-api belongs to project Pay.")
    page = browser.get(path).text
    remove = re.findall(r'action="([^"]*/remove)"', page)
    assert len(remove) == 2
    follow(browser, browser.post(remove[0]))
    follow(browser, browser.post(path, name="Web shop", files="finished"))
    follow(browser, browser.post(f"{path}/releases", name="1", state="active", branch_patterns=""))
    page = browser.get(path).text
    assert "acme/shop-web" in page
    assert "acme/shop<" not in page
    assert "files every finished build" in page


def test_decisions_bear_the_name_of_who_is_logged_in(world: World) -> None:
    browser = world.client("tester")
    browser.post(f"/o/acme/queue/{world.ids['Pipeline #17']}/reject", reason="broken", note="")
    user = world.people["tester"].user
    assert world.entry("Pipeline #17").decided_by == Actor("user", user.id, "Tom")
