"""The reporter as one file, for CI jobs that reach this server and nothing else."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from starlette.responses import Response

from lathe_report import single

if TYPE_CHECKING:
    from starlette.requests import Request


async def report_py(request: Request) -> Response:
    """Answer the file. It is no secret: what it needs to report comes from the job's environment."""
    text, tag = _file()
    headers = {"ETag": tag, "Cache-Control": "public, max-age=300"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(text, headers=headers, media_type="text/x-python")


@cache
def _file() -> tuple[bytes, str]:
    """Return the file and what tells it from others. It is made once."""
    text = single.text().encode()
    return text, f'"{hashlib.sha256(text).hexdigest()}"'
