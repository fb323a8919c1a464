"""The reporter as it gets into CI jobs: wheel, single files, action and pipe, each without anything of the server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

import lathe_report
from tests.answering import answering
from tests.guides import DOCS, blocks
from tests.pipelines import BITBUCKET, GITHUB

ROOT = DOCS.parent
KEY = "pt_live_" + "k3Y" * 12 + "ab"


def run(*arguments: str | Path, environ: dict[str, str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make reporter` builds."""
    folder = tmp_path_factory.mktemp("dist")
    built = run(sys.executable, ROOT / "scripts" / "reporter.py", folder, environ={})
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module")
def ways(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, ...]]:
    """Each way to run it, by a Python that sees no installed packages."""
    installed = tmp_path_factory.mktemp("site")
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    start = (
        f"import sys; sys.path.insert(0, {str(installed)!r}); from lathe_report.__main__ import main; sys.exit(main())"
    )
    alone = (sys.executable, "-I", "-S")
    return {
        "wheel": (*alone, "-c", start),
        "zipapp": (*alone, str(dist / "lathe-report.pyz")),
        "file": (*alone, str(dist / "report.py")),
    }


@pytest.mark.parametrize("way", ["wheel", "zipapp", "file"])
def test_it_reports_without_anything_else_installed(way: str, ways: dict[str, tuple[str, ...]]) -> None:
    with answering() as server:
        done = run(*ways[way], environ={**BITBUCKET, "LATHE_URL": server.address, "LATHE_API_KEY": KEY})
    wrong = run(*ways[way], environ=BITBUCKET)

    assert (done.returncode, done.stdout) == (0, "Filed as build 01990a3c\n")
    assert json.loads(server.asked[0].body)["source"] == "bitbucket"
    assert wrong.returncode == 2
    assert "LATHE_URL is not set" in wrong.stderr


def test_the_wheel_is_small_needs_nothing_and_brings_its_command(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (archive.read(name).decode() for name in names if name.endswith("METADATA"))
        (commands,) = (archive.read(name).decode() for name in names if name.endswith("entry_points.txt"))

    assert wheel.name == f"lathe_report-{lathe_report.__version__}-py3-none-any.whl"
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"lathe_report"}
    assert not [name for name in names if "pycache" in name]
    assert "Requires-Dist" not in metadata
    assert "Requires-Python: >=3.8" in metadata
    assert "lathe-report = lathe_report.__main__:main" in commands
    assert wheel.stat().st_size < 50_000


def test_the_servers_wheel_has_it_too(tmp_path: Path) -> None:
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, environ={}, cwd=ROOT)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")

    names = set(zipfile.ZipFile(wheel).namelist())

    assert {f"lathe_report/{name}.py" for name in ("__main__", "ci", "command", "report", "sending", "single")} <= names
    assert "lathe/entrypoints/cli/report.py" in names


# --- the action and the pipe ------------------------------------------------------------------------------------------


def expanded(text: str, inputs: dict[str, str]) -> str:
    """Put in what GitHub puts in for its marks."""
    text = re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: inputs[found[1]], text)
    return text.replace("${{ inputs.status || job.status }}", inputs["status"] or "failure")


@pytest.mark.parametrize("folder", ["integrations", "dist"])
@pytest.mark.parametrize(("status", "expected"), [("", "failed"), ("success", "successful"), ("cancelled", "stopped")])
def test_the_action_reports_the_result_of_the_job(
    folder: str, status: str, expected: str, dist: Path, tmp_path: Path
) -> None:
    place = ROOT / "integrations" / "github-action"
    if folder == "dist":  # copied into a repository, as the page says
        place = tmp_path / ".github" / "actions" / "lathe"
        shutil.copytree(dist / "github-action", place)
    action = loaded(place / "action.yml")
    (step,) = action["runs"]["steps"]
    with answering() as server:
        given = {"url": server.address, "api-key": KEY, "status": status, "name": "Nightly"}
        inputs = {name: about.get("default", "") for name, about in action["inputs"].items()} | given
        environ = {name: expanded(value, inputs) for name, value in step["env"].items()}
        done = run("sh", "-e", "-c", step["run"], environ={**GITHUB, **environ, "GITHUB_ACTION_PATH": str(place)})

    assert (done.returncode, done.stdout) == (0, "Filed as build 01990a3c\n"), done.stderr
    body = json.loads(server.asked[0].body)
    assert (body["source"], body["status"], body["name"]) == ("github", expected, "Nightly")


