"""The reporter as one file, for where nothing can be installed: its modules one after another, readable as they are."""

from __future__ import annotations

import ast
from itertools import takewhile
from pathlib import Path

from lathe_report import __version__

MODULES = ("ci", "report", "sending", "command", "__main__")
"""In the order in which they need each other."""

_HEAD = '''#!/usr/bin/env python3
"""Reports a build to Lathe Studio from inside its pipeline. Version {version}.

One file, for Python 3.8 or newer, made of the package lathe_report. Begin with: python3 report.py --help
"""

from __future__ import annotations

{imports}

__version__ = "{version}"
'''


def text() -> str:
    """Return the file. Nothing in it runs before its last line, so half a file does nothing."""
    plain: set[str] = set()
    named: dict[str, set[str]] = {}
    bodies = [_body(name, plain, named) for name in MODULES]
    imports = [f"import {name}" for name in sorted(plain)]
    imports += [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(named.items())]
    head = _HEAD.format(version=__version__, imports="\n".join(imports))
    return "\n\n\n".join([head.strip(), *bodies]) + "\n"


def _body(name: str, plain: set[str], named: dict[str, set[str]]) -> str:
    """Return what a module holds besides its docstring and its imports; those are added to the two sets."""
    source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    end = 0
    for node in takewhile(_imports, ast.parse(source).body[1:]):
        if isinstance(node, ast.Import):
            plain.update(one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and not str(node.module).startswith(("__future__", "lathe_report")):
            named.setdefault(str(node.module), set()).update(one.name for one in node.names)
        end = node.end_lineno or end
    return "\n".join(source.splitlines()[end:]).strip()


def _imports(node: ast.stmt) -> bool:
    return isinstance(node, (ast.Import, ast.ImportFrom))
