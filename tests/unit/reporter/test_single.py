"""The reporter as one file: readable, for old Pythons, and doing nothing before its end."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import pytest

import lathe_report
from lathe_report.single import MODULES, text
from tests.pipelines import BITBUCKET

PACKAGE = Path(lathe_report.__file__).parent

# What came after Python 3.8: in its classes, and as generics that are made while the program runs.
LATER = {"removeprefix", "removesuffix", "cache", "pairwise", "batched", "is_relative_to", "randbytes", "to_thread"}


def test_it_holds_every_module_and_none_of_their_names_twice() -> None:
    tree = ast.parse(text())
    names = Counter(node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef))
    names.update(
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    )

    assert set(MODULES) == {file.stem for file in PACKAGE.glob("*.py")} - {"__init__", "single"}
    assert [name for name, times in names.items() if times > 1] == []
    assert "lathe_report" not in {
        node.module.partition(".")[0] for node in tree.body if isinstance(node, ast.ImportFrom) and node.module
    }


@pytest.mark.parametrize("source", [*sorted(PACKAGE.glob("*.py")), None], ids=lambda file: file.stem if file else "one")
def test_python_3_8_reads_it(source: Path | None) -> None:
    tree = ast.parse(source.read_text(encoding="utf-8") if source else text(), feature_version=(3, 8))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert used & LATER == set()
    assert imported & {"collections.abc", "tomllib", "zoneinfo", "graphlib"} == set()


def test_it_runs_from_standard_input_as_the_package_does() -> None:
    environ = {**os.environ, **BITBUCKET, "PYTHONPATH": str(PACKAGE.parent)}

    def ran(*arguments: str, stdin: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments, "--dry-run"],
            input=stdin,
            env=environ,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=True,
        )

    piped, package = ran("-", stdin=text()), ran("-m", "lathe_report", stdin="")

    assert (piped.stdout, piped.stderr) == (package.stdout, package.stderr)
    assert json.loads(piped.stdout)["source"] == "bitbucket"


def test_half_a_file_does_nothing() -> None:
    lines = text().splitlines()
    *_, last = ast.parse(text()).body
    run = [node for node in ast.parse(text()).body if isinstance(node, ast.Expr | ast.If | ast.For | ast.With)]

    assert lines[-2:] == ['if __name__ == "__main__":', "    sys.exit(main())"]
    assert [node for node in run if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))] == [
        node for node in run if ast.dump(node) == ast.dump(last)
    ]


def test_its_version_is_the_one_of_the_program() -> None:
    assert lathe_report.__version__ == version("lathe-studio")
    assert f"Version {lathe_report.__version__}." in text()
