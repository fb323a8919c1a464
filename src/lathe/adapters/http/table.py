"""The route table: every call of the API, in one place."""

from __future__ import annotations

from typing import Final

from lathe.adapters.http import builds, deliveries, hooks, outcomes, projects
from lathe.adapters.http.calls import Call

CALLS: Final[tuple[Call, ...]] = (*outcomes.CALLS, *builds.CALLS, *projects.CALLS, *hooks.CALLS, *deliveries.CALLS)
