"""Writes docs/generated/ from the code: `python docs/generate.py`, or `--check` to say what is out of date."""

import dataclasses
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.db import models
from django.utils import translation

import studyportal
from evaluation.analysis import default_plan
from studyportal.api.rights import RIGHTS, Access
from studyportal.clinical.rules import DEFINITION_VERSION, FORMS, RULES, Field
from studyportal.core.states import Machine
from studyportal.dicom.rights import RIGHTS as DICOM_RIGHTS
from studyportal.exports.rules import DICTIONARY, label_of
from studyportal.protocol.rules import Criterion, Protocol, parse
from studyportal.sites.rules import (
    ACTION_WORDS,
    PERMISSIONS,
    ROLE_NAMES,
    SITE_ROLES,
    STUDY_ROLES,
    Action,
    Role,
)

GENERATED = Path(__file__).resolve().parent / "generated"
NOTE = "<!-- Rendered from the code by docs/generate.py; change the code, not this file. -->\n\n"

_ACCESS = {Access.ANYONE: "anyone", Access.SIGNED_IN: "whoever is signed in"}

Rows = Iterable[Sequence[object]]


@translation.override("en")  # whatever was spoken before in this process
def pages() -> Mapping[str, str]:
    """Every generated page: file name → text."""
    return {
        "states.md": states(),
        "roles.md": roles(),
        "data_dictionary.md": data_dictionary(),
        "forms.md": case_report_forms(),
        "protocol.md": protocol(),
        "plan.md": plan(),
        "api_rights.md": api_rights(),
    }


def machines() -> list[Machine]:
    """Every state machine of the portal, by room and name."""
    found = []
    for room in sorted(entry.name for entry in pkgutil.iter_modules(studyportal.__path__)):
        if room == "core":  # holds the kind, no machine
            continue
        try:
            states_of_room = importlib.import_module(f"studyportal.{room}.states")
        except ModuleNotFoundError as missing:
            if missing.name != f"studyportal.{room}.states":
                raise
            continue
        found += [value for value in vars(states_of_room).values() if isinstance(value, Machine)]
    return found


def portal_models() -> list[type[models.Model]]:
    """Every model of the portal, in the order of the rooms; tables of events repeat theirs and are left out."""
    return [
        model
        for model in apps.get_models()
        if model.__module__.startswith("studyportal.")
        and not model._meta.proxy
        and not hasattr(model, "pgh_tracked_model")
    ]


def states() -> str:
    parts = [NOTE, "# Statuses\n\nA status changes along an arrow or not at all.\n"]
    parts += [
        f"\n## {_title(machine.name)}\n\n```mermaid\n{machine.diagram()}```\n"
        for machine in machines()
    ]
    return "".join(parts)


def roles() -> str:
    names = [ROLE_NAMES[role] for role in Role]
    rows = [
        [ACTION_WORDS[action], *("yes" if action in PERMISSIONS[role] else "" for role in Role)]
        for action in Action
    ]
    return (
        f"{NOTE}# Who may do what\n\n"
        "A role is given to a person at one site or in the whole study; what it lets the person do, it lets them do there.\n\n"
        f"{_table(['Action', *names], rows)}\n"
        f"{_table(['Role', 'Given for'], [[ROLE_NAMES[role], _scope(role)] for role in Role])}"
    )


def data_dictionary() -> str:
    parts = [
        NOTE,
        "# Data dictionary\n\n",
        "Every table of the portal, and how each field may leave it: ",
        "*export* as it is, *pseudonymise* as a code, *never*.\n",
    ]
    for model in portal_models():
        meaning = (model.__doc__ or "").strip().splitlines()[0]
        rows = [_field_row(model, field) for field in model._meta.concrete_fields]
        parts.append(f"\n## {model._meta.label}\n\n")
        if not meaning.startswith(f"{model.__name__}("):  # Django's own text lists the fields
            parts.append(f"{meaning}\n\n")
        parts.append(_table(["Field", "Type", "Meaning", "Leaves"], rows))
    parts.append("\n# Columns of an export\n\n")
    columns = [(c.table, c.name, c.kind, c.unit, c.meaning) for c in DICTIONARY]
    parts.append(_table(["Table", "Column", "Kind", "Unit", "Meaning"], columns))
    return "".join(parts)


