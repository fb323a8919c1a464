"""The how-to pages of docs/ as programs read them: their blocks of code, and the steps inside of pipeline files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]
from attrs import frozen

DOCS: Final = Path(__file__).parents[1] / "docs"

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@frozen
class Step:
    """A step of a pipeline file: what its shell runs, and the variables that the file itself sets for it."""

    script: str
    environ: dict[str, str]


def blocks(page: str, language: str) -> list[str]:
    """Return the blocks of code in a language, in the order of the page."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [found[2] for found in _BLOCK.finditer(text) if found[1] == language]


def reporting_steps(page: str) -> list[Step]:
    """Return the steps of a page's pipeline files that report a build."""
    found = [step for text in blocks(page, "yaml") for step in _steps(yaml.safe_load(text), {})]
    found += [step for text in blocks(page, "groovy") for step in _steps_of_groovy(text)]
    return [step for step in found if "report.py" in step.script]


def _steps(node: Any, environ: dict[str, str]) -> Iterator[Step]:
    """Yield all that a shell runs, wherever the CI wants it to stand."""
    if isinstance(node, list):
        for one in node:
            yield from _steps(one, environ)
    if not isinstance(node, dict):
        return
    environ = environ | {str(name): str(value) for name, value in _variables(node).items()}
    for place in ("run", "command", "bash", "script", "after-script"):
        for script in node[place] if isinstance(node.get(place), list) else [node.get(place)]:
            if isinstance(script, str):
                yield Step(script, environ)
    for value in node.values():
        yield from _steps(value, environ)


def _variables(node: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = node.get("env") or node.get("variables") or {}
    return found


def _steps_of_groovy(text: str) -> Iterator[Step]:
    environ = dict(re.findall(r"(\w+) = '([^']*)'", text))
    environ |= dict(re.findall(r'withEnv\(\["(\w+)=([^"]*)"\]\)', text))
    for script in re.findall(r"\bsh '([^']*)'", text):
        yield Step(script, environ)
