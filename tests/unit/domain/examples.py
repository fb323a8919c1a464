"""What the tests of the domain build their examples from: small objects with the same ids and instants every time.

Ids decide ties, so an example that Hypothesis repeats must carry the same ones.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from lathe.domain.branch_pattern import BranchPattern
from lathe.domain.build_report import BuildFacts, BuildReport, BuildStatus
from lathe.domain.organization import Actor
from lathe.domain.project import Files, LinkedProject, Project
from lathe.domain.release import Release, ReleaseState
from lathe.domain.repo_url import RepoUrl
from lathe.domain.repository import Repository

START = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)


def number(value: int) -> UUID:
    """Return the id that a test knows by a number."""
    return UUID(int=value)


ORGANIZATION = number(1)
ANN = Actor("user", number(2), "Ann")
BOB = Actor("user", number(3), "Bob")


def minutes(count: float) -> datetime:
    """Return the instant so many minutes after the start."""
    return START + timedelta(minutes=count)


def project(value: int, name: str, *, slug: str = "", files: Files = Files.SUCCESSFUL) -> Project:
    return Project(ORGANIZATION, number(value), name, slug or name.lower().replace(" ", "-"), START, files)


def repository(value: int, url: str | None, uuid: str | None = None) -> Repository:
    parsed = RepoUrl.parse(url)
    assert url is None or parsed is not None, f"{url} names no repository"
    return Repository(ORGANIZATION, number(value), parsed, uuid, None, START)


def linked(value: int, name: str, *urls: str, slug: str = "") -> LinkedProject:
    """Return a project with repositories linked to it by URL."""
    repositories = tuple(repository(1000 * value + at, url) for at, url in enumerate(urls))
    return LinkedProject(project(value, name, slug=slug), repositories)


def release(
    value: int,
    *patterns: str,
    state: ReleaseState = ReleaseState.ACTIVE,
    activated_at: datetime | None = START,
    name: str = "",
) -> Release:
    parsed = tuple(BranchPattern(text) for text in patterns)
    return Release(
        ORGANIZATION, number(value), number(10), name or f"R{value}", state, parsed, START, activated_at, None
    )


def facts(
    *,
    source: str = "bitbucket",
    name: str = "Pipeline #8",
    status: BuildStatus = BuildStatus.SUCCESSFUL,
    build_number: str | None = None,
    run_id: str | None = None,
    commit_sha: str | None = None,
    branch: str | None = None,
    tag: str | None = None,
    repo: str | None = None,
    url: str | None = None,
) -> BuildFacts:
    return BuildFacts(
        source=source,
        name=name,
        status=status,
        build_number=build_number,
        run_id=run_id,
        commit_sha=commit_sha,
        branch=branch,
        tag=tag,
        repo_url=RepoUrl.parse(repo),
        url=url,
    )


def report_of(repo: str | None, uuid: str | None = None) -> BuildReport:
    """Return a report that carries nothing but where it comes from."""
    parsed = RepoUrl.parse(repo)
    assert repo is None or parsed is not None, f"{repo} names no repository"
    return BuildReport(facts=facts(repo=repo), repository_uuid=uuid)


statuses = st.sampled_from(BuildStatus)
finished = st.sampled_from([status for status in BuildStatus if status is not BuildStatus.IN_PROGRESS])

REFS = ("main", "release/2.4", "release/2.4/fix", "v2.4", "v2")
PATTERNS = ("main", "release/*", "release/2.*", "release/**", "release/2.4", "v2*", "v2.*", "v2.4", "*", "**")

refs = st.none() | st.sampled_from(REFS)


@st.composite
def some_releases(draw: st.DrawFn) -> list[Release]:
    """Releases of any state with any patterns, some activated at the same instant, some never."""
    count = draw(st.integers(0, 6))
    activated = st.none() | st.integers(0, 2).map(minutes)
    return [
        release(
            value,
            *draw(st.lists(st.sampled_from(PATTERNS), max_size=3, unique=True)),
            state=draw(st.sampled_from([ReleaseState.ACTIVE, ReleaseState.ACTIVE, *ReleaseState])),
            activated_at=draw(activated),
        )
        for value in draw(st.permutations(range(20, 20 + count)))
    ]
