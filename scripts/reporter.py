"""Builds what runs in CI jobs into dist/ (or the folder named): a wheel, a zipapp, one file, an action and a pipe."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipapp
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "lathe_report"
START = "import sys\n\nfrom lathe_report.__main__ import main\n\nsys.exit(main())\n"

sys.path.insert(0, str(PACKAGE.parent))

from lathe_report.single import text  # noqa: E402 - it lies where the line above points


def main() -> None:
    """Build all of it."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist").resolve()
    target.mkdir(parents=True, exist_ok=True)
    wheel = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(target)]
    subprocess.run(wheel, cwd=ROOT / "integrations" / "wheel", check=True)  # noqa: S603 - the build backend of this checkout
    (target / "report.py").write_text(text(), encoding="utf-8")
    make_zipapp(target / "lathe-report.pyz")
    for name in ("github-action", "bitbucket-pipe"):
        folder = target / name
        shutil.copytree(ROOT / "integrations" / name, folder, dirs_exist_ok=True)
        shutil.copy(target / "report.py", folder)


def make_zipapp(file: Path) -> None:
    """Make a file that Python runs as it is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(PACKAGE, folder / "lathe_report", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "__main__.py").write_text(START, encoding="utf-8")
        zipapp.create_archive(folder, file, interpreter="/usr/bin/env python3")


main()
