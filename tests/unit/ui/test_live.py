"""Live pages, the server's side: who may listen, for how long, how many at once, and what is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from attrs import define, field
from starlette.types import Message

from lathe.adapters.ui import live
from lathe.adapters.ui.templating import static_files
from lathe.application import login, triage
from lathe.domain.organization import Member, Role
from lathe.domain.queue_entry import RejectReason
from tests import samples
from tests.unit.ui.world import World, make_app

PATIENCE = 10.0
ROUTE = "/o/acme/live"


@define
class Stream:
    """One request as a server hands it in, and what came back so far."""

    world: World
    who: str
    query: str = ""
    headers: dict[str, str] = field(factory=dict)
    sent: list[Message] = field(factory=list)
    left: asyncio.Event = field(factory=asyncio.Event)
    came: asyncio.Event = field(factory=asyncio.Event)
    heard: asyncio.Event = field(factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def begin(self) -> Stream:
        app = self.world.app = self.world.app or make_app(self.world.parts)
        headers = {"host": "lathe.test", "cookie": f"lathe={self.world.people[self.who].token}"} | self.headers
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": ROUTE,
            "raw_path": ROUTE.encode(),
            "query_string": self.query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("lathe.test", 80),
            "state": {},
        }
        self.task = asyncio.create_task(app(scope, self._receive, self._send))
        return self

    async def _receive(self) -> Message:
        if not self.came.is_set():
            self.came.set()
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        self.heard.set()

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"]) if self.sent else 0

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    async def says(self, text: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while text not in self.text:
                self.heard.clear()
                await self.heard.wait()

    async def ends(self) -> None:
        assert self.task
        async with asyncio.timeout(PATIENCE):
            await self.task

    async def leave(self) -> None:
        self.left.set()
        await self.ends()


def run(world: World, test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        try:
            await test()
        finally:
            world.parts.feed.close()  # type: ignore[attr-defined]
            await world.parts.feed.closed()  # type: ignore[attr-defined]

    asyncio.run(whole())


def change(world: World) -> None:
    world.parts.store.write(lambda tx: tx.entries.add(samples.entry(world.acme.id)))


def mark(world: World) -> str:
    return world.parts.store.read(lambda tx: tx.activity.mark(world.acme.id))


# --- the stream -------------------------------------------------------------------------------------------------------


def test_each_change_is_told_with_the_mark_to_go_on_from(world: World) -> None:
    async def test() -> None:
        stream = Stream(world, "viewer", f"since={mark(world)}").begin()
        await stream.says("retry:")
        assert "event: change" not in stream.text
        for _ in range(2):
            change(world)
            await stream.says(f"id: {mark(world)}\nevent: change\n")
        await stream.leave()
        head = dict(stream.sent[0]["headers"])
        assert head[b"content-type"] == b"text/event-stream; charset=utf-8"
        assert (head[b"cache-control"], head[b"x-accel-buffering"]) == (b"no-store", b"no")

    run(world, test)


def test_a_browser_that_comes_back_goes_on_where_it_was(world: World) -> None:
    async def test() -> None:
        old, now = "0123456789abcdef", mark(world)
        up_to_date = Stream(world, "viewer", f"since={old}", {"last-event-id": now}).begin()
        behind = Stream(world, "viewer", f"since={now}", {"last-event-id": old}).begin()
        await behind.says(f"id: {now}")
        await up_to_date.says("retry:")
        assert "event: change" not in up_to_date.text
        await asyncio.gather(up_to_date.leave(), behind.leave())

    run(world, test)


def test_silence_is_broken_before_a_proxy_cuts_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0.02)

    async def test() -> None:
        now = mark(world)
        stream = Stream(world, "viewer", f"since={now}").begin()
        await stream.says(2 * f"id: {now}\nevent: still\ndata:\n\n")
        await stream.leave()

    run(world, test)


def _logged_out(world: World) -> None:
    login.logout(world.parts.store, world.people["tester"].token)


def _demoted(world: World) -> None:
    user, now = world.people["tester"].user, world.clock.now()
    world.parts.store.write(lambda tx: tx.users.join(Member(world.acme.id, user.id, Role.VIEWER, now)))


def _left(world: World) -> None:
    user = world.people["tester"].user
    world.parts.store.write(lambda tx: tx.users.leave(world.acme.id, user.id))


@pytest.mark.parametrize("lose", [_logged_out, _demoted, _left])
def test_who_may_not_read_any_more_is_told_to_stop(
    world: World, monkeypatch: pytest.MonkeyPatch, lose: Callable[[World], None]
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0.02)
    monkeypatch.setattr(live, "CHECK_EVERY", 0.02)

    async def test() -> None:
        since = f"since={mark(world)}"
        streams = [Stream(world, who, since).begin() for who in ("tester", "viewer")]
        for stream in streams:
            await stream.says("event: still")
        lose(world)
        await streams[0].ends()
        assert streams[0].text.endswith("event: end\ndata:\n\n")
        heard = len(streams[1].sent)
        await asyncio.sleep(0.1)
        assert len(streams[1].sent) > heard
        await streams[1].leave()
        assert "event: end" not in streams[1].text

    run(world, test)


def test_a_check_that_never_comes_is_caught(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "PATIENCE", 0.3)
    monkeypatch.setattr(live, "_may_still_read", lambda _: True)
    with pytest.raises(TimeoutError):
        test_who_may_not_read_any_more_is_told_to_stop(world, monkeypatch, _logged_out)


def test_a_person_and_a_process_have_so_many_streams_and_get_them_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "STREAMS_OF_ONE", 2)
    monkeypatch.setattr(live, "STREAMS", 3)

    async def test() -> None:
        since = f"since={mark(world)}"
        streams = [Stream(world, who, since).begin() for who in ("tester", "tester", "viewer")]
        for stream in streams:
            await stream.says("retry:")
        for who in ("tester", "viewer", "admin"):  # too many of one, and too many at all
            refused = Stream(world, who, since).begin()
            await refused.ends()
            assert refused.status == 503
        await streams[0].leave()
        again = Stream(world, "tester", since).begin()
        await again.says("retry:")
        await asyncio.gather(*(one.leave() for one in (*streams[1:], again)))

    run(world, test)


def test_streams_that_are_never_counted_down_are_caught(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Sticky(Counter[Any]):
        def __setitem__(self, key: Any, value: int) -> None:
            super().__setitem__(key, max(value, self[key]))

    monkeypatch.setitem(globals(), "PATIENCE", 0.3)
    monkeypatch.setattr(live, "Counter", Sticky)
    with pytest.raises(TimeoutError):
        test_a_person_and_a_process_have_so_many_streams_and_get_them_back(world, monkeypatch)


def test_a_stream_ends_after_its_time_without_telling_the_browser_to_stop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0.02)
    monkeypatch.setattr(live, "LIFE", 0.1)

    async def test() -> None:
        stream = Stream(world, "viewer", f"since={mark(world)}").begin()
        await stream.ends()
        assert "event: still" in stream.text
        assert "event: end" not in stream.text
        assert not stream.sent[-1]["more_body"]

    run(world, test)


def test_a_reader_that_takes_nothing_any_more_gives_its_place_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "SENT_WITHIN", 0.05)
    monkeypatch.setattr(live, "STREAMS_OF_ONE", 1)

    class Stuck(Stream):
        async def _send(self, message: Message) -> None:
            await super()._send(message)
            if message.get("body"):
                await self.left.wait()

    async def test() -> None:
        since = f"since={mark(world)}"
        stuck = Stuck(world, "viewer", since).begin()
        await stuck.says("retry:")
        refused = Stream(world, "viewer", since).begin()
        await refused.ends()
        assert refused.status == 503
        await stuck.ends()
        again = Stream(world, "viewer", since).begin()
        await again.says("retry:")
        await again.leave()
        assert again.status == 200

    run(world, test)


def test_all_streams_end_at_once_when_the_server_stops(world: World) -> None:
    async def test() -> None:
        since = f"since={mark(world)}"
        streams = [Stream(world, who, since).begin() for who in ("tester", "viewer")]
        for stream in streams:
            await stream.says("retry:")
        world.parts.feed.close()  # type: ignore[attr-defined]
        await asyncio.gather(*(stream.ends() for stream in streams))
        assert not streams[0].sent[-1].get("more_body")

    run(world, test)


def test_a_look_at_the_head_alone_opens_no_stream(world: World) -> None:
    answer = world.client("viewer").client.head(ROUTE)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


@pytest.mark.parametrize("path", ["/live", "/live/poll", "/live/decisions", "/live/releases"])
def test_strangers_and_nobody_hear_nothing(world: World, path: str) -> None:
    assert world.client("stranger").get(f"/o/acme{path}").status_code == 404
    assert world.client().get(f"/o/acme{path}").headers["location"].startswith("/login")


# --- asking again and again -------------------------------------------------------------------------------------------


def test_asking_tells_at_once_whether_something_changed(world: World) -> None:
    browser, now = world.client("viewer"), mark(world)
    assert browser.get(f"{ROUTE}/poll?since={now}").json() == {"mark": now, "changed": False}
    change(world)
    assert browser.get(f"{ROUTE}/poll?since={now}").json() == {"mark": mark(world), "changed": True}
    assert browser.get(f"{ROUTE}/poll").json()["changed"] is True


def test_what_a_page_asks_by_itself_does_not_prolong_the_session(world: World) -> None:
    browsers = {who: world.client(who).client for who in ("tester", "viewer", "admin")}
    automatic = {"tester": {}, "viewer": {"X-Lathe-Automatic": "1"}, "admin": {"Accept": "text/event-stream"}}
    statuses: dict[str, int] = {}
    for _ in range(13):
        world.clock.advance(timedelta(hours=1))
        for who, browser in browsers.items():
            statuses[who] = browser.get(f"{ROUTE}/poll", headers=automatic[who]).status_code
    assert statuses == {"tester": 200, "viewer": 303, "admin": 303}


def test_what_a_page_asks_by_itself_takes_no_message_away_from_who_reads(world: World) -> None:
    browser = world.client("tester")
    browser.post(f"/o/acme/queue/{world.ids['Pipeline #17']}/reject", reason="broken", note="", **{"from": "releases"})
    by_itself = browser.client.get("/o/acme/releases", headers={"X-Lathe-Automatic": "1"})
    assert "is rejected" not in by_itself.text
    assert "is rejected" in browser.get("/o/acme/releases").text


# --- who decided what -------------------------------------------------------------------------------------------------


def test_the_slower_one_reads_who_did_what(world: World) -> None:
    parts, ids = world.parts, world.ids
    entries = [ids["Pipeline #482"], ids["nightly-2026-03-14"], ids["Pipeline #17"]]
    query = "&".join(f"entry={one}" for one in entries)
    browser = world.client("viewer")
    assert browser.get(f"{ROUTE}/decisions?{query}").json() == {}
    triage.assign(parts.store, parts.ids, world.caller, entries[0], ids["Pay 2.4"])
    triage.reject(parts.store, world.caller, entries[1], RejectReason.BROKEN, "")
    assert browser.get(f"{ROUTE}/decisions?{query}").json() == {
        str(entries[0]): "Ann assigned this to 2.4 just now.",
        str(entries[1]): "Ann rejected this just now.",
    }
    assert world.client("stranger").get(f"/o/umbra/live/decisions?{query}").json() == {}
    assert browser.get(f"{ROUTE}/decisions?entry=nonsense").status_code == 404


# --- what the page brings along ---------------------------------------------------------------------------------------


def test_a_page_knows_the_mark_from_before_it_was_read(world: World) -> None:
    read = world.parts.feed.mark
    marks: list[str] = []

    class Late:
        """A feed beside which something happens as soon as the mark was read."""

        def mark(self, organization_id: Any) -> str:
            marks.append(read(organization_id))
            change(world)
            return marks[-1]

    object.__setattr__(world.parts, "feed", Late())
    page = world.client("viewer").get("/o/acme/releases").text
    assert f'data-live="/o/acme/live" data-mark="{marks[-1]}"' in page
    assert marks[-1] != mark(world)


def test_nobody_outside_of_an_organization_listens(world: World) -> None:
    page = world.client().get("/login").text
    assert "data-live" not in page
    assert "live.js" not in page
    assert "lathe.js" in page


def test_the_scripts_are_small_and_ask_nobody_anything() -> None:
    scripts = {name: one for name, one in static_files().items() if name.endswith(".js")}
    assert set(scripts) == {"lathe.js", "keys.js", "live.js"}
    for name, script in scripts.items():
        text = script.content.decode()
        assert "javascript" in script.media_type, name
        assert len(text.splitlines()) < 350, name
        for never in ("confirm(", "alert(", "innerHTML", "eval(", "http://", "https://"):
            assert never not in text, (name, never)