def case_report_forms() -> str:
    parts = [
        NOTE,
        f"# Case report forms\n\nVersion {DEFINITION_VERSION} of the definitions. ○: optional. ②: entered twice. ƒ: follows from other answers.\n",
    ]
    for form in FORMS.values():
        parts.append(f"\n## {form.title.en} · {form.title.zh} (`{form.key}`)\n\n")
        if form.guide.en:
            parts.append(f"{form.guide.en}\n{form.guide.zh}\n\n")
        parts.append(
            _table(
                [
                    "Field",
                    "Question",
                    "问题",
                    "Type",
                    "Unit",
                    "Cannot be outside",
                    "Asked about outside",
                    "Answers",
                    "Asked if",
                ],
                [_form_field(field) for field in form.fields],
            )
        )
        checks = [
            [
                "refused" if check.hard else "asked about",
                f"`{check.field}`",
                check.sentence.en,
                check.sentence.zh,
            ]
            for check in form.checks
        ]
        parts.append("\n" + _table(["Check", "Field", "Sentence", "说明"], checks))
    rules = [[key, words.en, words.zh] for key, words in RULES.items()]
    parts.append("\n# Rules of the reference standard\n\nThe first rule that decides counts.\n\n")
    parts.append(_table(["Rule", "What it says", "说明"], rules))
    return "".join(parts)


def _form_field(field: Field) -> list[str]:
    marks = "".join(
        mark
        for mark, on in (
            (" ○", not field.required and field.computed is None),
            (" ②", field.twice),
            (" ƒ", field.computed is not None),
        )
        if on
    )
    span = f"{field.low:g} to {field.high:g}" if field.low is not None else ""
    expected = f"{field.expected[0]:g} to {field.expected[1]:g}" if field.expected else ""
    answers = [f"`{code.value}` {code.label.en} {code.label.zh}" for code in field.codes]
    answers += [f"`{word}`" for word in sorted(field.absent)]
    asked = field.asked_if
    condition = f"`{asked.field}`: {', '.join(sorted(asked.among))}" if asked else ""
    return [
        f"`{field.name}`{marks}", field.label.en, field.label.zh, field.kind.value, field.unit,
        span, expected, "; ".join(answers), condition,
    ]  # fmt: skip


def protocol() -> str:
    text = resources.files("studyportal.protocol") / "versions" / "nct07243873-1.1.toml"
    content = parse(text.read_text("utf-8"))
    return (
        f"{NOTE}# The protocol in force\n\n{content.title} ({content.registry_number}, version "
        f"{content.version}).\n\n{content.aim}\n\n"
        f"## Sites\n\n{content.targets_note}\n\n{_sites(content)}\n"
        f"## Eligibility criteria\n\n{_criteria(content.criteria)}\n"
        f"## Imaging thresholds\n\n{_scalars(content.imaging, leave_out=('screening',))}\n"
        f"## Screening thresholds\n\n{_scalars(content.imaging.screening)}\n"
        f"## Endpoints\n\n{_endpoints(content)}"
    )


def plan() -> str:
    """The analysis plan that ships: scalars first, then one table per list."""
    content = default_plan()
    lists = [
        field.name
        for field in dataclasses.fields(content)
        if isinstance(getattr(content, field.name), tuple)
    ]
    parts = [
        NOTE,
        f"# The analysis plan\n\n{_scalars(content, leave_out=[*lists, 'multiplicity'])}",
    ]
    if content.multiplicity is not None:
        alpha = f"Fixed sequence by order at two-sided {content.multiplicity.alpha:g}, Holm within one order."
        parts.append(f"\n## Hypotheses\n\n{alpha}\n\n{_entries(content.multiplicity.hypothesis)}")
    for name in lists:
        entries = getattr(content, name)
        if entries:
            parts.append(f"\n## {_title(name)}\n\n{_entries(entries)}")
    return "".join(parts)


