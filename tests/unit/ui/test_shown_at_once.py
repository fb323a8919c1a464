"""Pages must leave the interpreter to deliveries, too."""

from __future__ import annotations

import asyncio
import time
from threading import Lock
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from lathe.adapters.ui.routing import SHOWN_AT_ONCE, Pages


class Counting(Pages):
    """Makes nothing of a request, and counts how many are made at a time."""

    def __init__(self) -> None:
        super().__init__(cast(Any, None))
        self.lock = Lock()
        self.now = self.most = 0

    def _show(self, *_: object) -> Response:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.01)
        with self.lock:
            self.now -= 1
        return Response("made")


def test_only_so_many_pages_are_made_at_a_time() -> None:
    pages = Counting()
    route = pages.get("/releases", lambda _: Response())

    async def readers() -> list[Response]:
        answers: list[Response] = await asyncio.gather(
            *(route.endpoint(cast(Request, None)) for _ in range(4 * SHOWN_AT_ONCE))
        )
        return answers

    assert [answer.body for answer in asyncio.run(readers())] == [b"made"] * 4 * SHOWN_AT_ONCE
    assert pages.most == SHOWN_AT_ONCE
