"""Every template in every state: each branch of each of them is rendered at least once, both ways."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from jinja2 import Environment, meta, nodes

from lathe.adapters.ui import templating, visit
from lathe.adapters.ui.contexts import LISTED_ONCE
from lathe.application import members, projects, releases, triage
from lathe.application.caller import Caller
from lathe.application.lists import BuildFilter
from lathe.application.ports import Transaction
from lathe.domain.organization import Actor, Role
from lathe.domain.project import Files
from lathe.domain.queue_entry import RejectReason
from lathe.domain.release import ReleaseState
from lathe.domain.steps import ReasonCode
from lathe.entrypoints.sample_bodies import commit_status
from tests import samples
from tests.unit.ui import states
from tests.unit.ui.sample import add_entry, fill
from tests.unit.ui.sending import SENT, deliver, file_every_build_of_pay, presented, replayed, send
from tests.unit.ui.test_pages import page_paths
from tests.unit.ui.world import World, make_world

NOTE = "this_branch_is_rendered"


class Watched(Environment):
    """Notes which branches there are, as templates are read, and which of them are rendered."""

    there: set[str]
    rendered: set[str]
    begun: set[str]
    leads_to: dict[str, set[str]]

    def show(self, context: Any) -> bool:
        """Render a page; what was begun counts once it is shown to its end. Return whether that was something new."""
        self.begun.clear()
        self.get_template(context.template).render(page=context)
        known = len(self.rendered)
        self.rendered |= self.begun
        return len(self.rendered) > known

    def try_to_show(self, state: Any) -> None:
        """Render a state that perhaps cannot be: then it shows nothing."""
        with suppress(Exception):
            self.show(state)

    def missed(self, template: str | None = None) -> list[str]:
        """Return what was not rendered yet, of a template and all that it is made of, or of all."""
        parts = self._parts_of(template) if template else set(self.leads_to)
        return sorted(one for one in self.there - self.rendered if one.partition(":")[0] in parts)

    def _parts_of(self, template: str) -> set[str]:
        found, ahead = {template}, [template]
        while ahead:
            more = self.leads_to[ahead.pop()] - found
            found |= more
            ahead += more
        return found

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        template = super()._parse(source, name, filename)
        self.leads_to[str(name)] = {one for one in meta.find_referenced_templates(template) if one}
        choices = list(template.find_all(nodes.If))
        going_on = {id(one) for choice in choices for one in choice.elif_}  # what is else stands at the first of them
        for choice in choices:
            self._watch(choice.body, f"{name}:{choice.lineno} if so")
            if id(choice) not in going_on:
                self._watch(choice.else_, f"{name}:{choice.lineno} if not")
        for loop in template.find_all(nodes.For):
            self._watch(loop.body, f"{name}:{loop.lineno} for each")
            if loop.else_:
                self._watch(loop.else_, f"{name}:{loop.lineno} for none")
        return template

    def _watch(self, body: list[nodes.Node], branch: str) -> None:
        self.there.add(branch)
        body.insert(0, nodes.ExprStmt(nodes.Call(nodes.Name(NOTE, "load"), [nodes.Const(branch)], [], None, None)))


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """The environment that pages are rendered in, watched."""
    made: list[Watched] = []

    def make(**options: Any) -> Watched:
        env = Watched(**options)
        env.there, env.rendered, env.begun, env.leads_to = set(), set(), set(), {}
        env.globals[NOTE] = env.begun.add
        made.append(env)
        return env

    monkeypatch.setattr(templating, "Environment", make)
    templating.environment.cache_clear()
    templating.environment()
    yield made[0]
    templating.environment.cache_clear()


def test_every_branch_of_every_template_is_rendered(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in watched.list_templates(extensions=["html"]):
        watched.get_template(name)
    contexts = gathered(monkeypatch)
    telling = [context for context in reversed(contexts) if watched.show(context)]  # the last ones show most
    pool = states.Pool(contexts)
    for deep in (False, True):
        for context in telling:
            for state in states.variations(context, pool, deep=deep):
                if not watched.missed(context.template):
                    break
                watched.try_to_show(state)
    assert watched.missed() == [], "\n".join(watched.missed())


def gathered(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let handlers make contexts of every template, and keep them."""
    kept: list[Any] = []

    def keep(_template: str, context: Any) -> str:
        kept.append(context)
        return ""

    monkeypatch.setattr(visit, "render", keep)
    world, empty = fill(make_world()), make_world()
    for path in ("/releases", "/live/releases", "/projects", "/deliveries"):
        empty.client("admin").get(f"/o/acme{path}")
    for path in ("/login", "/nowhere", "/o/umbra/releases"):
        empty.client("admin").get(path)
    world.client("viewer").get("/o/acme/releases")
    very_many(fill(make_world()))
    do_things(world)
    send(deliver(world), {"repository": {"full_name": "acme/pay-api"}}, "repo:push")
    delivered = [f"/deliveries/{world.ids[name]}{more}" for name in SENT for more in ("", "/again")]
    for who in ("admin", "viewer"):
        for path in (*page_paths(world), *delivered):
            world.client(who).get(f"/o/acme{path}")
    change_rules(world)
    for path in (
        *delivered,
        "/deliveries",
        "/deliveries?status=created",
        f"/deliveries/{world.ids['replay of failed']}",
    ):
        world.client("admin").get(f"/o/acme{path}")
    before_anything(deliver(fill(make_world())))
    try_bodies(world)
    return kept


def try_bodies(world: World) -> None:
    """Look at the form for a body, and paste some."""
    tester = world.client("tester")
    tester.get("/o/acme/deliveries/try")
    bodies: tuple[object, ...] = (commit_status(number=950), commit_status(number=901), {"zen": "no build"}, [])
    for body in bodies:
        tester.post("/o/acme/deliveries/try", provider="bitbucket", event="", body=json.dumps(body))


