"""What would happen to a build of some repository and branch: read from an address, answered by the real rules."""

from __future__ import annotations

from typing import Final

from lathe.adapters.ui.product_contexts import Asked
from lathe.adapters.ui.visit import Visit
from lathe.application import previewing
from lathe.application.previewing import Preview
from lathe.domain.build_report import BuildFacts, BuildReport
from lathe.domain.repo_url import LONGEST, RepoUrl
from lathe.domain.text import NAME_LIMIT, text_fault

NO_REPOSITORY: Final = "Names no repository, as https://bitbucket.org/acme/pay-api does"


def asked_in(visit: Visit, source: str = "api") -> tuple[Asked, Preview | None]:
    """Return what the page's address asks about and the answer, None if it asks nothing or names no repository."""
    query = visit.request.query_params
    typed, branch = query.get("repo_url", "").strip()[:LONGEST], query.get("branch", "").strip()
    if text_fault(branch, "", NAME_LIMIT):
        branch = ""
    if not typed:
        return Asked("", branch), None
    url = RepoUrl.parse(typed)
    if url is None:
        return Asked(typed, branch, NO_REPOSITORY), None
    facts = BuildFacts(source=source, name="Test build", branch=branch or None, repo_url=url)
    return Asked(typed, branch), previewing.preview(visit.store, visit.org, BuildReport(facts=facts))
