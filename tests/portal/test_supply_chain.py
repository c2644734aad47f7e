"""The bill of materials, and the audit of packages that does not pass what it could not ask about."""

import subprocess
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from studyportal.cli.management.commands.sbom import browser_bill, joined
from tests.architecture.rendering import REPOSITORY


def component(ref: str) -> dict:
    return {"bom-ref": ref, "name": ref, "purl": f"pkg:pypi/{ref}@1"}


def test_both_halves_stand_in_one_bill_each_component_once():
    python = {"bomFormat": "CycloneDX", "components": [component("b")], "dependencies": []}
    browser = {
        "metadata": {"component": {"bom-ref": "frontend"}},
        "components": [component("a"), component("b")],
        "dependencies": [{"ref": "frontend", "dependsOn": ["a"]}, {"ref": "a", "dependsOn": ["b"]}],
    }
    bill = joined(python, browser)
    assert [one["name"] for one in bill["components"]] == ["a", "b"]
    assert bill["dependencies"] == [{"ref": "a", "dependsOn": ["b"]}]


def test_the_bill_names_what_the_browser_gets_and_not_what_builds_it():
    names = {one["name"] for one in browser_bill(REPOSITORY)["components"]}
    assert {"bootstrap", "htmx.org"} <= names
    assert "esbuild" not in names


@pytest.mark.parametrize("code", [0, 1])
def test_the_audit_fails_on_a_weakness_and_on_what_it_could_not_ask_about(monkeypatch, code):
    asked = []

    def run(words, **_options):
        asked.append(words)
        return SimpleNamespace(returncode=code)

    monkeypatch.setattr(subprocess, "run", run)
    if code:
        with pytest.raises(CommandError, match="known weaknesses, or could not be asked about"):
            call_command("audit_packages")
    else:
        call_command("audit_packages")
    assert "--strict" in asked[0]