def test_the_action_is_one_that_github_takes_and_its_page_uses_it_as_it_is() -> None:
    action = loaded(ROOT / "integrations" / "github-action" / "action.yml")
    (used,) = (
        step
        for block in blocks("github.md", "yaml")
        for step in yaml.safe_load(block)["jobs"]["build"]["steps"]
        if step.get("uses") == "./.github/actions/lathe"
    )

    assert action["runs"]["using"] == "composite"
    assert all({"shell", "run"} <= step.keys() for step in action["runs"]["steps"])
    assert used["with"].keys() <= action["inputs"].keys()
    assert {name for name, about in action["inputs"].items() if about["required"]} <= used["with"].keys()
    assert all(about["description"] for about in action["inputs"].values())


def test_the_pipe_promises_what_its_script_takes_and_its_page_uses_it_as_it_is(dist: Path) -> None:
    folder = dist / "bitbucket-pipe"
    pipe, script = loaded(folder / "pipe.yml"), (folder / "report.sh").read_text(encoding="utf-8")
    dockerfile = (folder / "Dockerfile").read_text(encoding="utf-8")
    variables = {one["name"] for one in pipe["variables"]}
    (used,) = (
        step
        for block in blocks("bitbucket.md", "yaml")
        for one in yaml.safe_load(block)["pipelines"]["default"]
        for step in one["step"]["after-script"]
        if isinstance(step, dict)
    )

    assert {"name", "image", "description", "category", "variables"} <= pipe.keys()
    assert variables == {"LATHE_URL", "LATHE_API_KEY", "STATUS", "NAME", "ALLOW_FAILURE"}
    assert variables == set(re.findall(r"\b(LATHE_URL|LATHE_API_KEY|STATUS|NAME|ALLOW_FAILURE)\b", script))
    assert pipe["image"] == f"lathe-studio/report-pipe:{lathe_report.__version__}"
    assert used["pipe"] == f"docker://{pipe['image']}"
    assert used["variables"].keys() <= variables
    assert all((folder / name).exists() for name in re.findall(r"^COPY (\S+) (\S+) /$", dockerfile, re.MULTILINE)[0])
    assert script == (dist / "github-action" / "report.sh").read_text(encoding="utf-8")


@pytest.mark.parametrize(("code", "expected"), [("0", "successful"), ("1", "failed"), ("137", "failed")])
def test_the_pipes_script_needs_no_container(code: str, expected: str, dist: Path) -> None:
    with answering() as server:
        settings = {"LATHE_URL": server.address, "LATHE_API_KEY": KEY, "STATUS": code, "ALLOW_FAILURE": "true"}
        done = run(dist / "bitbucket-pipe" / "report.sh", environ={**BITBUCKET, **settings})

    assert done.returncode == 0, done.stderr
    assert json.loads(server.asked[0].body)["status"] == expected


def test_a_build_that_cannot_be_reported_fails_the_job_only_where_that_is_wanted(dist: Path, tmp_path: Path) -> None:
    script = dist / "bitbucket-pipe" / "report.sh"
    for name in ("sh", "dirname", "cat"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")

    def ended(**environ: str) -> int:
        return run(script, environ={**BITBUCKET, **environ}).returncode

    assert (ended(), ended(ALLOW_FAILURE="true")) == (2, 0)
    without_python = {"PATH": str(tmp_path)}
    assert (ended(**without_python), ended(**without_python, ALLOW_FAILURE="true")) == (1, 0)
    assert "no python3" in run(script, environ={**BITBUCKET, **without_python}).stderr
