"""Several builds at once, the offer to file what places cleanly now, and what the queue shows."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from lathe.adapters.ui.templating import LISTED_IN_ROWS
from lathe.application import home, projects, queries, releases, triage
from lathe.domain.build import Filed
from lathe.domain.queue_entry import EntryStatus, RejectReason
from lathe.domain.release import ReleaseState
from lathe.domain.repo_url import RepoUrl
from lathe.domain.steps import ReasonCode
from tests.unit.ui.sample import add_entry
from tests.unit.ui.test_pages import Wellformed
from tests.unit.ui.test_queue_actions import follow, notice
from tests.unit.ui.world import World

SEVERAL = "/o/acme/queue/several"
THREE = ("Pipeline #17", "1.9.0+204", "nightly-2026-03-14")


def ids(world: World, *names: str) -> list[str]:
    return [str(world.ids[name]) for name in names]


def statuses(world: World, *names: str) -> list[EntryStatus]:
    return [world.entry(name).status for name in names]


# --- several at once --------------------------------------------------------------------------------------------------


def test_what_is_ticked_is_filed_under_one_release(world: World) -> None:
    browser = world.client("tester")
    fields = {"do": "assign", "release_id": world.ids["Pay 2.4"], "entry": ids(world, *THREE)}
    page = follow(browser, browser.post(SEVERAL, **fields))
    assert notice(page) == "3 builds filed."
    assert statuses(world, *THREE) == [EntryStatus.ASSIGNED] * 3
    assert notice(browser.get("/o/acme/releases")) == "", "it is said once"


def test_everything_shown_can_be_rejected_at_once_and_leads_back_to_the_same_part(world: World) -> None:
    browser = world.client("tester")
    fields = {"do": "reject", "reason": "duplicate", "note": "", "every": "yes", "shown": ids(world, *THREE)}
    answer = browser.post(f"{SEVERAL}?q=x&project=&other=1", **fields)
    assert answer.headers["location"] == "/o/acme/releases?q=x"
    assert notice(follow(browser, answer)) == "3 builds rejected."
    assert statuses(world, *THREE) == [EntryStatus.REJECTED] * 3


def test_after_a_project_was_chosen_for_several_what_waits_for_it_is_shown(world: World) -> None:
    browser, pay = world.client("tester"), world.ids["Pay"]
    answer = browser.post(SEVERAL, do="project", project_id=pay, entry=ids(world, *THREE[:2]))
    assert answer.headers["location"] == f"/o/acme/releases?project={pay}"
    page = follow(browser, answer)
    assert notice(page) == "Project chosen for 2 builds. Assign them to a release next."
    assert all(f'id="entry-{one}"' in page.text for one in ids(world, *THREE[:2]))
    assert f'id="entry-{world.ids[THREE[2]]}"' not in page.text


def test_what_was_not_done_is_told_with_who_was_faster(world: World) -> None:
    browser, parts = world.client("tester"), world.parts
    triage.assign(parts.store, parts.ids, world.caller, world.ids["Pipeline #17"], world.ids["Ledger 7"])
    world.clock.advance(timedelta(minutes=2))
    fields = {"do": "assign", "release_id": world.ids["Pay 2.4"], "entry": ids(world, *THREE)}
    page = browser.post(SEVERAL, **fields)
    assert (page.status_code, notice(page)) == (200, "2 builds filed, 1 not.")
    assert 'Pipeline #17</b>: <span dir="auto">Ann assigned this to 7 2 min ago' in page.text
    Wellformed(page.text)
    page = browser.post(SEVERAL, **fields | {"entry": ids(world, "Pipeline #17")})
    assert (page.status_code, notice(page)) == (409, "No builds filed, 1 not.")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"do": "reject", "reason": "broken"}, "Tick the builds that are meant first."),
        ({"do": "sing", "entry": "Pipeline #17"}, "Choose what to do with them."),
        ({"do": "reject", "reason": "broken", "entry": "nonsense"}, "Choose among those that are shown."),
        ({"do": "assign", "release_id": "", "entry": "Pipeline #17"}, "Nothing was changed. See the marked field."),
        ({"do": "project", "entry": "Pipeline #17"}, "Nothing was changed. See the marked field."),
        ({"do": "reject", "reason": "other", "note": " ", "entry": "Pipeline #17"}, "Nothing was changed. See the"),
    ],
)
def test_a_form_that_cannot_be_carried_out_is_shown_again_as_it_was(
    world: World, fields: dict[str, Any], says: str
) -> None:
    picked = fields.get("entry")
    sent = fields | ({"entry": ids(world, picked)} if picked in world.ids else {})
    page = world.client("tester").post(SEVERAL, **sent)
    assert page.status_code == 422
    assert notice(page).startswith(says)
    checked = re.findall(r'name="entry" value="([^"]*)" form="several" data-key="x" checked', page.text)
    assert checked == (ids(world, picked) if picked in world.ids else [])
    assert statuses(world, *THREE) == [EntryStatus.PENDING] * 3
    Wellformed(page.text)


# --- undoing it -------------------------------------------------------------------------------------------------------


UNDO = f"{SEVERAL}/undo"


def press_undo(page: Any) -> tuple[str, dict[str, Any]]:
    """Return the address and the fields of the button that takes back what was done to several."""
    form = re.search(rf'<form method="post" action="({UNDO}[^"]*)">(.*?)</form>', page.text, re.DOTALL)
    assert form
    fields: dict[str, Any] = {}
    for name, value in re.findall(r'name="(status|until|entry)" value="([^"]*)"', form[2]):
        fields.setdefault(name, []).append(value)
    return form[1], fields


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"do": "assign", "release_id": "Pay 2.4"}, "3 builds in the queue again."),
        ({"do": "reject", "reason": "broken"}, "3 builds in the queue again."),
        ({"do": "project", "project_id": "Pay"}, "The choice of a project is taken back for 3 builds."),
    ],
)
def test_what_was_decided_together_is_undone_by_one_button(world: World, fields: dict[str, str], says: str) -> None:
    browser = world.client("tester")
    before = [world.entry(name) for name in THREE]
    sent = {name: str(world.ids.get(value, value)) for name, value in fields.items()}
    page = follow(browser, browser.post(f"{SEVERAL}?q=1", entry=ids(world, *THREE), **sent))
    assert ">Undo all 3</button>" in page.text
    Wellformed(page.text)
    path, form = press_undo(page)
    page = follow(browser, browser.post(path, **form))
    assert notice(page) == says
    after = [world.entry(name) for name in THREE]
    assert [(one.status, one.project_id) for one in after] == [(one.status, one.project_id) for one in before]
    assert UNDO not in page.text


def test_what_others_decided_since_stays_and_is_named(world: World) -> None:
    browser, parts = world.client("tester"), world.parts
    fields = {"do": "assign", "release_id": world.ids["Pay 2.4"], "entry": ids(world, *THREE)}
    path, form = press_undo(follow(browser, browser.post(SEVERAL, **fields)))
    triage.undo(parts.store, world.caller, world.ids[THREE[0]])
    triage.reject(parts.store, world.caller, world.ids[THREE[0]], RejectReason.BROKEN)
    page = browser.post(path, **form)
    assert (page.status_code, notice(page)) == (200, "2 builds in the queue again, 1 not.")
    assert f'{THREE[0]}</b>: <span dir="auto">Ann rejected this' in page.text
    assert statuses(world, *THREE) == [EntryStatus.REJECTED, EntryStatus.PENDING, EntryStatus.PENDING]
    again = browser.post(path, **form)
    assert (again.status_code, notice(again)) == (409, "No builds in the queue again, 3 not.")


def test_what_could_be_done_can_be_undone_though_some_was_missed(world: World) -> None:
    browser, parts = world.client("tester"), world.parts
    triage.reject(parts.store, world.caller, world.ids[THREE[0]], RejectReason.BROKEN)
    fields = {"do": "assign", "release_id": world.ids["Pay 2.4"], "entry": ids(world, *THREE)}
    path, form = press_undo(browser.post(SEVERAL, **fields))
    assert form["entry"] == ids(world, *THREE[1:])
    assert notice(follow(browser, browser.post(path, **form))) == "2 builds in the queue again."


@pytest.mark.parametrize("status", ["assigned", "x"])
@pytest.mark.parametrize("until", ["", "x", "2026-03-14T09:26:53", "0001-01-01T00:00:00+14:00"])
def test_a_button_that_says_not_what_to_undo_undoes_nothing(world: World, status: str, until: str) -> None:
    page = world.client("tester").post(UNDO, entry=ids(world, "Pipeline #480"), status=status, until=until)
    assert (page.status_code, notice(page)) == (422, "Undo what was done just before.")
    assert statuses(world, "Pipeline #480") == [EntryStatus.ASSIGNED]


def test_the_project_of_several_is_not_chosen_over_the_head_of_somebody(world: World) -> None:
    browser, parts = world.client("tester"), world.parts
    page = browser.get("/o/acme/releases").text
    bar = page.partition('<form class="several"')[2]
    seen = re.findall(r'name="seen" value="([^"]*)"', bar)
    assert f"{world.ids['nightly-2026-03-14']} {world.ids['Console']}" in seen
    triage.select_project(parts.store, world.caller, world.ids["Pipeline #17"], world.ids["Ledger"])
    fields = {"do": "project", "project_id": world.ids["Pay"], "entry": ids(world, *THREE), "seen": seen}
    page = browser.post(SEVERAL, **fields)
    assert notice(page) == "2 builds given a project, 1 not."
    assert "Ann selected project Ledger for this just now" in page.text
    wrong = browser.post(SEVERAL, **fields | {"seen": "nonsense"})
    assert (wrong.status_code, notice(wrong)) == (422, "Choose among those that are shown.")


# --- the offer --------------------------------------------------------------------------------------------------------


def hidden(page: str) -> list[str]:
    form = re.search(r'<form method="post" action="/o/acme/queue/offer">(.*?)</form>', page, re.DOTALL)
    return re.findall(r'name="entry" value="([^"]*)"', form[1]) if form else []


def test_what_would_be_filed_now_is_offered_above_the_queue_and_filed_on_one_click(world: World) -> None:
    browser = world.client("tester")
    page = browser.get("/o/acme/releases").text
    assert "1 waiting build would be filed without guessing now." in page
    assert hidden(page) == ids(world, "Pipeline #482")
    page = follow(browser, browser.post("/o/acme/queue/offer", entry=hidden(page), back=""))
    assert notice(page) == "1 build filed by the rules as they are now."
    entry = world.entry("Pipeline #482")
    assert entry.decided_by is not None
    assert entry.build_id is not None
    build = queries.build(world.parts.store, world.acme.id, entry.build_id)
    assert (entry.decided_by.name, build.build.filed, build.release.name) == ("Tom", Filed.BY_HAND, "2.5")
    assert "Tom had it filed by the rules" in browser.get(f"/o/acme/builds/{build.build.id}").text
    assert hidden(page.text) == []


def test_a_decision_that_came_before_wins_quietly(world: World) -> None:
    browser = world.client("tester")
    offered = hidden(browser.get("/o/acme/releases").text)
    triage.reject(world.parts.store, world.caller, world.ids["Pipeline #482"], RejectReason.BROKEN)
    page = follow(browser, browser.post("/o/acme/queue/offer", entry=offered, back=""))
    assert notice(page).startswith("None of them was filed")
    assert statuses(world, "Pipeline #482") == [EntryStatus.REJECTED]


def test_what_was_passed_over_is_told_and_the_rest_can_be_undone(world: World) -> None:
    browser = world.client("tester")
    offered = [*hidden(browser.get("/o/acme/releases").text), *ids(world, "Pipeline #17", "nightly-2026-03-14")]
    page = follow(browser, browser.post("/o/acme/queue/offer", entry=offered, back=""))
    assert notice(page) == (
        "1 build filed by the rules as they are now. "
        "2 others were not: somebody decided about them meanwhile, or they no longer place cleanly."
    )
    path, form = press_undo(page)
    follow(browser, browser.post(path, **form))
    assert statuses(world, "Pipeline #482") == [EntryStatus.PENDING]


def test_activating_a_release_offers_what_fits_on_its_own_page_once(world: World) -> None:
    browser, release_id = world.client("tester"), world.ids["Pay 2.6"]
    url = RepoUrl.parse("https://bitbucket.org/acme/pay-api")
    detail = "Pay has no active release for main"
    entry = add_entry(
        world, "On main", ReasonCode.NO_ACTIVE_RELEASE, detail, timedelta(), project="Pay", repo_url=url, branch="main"
    )
    path = f"/o/acme/releases/{release_id}"
    page = follow(browser, browser.post(f"{path}/state", state="active")).text
    assert str(entry) in hidden(page)
    assert hidden(browser.get(path).text) == []
    answer = browser.post("/o/acme/queue/offer", entry=hidden(page), back=f"release {release_id}")
    assert answer.headers["location"] == path
    assert statuses(world, "On main") == [EntryStatus.ASSIGNED]


def test_a_repository_that_is_declared_offers_what_waited_for_it_on_the_page_of_the_project(world: World) -> None:
    browser, path = world.client("tester"), f"/o/acme/projects/{world.ids['Pay']}"
    url = "https://bitbucket.org/acme/ledger-import"
    page = follow(browser, browser.post(f"{path}/repositories", url=url)).text
    assert str(world.ids["Pipeline #17"]) in hidden(page)
    answer = browser.post("/o/acme/queue/offer", entry=ids(world, "Pipeline #17"), back=f"project {world.ids['Pay']}")
    assert answer.headers["location"] == path
    assert statuses(world, "Pipeline #17") == [EntryStatus.ASSIGNED]


def test_a_viewer_sees_what_is_meant_but_no_way_to_do_it(world: World) -> None:
    page = world.client("viewer").get("/o/acme/releases").text
    assert "You may look, not decide" in page
    assert 'name="entry"' not in page
    assert "would be filed without guessing" not in page


@pytest.mark.parametrize("back", ["release", "release x", "nowhere", "project https://evil.test"])
def test_the_way_back_leads_nowhere_else(world: World, back: str) -> None:
    assert world.client("tester").post("/o/acme/queue/offer", back=back).headers["location"] == "/o/acme/releases"


# --- the queue --------------------------------------------------------------------------------------------------------


def test_every_key_has_its_control_on_every_row(world: World) -> None:
    page = world.client("tester").get("/o/acme/releases").text
    rows = re.findall(r'<li class="row" id="entry-(.*?)(?=<li class="row" id="entry-|</section>)', page, re.DOTALL)
    assert rows
    for row in rows:
        keys = re.findall(r'data-key="(.)"', row.partition('</ul>\n  <form class="several')[0])
        assert {"x", "o", "a", "p", "r"} <= set(keys)


def test_the_queue_is_filtered_by_text_and_project(world: World) -> None:
    browser = world.client("viewer")

    def shown(query: str) -> list[str]:
        page = browser.get(f"/o/acme/releases?{query}").text
        return [name for name, one in world.ids.items() if f'id="entry-{one}"' in page]

    assert shown("q=pipeline+%2317") == ["Pipeline #17"]
    assert shown(f"project={world.ids['Console']}") == ["nightly-2026-03-14"]
    assert shown(f"project={world.ids['Console']}&q=pipeline") == []
    assert len(shown("project=nonsense")) == len(shown(f"project={world.parts.ids.new()}")) == len(shown("")) > 3


def test_what_waits_for_an_archived_project_is_found_and_offered_no_release_of_it(world: World) -> None:
    browser, project = world.client("tester"), world.ids["Console"]
    browser.post(f"/o/acme/projects/{project}/archive")
    link = f"/o/acme/releases?project={project}"
    assert f'href="{link}"' in browser.get(f"/o/acme/projects/{project}").text
    page = browser.get(link).text
    assert re.search(f'<option value="{project}" selected>Console \\(archived\\)</option>', page)
    assert "is archived: nothing is filed under it" in page
    assert "create-release" not in page
    nothing = browser.get(f"{link}&q=pipeline").text
    assert "No waiting build fits “<bdi>pipeline</bdi>” in <bdi>Console</bdi>" in nothing


def test_a_project_without_an_active_release_gets_one_on_the_spot_and_the_choice_opens(world: World) -> None:
    browser, name = world.client("tester"), "nightly-2026-03-14"
    path = f"/o/acme/queue/{world.ids[name]}"
    wrong = browser.post(f"{path}/create-release", name=" ", **{"from": "releases"})
    assert wrong.status_code == 422
    page = follow(browser, browser.post(f"{path}/create-release", name="1.0", **{"from": "releases"}))
    assert notice(page) == f"The release is there, and active. File {name} under it."
    row = page.text.partition(f'id="entry-{world.ids[name]}" data-here')[2].partition("</li>\n    <li")[0]
    assert re.search(r'<details class="menu" name="menu" open>\s*<summary class="button first"', row)
    made = world.parts.store.read(lambda tx: tx.releases.of_project(world.acme.id, world.ids["Console"]))[0]
    assert (made.name, made.state) == ("1.0", ReleaseState.ACTIVE)
    nowhere = browser.post(f"/o/acme/queue/{world.ids['Pipeline #17']}/create-release", name="1.0")
    assert (nowhere.status_code, notice(nowhere)) == (409, "This build has no project yet; select one first.")


def test_of_many_projects_each_row_leads_to_a_page_that_lists_them_once(world: World) -> None:
    browser, parts, entry = world.client("tester"), world.parts, world.ids["Pipeline #17"]
    few = browser.get("/o/acme/releases").text
    for number in range(LISTED_IN_ROWS):
        projects.create(parts.store, parts.ids, world.caller, f"Product {number}")
    many = browser.get("/o/acme/releases").text
    assert f'<select id="project-{entry}"' in few
    assert many.count("<option") < few.count("<option") + 4 * LISTED_IN_ROWS, "in no row, but in forms for all"
    link = re.search(rf'<a href="(/o/acme/queue/{entry})#project">One of \d+ projects</a>', many)
    assert link
    assert browser.get(link[1]).text.count(">Product ") == LISTED_IN_ROWS


def test_candidates_stand_side_by_side_with_where_the_build_would_go(world: World) -> None:
    page = world.client("tester").get("/o/acme/releases").text
    options = re.search(r'<ul class="options">(.*?)</ul>', page, re.DOTALL)
    assert options is not None
    assert "would go to <bdi>1.9</bdi>" in options[1]
    assert "no active release takes it" in options[1]


def test_a_queue_of_many_is_paged_and_says_how_long_it_waits(world: World) -> None:
    for number in range(home.QUEUE_SHOWN):
        age = timedelta(hours=number * 9)
        add_entry(world, f"Old #{number}", ReasonCode.NO_PROJECT_MATCH, "Nothing fits", age, build_number=None)
    page = world.client("viewer").get("/o/acme/releases").text
    assert page.count("data-entry=") == home.QUEUE_SHOWN
    assert 'class="age-4"' in page
    assert re.search(r"longer: \d+", page)


def test_a_queue_that_is_clear_though_nothing_was_ever_filed_says_so(empty: World) -> None:
    projects.create(empty.parts.store, empty.parts.ids, empty.caller, "Pay")
    add_entry(empty, "Only one", ReasonCode.NO_PROJECT_MATCH, "Nothing fits", timedelta())
    triage.reject(empty.parts.store, empty.caller, empty.ids["Only one"], RejectReason.BROKEN)
    assert "Nothing waits, and no build is filed yet." in empty.client("admin").get("/o/acme/releases").text


# --- the page of a release --------------------------------------------------------------------------------------------


def test_the_page_of_a_release_draws_its_builds_by_day_with_the_same_in_a_table(world: World) -> None:
    page = world.client("viewer").get(f"/o/acme/releases/{world.ids['Pay 2.5']}").text
    assert re.search(r'<svg [^>]*role="img" aria-labelledby="chart-name" aria-describedby="chart-about">', page)
    assert "60 builds in 14 days" in page
    counts = [int(one) for one in re.findall(r"<td>(\d+)</td></tr>", page)]
    assert sum(counts) == 60
    assert "<svg" not in world.client("viewer").get(f"/o/acme/releases/{world.ids['Ledger 7']}").text


def test_the_page_of_a_release_explains_what_feeds_it(world: World) -> None:
    browser = world.client("viewer")
    page = browser.get(f"/o/acme/releases/{world.ids['Pay 2.5']}").text
    assert "anything in place of the star, up to the next slash, such as release/2.2" in page
    assert "anything in place of the stars, slashes included, such as hotfix/a/b" in page
    assert "this very name only" in browser.get(f"/o/acme/releases/{world.ids['Ledger 7']}").text
    page = browser.get(f"/o/acme/releases/{world.ids['Pay 2.4']}").text
    assert "that no pattern of another active release fits" in page


def test_what_opening_or_closing_a_release_means_is_said_before(world: World) -> None:
    browser, parts = world.client("tester"), world.parts
    assert "It takes no more builds. What comes" in browser.get(f"/o/acme/releases/{world.ids['Pay 2.5']}").text
    assert "has no other active release: its" in browser.get(f"/o/acme/releases/{world.ids['Ledger 7']}").text
    plain = releases.create(parts.store, parts.ids, world.caller, world.ids["Pay"], "9")
    page = browser.get(f"/o/acme/releases/{plain.id}").text
    assert re.search(r"<bdi>2\.4</bdi> has no patterns either", page)
