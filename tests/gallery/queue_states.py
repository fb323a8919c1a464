"""How states of the Build Queue are reached."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from lathe.application import triage
from lathe.domain.queue_entry import RejectReason
from lathe.domain.steps import Reason, ReasonCode
from tests import samples

if TYPE_CHECKING:
    from lathe.application.ports import Transaction
    from tests.gallery.visits import Visit


def _open(visit: Visit, *, live: bool = False) -> None:
    """Open the Releases page; where what comes later must not show, the feed of changes keeps silent."""
    if not live:
        visit.page.add_init_script("delete window.EventSource")
    visit.open("/releases")


def ways_to_file(visit: Visit) -> None:
    _open(visit)
    visit.row("acme/mobile 940").locator(".split summary").click()


def candidates(visit: Visit) -> None:
    _open(visit)
    visit.row("acme/billing 208").get_by_text("Choose project").click()


def first_release(visit: Visit) -> None:
    _open(visit)
    visit.row("console-1.4.0").get_by_text("Assign…").click()


def reject(visit: Visit) -> None:
    _open(visit)
    visit.row("acme/legacy-importer 31").get_by_text("Reject", exact=False).first.click()


def more(visit: Visit) -> None:
    _open(visit)
    visit.row("acme/warehouse 66").get_by_label("More for").click()


def several(visit: Visit) -> None:
    _open(visit)
    for name in ("acme/warehouse 66", "acme/warehouse 64"):
        visit.row(name).get_by_role("checkbox").check()
    visit.page.locator("#several").get_by_text("Assign…").click()


def offer(visit: Visit) -> None:
    _open(visit)
    visit.page.get_by_text("would be filed without guessing now").click()


def keys(visit: Visit) -> None:
    _open(visit)
    visit.page.keyboard.press("?")
    visit.page.get_by_role("dialog").wait_for()


def live(visit: Visit) -> None:
    _open(visit, live=True)
    _arrive(visit, "Pipeline #32 for main")
    visit.page.get_by_role("button", name="1 new build").wait_for()


def decided_by_others(visit: Visit) -> None:
    _open(visit, live=True)
    store = visit.world.parts.store
    triage.reject(store, visit.world.caller, visit.world.ids["Pipeline #32 for main"], RejectReason.BROKEN)
    visit.page.locator("[data-decided]").wait_for()


def server_gone(visit: Visit) -> None:
    """Let time run a hundred times as fast, in which nothing is heard and asking fails."""
    visit.page.add_init_script(
        "const wait = setTimeout; window.setTimeout = (work, ms, ...rest) => wait(work, ms / 100, ...rest);"
    )
    visit.page.route(re.compile(r"/live(\?|/)"), lambda route: route.abort())
    _open(visit, live=True)
    visit.page.locator("#live-line").wait_for()


def somebody_was_faster(visit: Visit) -> None:
    world = visit.world
    _arrive(visit, "Pipeline #33 for main")
    _open(visit)
    row = visit.row("Pipeline #33 for main")
    row.get_by_text("Reject", exact=False).first.click()
    triage.reject(world.parts.store, world.caller, world.ids["Pipeline #33 for main"], RejectReason.DUPLICATE)
    row.get_by_label("Reject, because it is").select_option(label="Broken")
    row.get_by_role("button", name="Reject").click()
    visit.page.get_by_role("alert").wait_for()


def filed(visit: Visit) -> None:
    _open(visit)
    visit.row("acme/warehouse 64").get_by_role("button", name="File under 1.0").click()
    visit.page.get_by_role("status").get_by_role("button", name="Undo").wait_for()


def history(visit: Visit) -> None:
    _open(visit)
    visit.page.get_by_text("Recently decided").click()


def missed(visit: Visit) -> None:
    world = visit.world
    _arrive(visit, "Pipeline #34 for main")
    _open(visit)
    for name in ("acme/warehouse 66", "Pipeline #34 for main"):
        visit.row(name).get_by_role("checkbox").check()
    bar = visit.page.locator("#several")
    bar.get_by_text("Reject…").click()
    triage.reject(world.parts.store, world.caller, world.ids["Pipeline #34 for main"], RejectReason.DUPLICATE)
    bar.get_by_label("because").select_option(label="Broken")
    bar.get_by_role("button", name="Reject all selected").click()
    visit.page.get_by_role("alert").wait_for()


def new_release(visit: Visit) -> None:
    _open(visit)
    visit.page.get_by_text("New release", exact=True).click()


def _arrive(visit: Visit, name: str) -> None:
    """Let a build of an unknown repository wait."""
    world = visit.world
    reason = Reason(ReasonCode.NO_PROJECT_MATCH, "Repository acme/legacy-importer matches no project")

    def work(tx: Transaction) -> None:
        facts = samples.bare_facts(name=name, branch="main", author="Mira Holm", source="bitbucket")
        placement = samples.waiting_placement(reason=reason)
        made = samples.bare_entry(
            world.acme.id, facts=facts, reason=reason, placement=placement, created_at=tx.now() - timedelta(seconds=5)
        )
        tx.entries.add(made)
        world.ids[name] = made.id

    world.parts.store.write(work)
