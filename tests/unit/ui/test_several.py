"""Several builds at once, the offer to file what places cleanly now, and the queue by itself."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

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


# --- the queue by itself ----------------------------------------------------------------------------------------------


def test_the_queue_can_be_fetched_by_itself_and_leaves_what_was_just_done_to_the_next_page(world: World) -> None:
    browser = world.client("tester")
    browser.post(f"/o/acme/queue/{world.ids['Pipeline #17']}/reject", reason="broken", note="")
    part = browser.get("/o/acme/releases/queue").text
    Wellformed(part)
    assert part.lstrip().startswith('<section class="sheet waiting" id="queue"')
    assert "<html" not in part
    assert f'data-entry="{world.ids["1.9.0+204"]}"' in part
    assert re.search(r"data-queue-count>6<", part)
    assert part.strip() in re.sub(
        r'\n<div class="notice.*?</div>\n', "", browser.get("/o/acme/releases").text, flags=re.DOTALL
    )
    filtered = browser.get("/o/acme/releases/queue?q=nothing").text
    assert "Clear filters" in filtered
    assert notice(browser.get("/o/acme/releases")) == ""


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
    assert len(shown("project=nonsense")) == len(shown("")) > 3


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
