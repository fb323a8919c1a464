"""The how-to pages are followed to the letter: each command and each step of theirs runs against a running server."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from attrs import frozen

from tests.guides import DOCS, Step, blocks, reporting_steps
from tests.pipelines import JOBS, REPOSITORIES
from tests.programs import LATHE, WITHIN_SECONDS, environment, serving
from tests.shop import Shop, open_shop

OURS = ("https://git.example.com/acme/pay-api", "https://bitbucket.example.com/projects/SHOP/repos/checkout")
EXAMPLES = ("https://lathe.example.com", "http://127.0.0.1:8000")

# What the CI puts in place of its own marks before a shell sees them.
PUT_IN = {
    "${{ vars.LATHE_URL }}": "$LATHE_URL",
    "${{ secrets.LATHE_API_KEY }}": "$LATHE_API_KEY",
    "${{ job.status }}": "success",
    "$(LATHE_URL)": "$LATHE_URL",
    "$(LATHE_API_KEY)": "$LATHE_API_KEY",
    "${currentBuild.currentResult}": "SUCCESS",
}


@frozen
class Scene:
    """A server, the folder in which commands are given, and what a reader has got by then: a key and hooks."""

    shop: Shop
    address: str
    key: str
    hooks: dict[str, dict[str, Any]]

    def run(self, script: str, folder: Path, **environ: str) -> str:
        """Run what the page says; return what it prints."""
        for example in EXAMPLES:
            script = script.replace(example, self.address)
        settings = {
            "LATHE_URL": self.address,
            "LATHE_API_KEY": self.key,
            "LATHE_DATABASE_URL": f"sqlite:///{self.shop.folder}/lathe.db",
        }
        done = subprocess.run(
            ["sh", "-e", "-c", script],
            cwd=folder,
            env=environment({**settings, "PATH": f"{LATHE.parent}:{os.environ['PATH']}", **environ}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=WITHIN_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def step(self, step: Step, folder: Path, job: dict[str, str]) -> str:
        """Run a step of a pipeline file as its CI does."""
        own = {name: self._put_in(value) for name, value in step.environ.items()}
        return self.run(self._put_in(step.script), folder, **(job | own))

    def _put_in(self, text: str) -> str:
        for mark, value in PUT_IN.items():
            text = text.replace(mark, value)
        for name, value in {"LATHE_URL": self.address, "LATHE_API_KEY": self.key}.items():
            text = value if text == f"${name}" else text
        return text.replace(EXAMPLES[0], self.address)

    def hook(self, provider: str) -> dict[str, str]:
        """Return the environment of somebody who made a hook."""
        made = self.hooks[provider]
        address = self.address + made["address"].partition("8000")[2]
        return {"HOOK": address, "SECRET": made["secret"]}

    def builds(self) -> list[dict[str, Any]]:
        url = f"{self.address}/api/v1/builds?limit=200"
        builds: list[dict[str, Any]] = httpx2.get(url, headers={"Authorization": f"Bearer {self.key}"}).json()["data"]
        return builds


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    shop = open_shop(tmp_path_factory.mktemp("acme"))
    repositories = [part for url in (*REPOSITORIES, OURS[0]) for part in ("--repo", url)]
    assert shop.inside("project", "create", "Pay API", "--org", "acme", *repositories).status == 0
    assert shop.inside("release", "create", "2.5", "--project", "pay-api", "--active").status == 0
    scopes = ("--scope", "builds:create", "--scope", "builds:read", "--rate-limit", "unlimited")
    key = shop.inside("key", "create", "CI", "--org", "acme", *scopes, "--json").json["key"]
    hooks = {
        provider: shop.inside("hook", "create", provider, "--org", "acme", "--json").json
        for provider in ("bitbucket", "github", "gitlab", "generic")
    }
    with serving(cwd=shop.folder) as (_, address):
        yield Scene(shop, address, key, hooks)


def new_builds(scene: Scene, before: list[dict[str, Any]]) -> Counter[str]:
    known = {build["id"] for build in before}
    return Counter(build["source"] for build in scene.builds() if build["id"] not in known)


@pytest.mark.parametrize(
    ("page", "source"),
    [
        ("bitbucket.md", "bitbucket"),
        ("github.md", "github"),
        ("gitlab.md", "gitlab"),
        ("jenkins.md", "jenkins"),
        ("circleci.md", "circleci"),
        ("azure.md", "azure"),
    ],
)
def test_the_step_of_each_page_reports_the_build_of_its_ci(
    page: str, source: str, scene: Scene, tmp_path: Path
) -> None:
    before = scene.builds()
    first, *others = reporting_steps(page)

    said = scene.step(first, tmp_path, JOBS[source])
    for other in others:
        scene.step(other, tmp_path, JOBS[source])

    assert "Filed under Pay API 2.5" in said
    assert new_builds(scene, before) == {source: 1}
    assert scene.key not in said


@pytest.mark.parametrize(
    ("page", "provider", "builds"),
    [
        ("bitbucket.md", "bitbucket", {"bitbucket": 1}),
        ("bitbucket-data-center.md", "bitbucket", {"bamboo": 1, "bitbucket": 1}),
        ("github.md", "github", {"github": 1}),
        ("gitlab.md", "gitlab", {"gitlab": 1}),
        ("any-ci.md", "generic", {"api": 3}),
        ("jenkins.md", "bitbucket", {}),
    ],
)
def test_what_is_typed_along_with_a_page_works(
    page: str, provider: str, builds: dict[str, int], scene: Scene, tmp_path: Path
) -> None:
    before = scene.builds()

    for block in blocks(page, "sh"):
        scene.run(block, tmp_path, **scene.hook(provider), **JOBS.get(page.partition(".")[0], {}))

    assert new_builds(scene, before) == builds


def test_the_reporter_is_fetched_and_its_checksum_kept(scene: Scene, tmp_path: Path) -> None:
    (block,) = blocks("report.md", "sh")
    checksum = scene.run('curl -fsS "$LATHE_URL/report.py" | sha256sum', tmp_path).split()[0]

    said = scene.run(block, tmp_path, CHECKSUM=checksum)

    assert "nothing was" in said
    with pytest.raises(AssertionError, match="did NOT match"):
        scene.run(block, tmp_path, CHECKSUM="0" * 64)


def test_the_options_of_the_reporter_are_those_on_its_page(scene: Scene, tmp_path: Path) -> None:
    page = (DOCS / "report.md").read_text(encoding="utf-8")
    helped = scene.run("lathe report --help", tmp_path)

    told = set(re.findall(r"`(--[a-z-]+)", page.partition("## Options")[2].partition("## What")[0]))

    assert told == set(re.findall(r"^  (--[a-z-]+)", helped, re.MULTILINE))


@pytest.mark.parametrize("page", sorted(file.name for file in DOCS.glob("*.md")))
def test_what_a_page_links_to_is_there(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        linked = (DOCS / file) if file else DOCS / page
        assert linked.exists(), target
        headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in {re.sub(r"[^a-z0-9-]", "", one.lower().replace(" ", "-")) for one in headings}


def test_every_how_to_is_on_the_front_page() -> None:
    front = (DOCS / "README.md").read_text(encoding="utf-8")

    assert {file.name for file in DOCS.glob("*.md")} - {"README.md"} <= set(re.findall(r"\]\(([^)/#]+\.md)", front))
