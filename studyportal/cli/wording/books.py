"""Catalogues and what must be in them: which files each one reads, what it lacks, how it is refreshed."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from evaluation.language import placeholders
from studyportal.cli.wording.messages import Marked, marked_in_python, marked_in_template
from studyportal.cli.wording.sentences import (
    COMPOSED,
    PIECES_OF_ANALYSES,
    sentences_in,
    statuses_in,
)

ROOT = Path(__file__).resolve().parents[3]
_LOCALE = Path("studyportal/locale/zh_Hans/LC_MESSAGES")
_PERCENT = re.compile(r"%\((\w+)\)[#0 +-]?\d*(?:\.\d+)?[a-z]|%(?:\.\d+)?[sdfg]")

# What no reader sees: command lines, settings, migrations, machine tables, texts inside DICOM files.
_LEFT_OUT = (
    "/cli/", "/config/", "/migrations/", "/management/", "/commands/", "/admin.py", "/apps.py", "/states.py",
    "__main__.py", "/web/", "/api/serializers/", "/api/openapi.py", "/models.py", "/models/", "/exports/rules/tables.py", "/exports/rules/sas.py", "/exports/rules/datasets.py", "/exports/rules/guide.py", "/exports/services/odm/", "/clinical/rules/odm.py",
    "/rules/image_attributes.py", "/rules/safe_private.py", "/rules/element_values.py", "/rules/declaration.py",
    "/rules/confidentiality.py", "/tasks/gpu/device.py", "/dicom/endpoints.py", "/dicom/media.py", "/dicom/wire.py",
    "/imaging/selectors/checks.py", "/core/limited/parent.py", "/core/database/", "/core/spool.py",
    "synthesis/training/", "synthesis/study/", "synthesis/losses/", "synthesis/models/", "synthesis/data/dicom_",
    "synthesis/inference/bundle", "synthesis/dicom_out/series.py", "synthesis/jobs/run_study.py", "synthesis/jobs/translate_folder.py",
    "evaluation/report/", "evaluation/language/",
)  # fmt: skip
_KEPT = (
    "/web/accounts/",
    "/web/views/trail.py",
    "/web/views/signing.py",
)  # entrances that record acts by themselves


@dataclass(frozen=True)
class Book:
    """One catalogue: where it lies, and how its texts are found."""

    path: Path
    texts: Callable[[], Mapping[Marked, list[str]]]
    compiled: bool = False

    @property
    def file(self) -> Path:
        """The PO file."""
        return ROOT / self.path

    def read(self) -> Catalog:
        """The catalogue as it lies there; an empty one where there is none."""
        if not self.file.is_file():
            return Catalog(locale="zh_Hans")
        with self.file.open("rb") as file:
            return read_po(file, locale="zh_Hans", abort_invalid=True)


@dataclass(frozen=True)
class Fault:
    """One text that a catalogue lacks, or has wrong."""

    book: Path
    what: str
    text: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.book.name}: {self.what}: {self.text!r} {self.where}".rstrip()


def faults_of(book: Book) -> list[Fault]:
    """Everything that keeps a reader of Chinese from reading a text of this catalogue in Chinese."""
    catalogue = book.read()
    faults = []
    for marked, places in book.texts().items():
        entry = catalogue.get(marked.text, marked.context or None)
        what = _fault_of(entry, marked)
        if what:
            faults.append(Fault(book.path, what, marked.text, places[0]))
    wanted = {(marked.text, marked.context) for marked in book.texts()}
    faults += [
        Fault(book.path, "no longer in the code", _text(entry))
        for entry in catalogue
        if entry.id and (_text(entry), entry.context or "") not in wanted
    ]
    return faults


def _fault_of(entry: Message | None, marked: Marked) -> str:
    said = [] if entry is None else _translations(entry)
    if entry is None or not all(said) or not said:
        return "not translated"
    if entry.fuzzy:
        return "not confirmed"
    if any(_slots(text) - _slots(marked.text) - _slots(marked.plural) for text in said):
        return "names a value that the English text lacks"
    return ""


def _slots(text: str) -> set[str]:
    return set(placeholders(text)) | {match[1] or match[0] for match in _PERCENT.finditer(text)}


def refresh(book: Book) -> None:
    """The file lists every text of the code, in order, with the translations it had; others are gone."""
    former = book.read()
    fresh = Catalog(
        locale="zh_Hans", project="StudyPortal", charset="utf-8", header_comment="#", fuzzy=False
    )
    for marked, places in sorted(book.texts().items(), key=lambda entry: entry[1][0]):
        entry = former.get(marked.text, marked.context or None)
        files = sorted({place.rpartition(":")[0] for place in places})
        fresh.add(
            (marked.text, marked.plural) if marked.plural else marked.text,
            string=entry.string if entry is not None else None,
            locations=[(file, None) for file in files[:2]],  # type: ignore[misc]  # without line numbers
            flags=["python-format"] if _PERCENT.search(marked.text) and book.compiled else [],
            context=marked.context or None,
        )
    written = BytesIO()
    write_po(written, fresh, width=0, omit_header=False, sort_output=False)
    text = written.getvalue().decode()
    book.file.parent.mkdir(parents=True, exist_ok=True)
    book.file.write_text(_without_dates(text), "utf-8")


def compile_book(book: Book) -> Path:
    """The compiled catalogue lies beside its source, where Django reads it."""
    target = book.file.with_suffix(".mo")
    with target.open("wb") as file:
        write_mo(file, book.read())
    return target


_HEAD = re.compile(
    r'^"(?:POT-Creation-Date|PO-Revision-Date|Report-Msgid|Last-Tr|Language-Team|Project-Id|Generated)[^"]*"\n|^#\n',
    re.MULTILINE,
)


def _without_dates(text: str) -> str:
    """Dates of creation and empty fields of the head would make every refresh a change."""
    return _HEAD.sub("", text)


def _text(entry: Message) -> str:
    return entry.id if isinstance(entry.id, str) else str(entry.id[0])


def _translations(entry: Message) -> list[str]:
    said = entry.string
    return [said] if isinstance(said, str) else [str(text) for text in said or ()]


def _files(folder: str, pattern: str) -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / folder).rglob(pattern)):
        name = str(path.relative_to(ROOT))
        if "node_modules" not in name:
            yield path, name


def _marked_texts() -> Mapping[Marked, list[str]]:
    found: dict[Marked, list[str]] = {}
    for path, name in _files("studyportal", "*.py"):
        for marked, line in marked_in_python(path):
            found.setdefault(marked, []).append(f"{name}:{line}")
    for path, name in _files("templates", "*"):
        if path.is_file():
            for marked, line in marked_in_template(path):
                found.setdefault(marked, []).append(f"{name}:{line}")
    return _one_each(found)


def _one_each(found: Mapping[Marked, list[str]]) -> Mapping[Marked, list[str]]:
    """A text that is somewhere marked with a plural is one entry, as gettext wants it."""
    plural = {(m.text, m.context) for m in found if m.plural}
    return {
        marked: places
        for marked, places in found.items()
        if marked.plural or (marked.text, marked.context) not in plural
    }


_READ_OF_PROTOCOL = ("title", "short_title", "aim", "study_type", "targets_note")


def _portal_texts() -> Mapping[Marked, list[str]]:
    """The sentences of the code, and what the packaged protocols say of the study in English only."""
    found = dict(_sentences_of("studyportal", "synthesis")())
    for path, name in _files("studyportal/protocol/versions", "*.toml"):
        table = tomllib.loads(path.read_text("utf-8"))
        for key in _READ_OF_PROTOCOL:
            found.setdefault(Marked(str(table[key])), []).append(f"{name}:0")
    return found


def _sentences_of(*folders: str) -> Callable[[], Mapping[Marked, list[str]]]:
    def texts() -> Mapping[Marked, list[str]]:
        composed = COMPOSED if "studyportal" in folders else ()
        found = {Marked(text): ["studyportal/cli/wording/sentences.py:0"] for text in composed}
        for folder in folders:
            for path, name in _files(folder, "*.py"):
                kept = not any(p in name for p in _LEFT_OUT) or any(p in name for p in _KEPT)
                for text, line in (*(sentences_in(path) if kept else ()), *_statuses(path, name)):
                    found.setdefault(Marked(text), []).append(f"{name}:{line}")
        return found

    return texts


_READ_OF_PLAN = frozenset(
    {"not_estimable", "id", "name", "title", "text", "population", "variable", "conditions", "summary", "event", "handling", "strategy"}
)  # fmt: skip


def _evaluation_texts() -> Mapping[Marked, list[str]]:
    """The sentences of the code, and what the packaged analysis plans say in words."""
    found = dict(_sentences_of("evaluation")())
    for text in PIECES_OF_ANALYSES:
        found.setdefault(Marked(text), ["studyportal/cli/wording/sentences.py:0"])
    for path, name in _files("evaluation/plans", "*.toml"):
        for text in _texts_of_plan(tomllib.loads(path.read_text("utf-8"))):
            if " " in text or re.fullmatch(r"[A-Z][a-z]+", text):
                found.setdefault(Marked(text), []).append(f"{name}:0")
    return found


def _texts_of_plan(value: object, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts_of_plan(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts_of_plan(inner, key)
    elif isinstance(value, str) and key in _READ_OF_PLAN:
        yield value.replace("_", " ") if key in ("id", "name") else value


def _statuses(path: Path, name: str) -> Iterator[tuple[str, int]]:
    if name.startswith("studyportal/") and path.name in ("states.py", "rules.py"):
        yield from statuses_in(path)


BOOKS = (
    Book(_LOCALE / "django.po", _marked_texts, compiled=True),
    Book(_LOCALE / "sentences.po", _portal_texts),
    Book(Path("evaluation/language/zh_Hans/sentences.po"), _evaluation_texts),
)
"""Every catalogue: pages and entrances, sentences of the portal and of synthesis, those of evaluation."""