def very_many(world: World) -> None:
    """Look at what does without lists of everything: more projects and active releases than pages offer."""
    parts, org = world.parts, world.acme.id

    def work(tx: Transaction) -> None:
        for _ in range(LISTED_ONCE + 1):
            project = samples.project(org)
            tx.projects.add(project)
            tx.releases.add(samples.release(org, project.id))

    parts.store.write(work)
    build = parts.store.read(lambda tx: tx.builds.page(org, BuildFilter(), 1, None)[0])
    paths = "/releases", "/projects", "/projects?q=Pay", "/projects?q=nothing", f"/queue/{world.ids['Pipeline #482']}"
    for path in (*paths, f"/builds/{build.id}", f"/builds/{build.id}?project={world.ids['Console']}", "/live/releases"):
        world.client("admin").get(f"/o/acme{path}")


def before_anything(world: World) -> None:
    """Look at what only a filter or another rule shows."""
    ids, admin = world.ids, world.client("admin")
    admin.get(f"/o/acme/releases?project={ids['Pay']}")
    world.client("viewer").get("/o/acme/releases?q=1.9.0")
    admin.post(f"/o/acme/queue/{ids['Pipeline #482']}/reject", reason="broken", note="")
    admin.get("/o/acme/releases")
    file_every_build_of_pay(world)
    for name in ("Pay 2.4", "Pay 2.5"):
        releases.change(world.parts.store, world.caller, ids[name], state=ReleaseState.CLOSED)
    for who in ("viewer", "admin"):
        world.client(who).get(f"/o/acme/deliveries/{ids['failed']}/again")


def do_things(world: World) -> None:
    """Press buttons: what pages say after that, and what they show once."""
    parts, ids, admin = world.parts, world.ids, world.client("admin")
    stranger = world.people["stranger"].user
    join = members.invite_or_renew(parts.store, parts.ids, world.caller, stranger.email, Role.VIEWER).token
    password = members.invite(parts.store, parts.ids, world.caller, "nora@acme.test", Role.TESTER).token
    for who in ("stranger", "viewer"):
        world.client(who).get(f"/join/{join}")
    world.client().get(f"/password/{password}")
    world.client("stranger").post(f"/join/{join}")
    admin.post("/o/acme/settings/members", email=world.people["viewer"].user.email, role="tester")
    other = members.invite_or_renew(parts.store, parts.ids, world.caller, world.people["viewer"].user.email, Role.ADMIN)
    world.client("viewer").get(f"/join/{other.token}")
    for path, form in (
        ("/settings/members", {"email": "mira@acme.test", "role": "tester"}),
        ("/settings/keys", {"name": "CI", "scopes": "builds:create", "expires": "90", "rate_limit": "60"}),
        ("/settings/keys", {"name": "CI", "expires": "90", "rate_limit": "60"}),
        ("/settings/webhooks", {}),
        (f"/settings/webhooks/{ids['hook']}/rotate", {}),
        ("/connect/bitbucket", {"make": "hook"}),
        ("/connect/bitbucket", {"make": "key"}),
        ("/projects", {"name": "Pay"}),
        (f"/queue/{ids['Pipeline #482']}/assign", {"release_id": ids["Pay 2.4"]}),
        (f"/queue/{ids['Pipeline #482']}/assign", {"release_id": ids["Pay 2.5"]}),
        (f"/projects/{ids['Mobile backend']}/archive", {}),
        ("/queue/several", {"entry": ids["Pipeline #481"], "do": "assign", "release_id": ids["Pay 2.4"]}),
        ("/queue/several", {"entry": [ids["Pipeline #17"], ids["1.9.0+204"]], "do": "reject", "reason": "broken"}),
    ):
        admin.post(f"/o/acme{path}", **form)
    add_entry(world, "Nowhere", ReasonCode.NO_ACTIVE_RELEASE, "No", timedelta(), project="Ledger", branch="x")
    by_key = Caller(world.acme.id, Actor("key", parts.ids.new(), "CI"))
    projects.change(parts.store, by_key, ids["Console"], archived=True)
    for path in ("/connect/bitbucket", f"/projects/{ids['Pay']}"):
        for repository in ("acme/pay-api", "acme/nowhere", "acme/mobile-backend"):
            admin.get(f"/o/acme{path}?repo_url=https://bitbucket.org/{repository}&branch=main")
    for path in ("/releases", f"/releases?project={ids['Console']}", f"/projects/{ids['Console']}", "/projects"):
        admin.get(f"/o/acme{path}")


def change_rules(world: World) -> None:
    """Let what waited be placed by other rules now, and file something once more."""
    parts, ids = world.parts, world.ids
    file_every_build_of_pay(world)
    world.client("admin").get(f"/o/acme/deliveries/{ids['failed']}/again")
    replayed(world, "failed")
    projects.declare_repository(
        parts.store, parts.ids, world.caller, ids["Mobile app"], "https://bitbucket.org/acme/warehouse"
    )
    entry = parts.store.read(lambda tx: tx.deliveries.get(world.acme.id, ids["reported"])).entry_id
    assert entry
    triage.reject(parts.store, world.caller, entry, RejectReason.BROKEN)
    releases.create(parts.store, parts.ids, world.caller, ids["Mobile app"], "9.9", state=ReleaseState.ACTIVE)
    vault = send(world, commit_status(number=904, state="FAILED", repository="acme/vault"), by=presented(world))
    made = projects.create(parts.store, parts.ids, world.caller, "Vault", ["https://bitbucket.org/acme/vault"])
    projects.change(parts.store, world.caller, made.project.id, files=Files.FINISHED)
    world.client("admin").get(f"/o/acme/deliveries/{vault}/again")
