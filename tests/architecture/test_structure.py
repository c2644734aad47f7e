"""The shape of the code: imports, sizes of files, and a named right for every address."""

import ast
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from studyportal.sites.rules import Action
from studyportal.web.permissions import ACCOUNT_PAGES
from tests.architecture.rendering import REPOSITORY

PACKAGES = ("studyportal", "evaluation", "synthesis")
FILES = [
    path
    for package in PACKAGES
    for path in sorted((REPOSITORY / package).rglob("*.py"))
    if "migrations" not in path.parts and "node_modules" not in path.parts
]
MAX_LINES = 350
name_of = lambda path: str(path.relative_to(REPOSITORY))  # noqa: E731


def test_import_contracts_hold():
    """The contracts of pyproject.toml: floors, furniture, private models, no torch outside the GPU task."""
    script = Path(sys.executable).with_name("lint-imports")
    outcome = subprocess.run(
        [script, "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stdout[-4000:] + outcome.stderr[-1000:]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_file_is_too_long_to_read(path):
    assert len(path.read_text("utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_function_imports(path):
    tree = ast.parse(path.read_text("utf-8"))
    inside = [
        f"{function.name}, line {node.lineno}"
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inside == []


def addresses(resolver, *, prefix=""):
    """Every address below a resolver, with its view."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            namespace = f"{prefix}{entry.namespace}:" if entry.namespace else prefix
            yield from addresses(entry, prefix=namespace)
        elif isinstance(entry, URLPattern):
            yield f"{prefix}{entry.name}", entry.callback


def names_in(namespace):
    return {name for name, _ in addresses(get_resolver()) if name.split(":")[0] == namespace}


def test_every_room_of_addresses_is_known():
    rooms = {name.split(":")[0] for name, _ in addresses(get_resolver()) if ":" in name}
    assert rooms == {"admin", "api", "dicom", "web"}


def pages():
    """The table of pages of the web; where there is but the sign-in page, that one."""
    if names_in("web") == {"web:login"}:
        assert find_spec("studyportal.web.permissions") is None
        return {"login": "public"}
    return import_module("studyportal.web.permissions").PAGES


def test_every_address_of_the_web_names_its_right():
    table = pages()
    assert {name.removeprefix("web:") for name in names_in("web")} == set(table)
    assert all(
        isinstance(right, Action) or right in {"signed-in", "public"} for right in table.values()
    )


def test_every_view_that_opens_to_nobody_in_particular_says_so():
    """Django asks everybody to sign in; these open that gate; API and DICOMweb close it again by their own tables."""
    open_views = {
        name
        for name, view in addresses(get_resolver())
        if not getattr(view, "login_required", True) and not name.startswith(("api:", "dicom:"))
    }
    public = {f"web:{name}" for name, right in pages().items() if right == "public"}
    public |= {name for name, right in ACCOUNT_PAGES.items() if right == "public"}
    assert open_views == {"admin:login"} | public


def test_every_address_without_a_room_is_a_page_of_ones_own_account():
    roomless = {name for name, _ in addresses(get_resolver()) if ":" not in name}
    assert roomless == set(ACCOUNT_PAGES)
