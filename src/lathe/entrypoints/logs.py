"""Log lines: one for each start, stop, warning and error, none for each request; never with a secret in it."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog
from structlog.typing import Processor

from lathe.entrypoints.settings import LogFormat

# What must not be read in a log even if somebody hands it over by mistake: keys, tokens in addresses, userinfo in URLs.
_SECRET: Final = re.compile(
    r"(?P<key>pt_live_)[0-9A-Za-z]+"
    r"|(?P<link>/(?:setup|password|join|login)/)[0-9A-Za-z_-]{16,}"
    r"|(?P<url>[a-z][a-z0-9+.-]*://)[^/\s\"'@]+@"
)


def configure_logs(log_format: LogFormat, level: int = logging.INFO) -> None:
    """Send all log lines of this process, the libraries' included, to standard error in one format."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        without_secrets,
    ]
    last: Processor = structlog.processors.JSONRenderer()
    if log_format is LogFormat.CONSOLE:
        last = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    for chatty in ("uvicorn", "alembic", "sqlalchemy", "psycopg"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))


def without_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank what looks like a secret in every text of a log line: a second wall, nothing hands them over on purpose."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _SECRET.sub(_blanked, value)
    return event


def _blanked(found: re.Match[str]) -> str:
    return (found["key"] or found["link"] or found["url"]) + "…" + ("@" if found["url"] else "")