def api_rights() -> str:
    rows = [
        (*name.split("."), ACTION_WORDS[right] if isinstance(right, Action) else _ACCESS[right])
        for name, right in RIGHTS.items()
    ]
    dicom = [(*name.split("."), ACTION_WORDS[right]) for name, right in DICOM_RIGHTS.items()]
    head = ["Address", "Act", "Right"]
    return (
        f"{NOTE}# Rights of the API\n\n{_table(head, rows)}\n"
        f"# Rights of DICOMweb\n\n{_table(head, dicom)}"
    )


def _field_row(model: type[models.Model], field: Any) -> list[str]:
    label = label_of(model._meta.label_lower, field.name)
    return [field.name, _type(field), str(field.help_text), label]


def _type(field: Any) -> str:
    if field.remote_field is not None:
        return f"→ {field.remote_field.model._meta.label}"
    kind = type(field).__name__.removesuffix("Field").lower()
    return (
        f"{kind} ({', '.join(str(value) for value, _ in field.choices)})" if field.choices else kind
    )


def _scope(role: Role) -> str:
    if role in SITE_ROLES:
        return "one site"
    return "the study" if role in STUDY_ROLES else "one site or the study"


def _sites(content: Protocol) -> str:
    rows = [
        (site.code, site.name, site.name_zh, f"{site.city}, {site.province}", site.target)
        for site in content.sites
    ]
    return _table(["Code", "Name", "中文名", "City, province", "Target"], rows)


def _criteria(criteria: Iterable[Criterion]) -> str:
    rows = [(c.code, c.kind, c.settled_by, c.text, c.text_zh, c.unmet) for c in criteria]
    head = ["Code", "Kind", "Settled by", "Text", "中文", "Said when it stands in the way"]
    return _table(head, rows)


def _endpoints(content: Protocol) -> str:
    rows = [(e.kind, e.name, e.name_zh, e.meaning) for e in content.endpoints]
    return _table(["Kind", "Name", "中文名", "Meaning"], rows)


def _scalars(content: Any, *, leave_out: Sequence[str] = ()) -> str:
    rows = [
        (field.name, _word(getattr(content, field.name)))
        for field in dataclasses.fields(content)
        if field.name not in leave_out
    ]
    return _table(["Name", "Value"], rows)


def _entries(entries: Sequence[Any]) -> str:
    if not dataclasses.is_dataclass(entries[0]):
        return "\n".join(f"- {_word(entry)}" for entry in entries) + "\n"
    names = [field.name for field in dataclasses.fields(entries[0])]
    used = [
        name
        for name in names
        if any(getattr(entry, name) not in ("", None, ()) for entry in entries)
    ]
    rows = [[_word(getattr(entry, name)) for name in used] for entry in entries]
    return _table([_title(name) for name in used], rows)


def _word(value: Any) -> str:
    if dataclasses.is_dataclass(value):
        return "; ".join(
            f"{field.name} = {_word(getattr(value, field.name))}"
            for field in dataclasses.fields(value)
        )
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_word(entry)}" for key, entry in value.items())
    if isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
        return "<br>".join(_word(entry) for entry in value)
    if isinstance(value, list | tuple | frozenset):
        return ", ".join(_word(entry) for entry in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _table(head: Sequence[str], rows: Rows) -> str:
    lines = [_line(head), _line(["---"] * len(head)), *(_line(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[object]) -> str:
    return (
        "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
    )


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with --check name those that differ and return 1."""
    if set(arguments) - {"--check"}:
        print("Usage: python docs/generate.py [--check]")
        return 2
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyportal.config.settings")
    # Models are described without asking the database anything.
    os.environ.setdefault("DATABASE_URL", "postgresql:///not-started")
    django.setup()
    differing = [
        name
        for name, text in pages().items()
        if not (GENERATED / name).is_file() or (GENERATED / name).read_text("utf-8") != text
    ]
    if "--check" in arguments:
        for name in differing:
            print(f"docs/generated/{name} is out of date. Run: python docs/generate.py")
        return 1 if differing else 0
    GENERATED.mkdir(parents=True, exist_ok=True)
    for name in differing:
        (GENERATED / name).write_text(pages()[name], "utf-8")
        print(f"docs/generated/{name} written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
