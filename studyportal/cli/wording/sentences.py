"""Sentences that code below the entrances makes without knowing a language, as templates."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from studyportal.cli.wording.texts import variants_of

GETTEXT = frozenset(
    {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext"}
)
# What only programmers and people at a command line read.
_NOT_FOR_READERS = frozenset(
    {
        "ValueError", "TypeError", "KeyError", "RuntimeError", "IndexError", "AssertionError", "SystemExit",
        "FileExistsError", "NotImplementedError", "ImproperlyConfigured", "CommandError", "EmbeddedServiceError",
        "PortalProcessError", "add_argument", "add_parser", "ArgumentParser", "compile", "fullmatch", "sub", "print",
        "machine", "format_html", "ChildDied", "Code", "Column", "open", "encode", "JsonResponse", "getattr", "Criterion",
        "set_title", "save_as", "Miscounted", "SuvChanged", "ProtocolBroken", "NoRoom", "cast",
    }
)  # fmt: skip
_NOT_FOR_READERS_BY_NAME = frozenset(
    {"help_text", "help", "prog", "description", "verbose_name", "content_description",
     "series_description", "media_type", "content_type"}
)  # fmt: skip
_FRAGMENTS = frozenset({"RefusalText", "Reason", "Refused", "FindingText", "Finding", "_NAMES"})
# Enumerations that no sentence prints.
_NOT_PRINTED = frozenset({"Action", "NextStep"})
COMPOSED = (
    # studyportal.imaging.rules.refusals and .located: “Files 1, 2 of 9 are neither CT nor PET.”
    "One file is {wrong}.",
    "A file is {wrong}.",
    "{count} files are {wrong}.",
    "File {places}{of_all} is {wrong}.",
    "Files {shown}{of_all} are {wrong}.",
    "Files {shown}{of_all} and {rest} more are {wrong}.",
    "Image {place} is {wrong}.",
    "Images {places} are {wrong}.",
    "Images {places} and {rest} more are {wrong}.",
    " of {files}",
    "File {place}",
    "Files {places}",
    "Image {place}",
    "Images {places}",
    "{fault} (entry {tag}).",  # studyportal.imaging.rules.refusals: why no SUV can be computed
    "{role} received",  # studyportal.imaging.services.receiving
    "higher",  # studyportal.imaging.rules.screening
    "lower",
    "screening",  # where an answer to a criterion comes from
    "imaging",
    "pathology",
    "drawn with the brush",  # studyportal/web/frontend: how a region was drawn
    "corrected with the brush",
    "outlines that were sent",
    "endpoint",  # filters of the results of an evaluation
    "quantity",
    "statistic",
    "subgroup",
    "family",
    "analysis",
    "secondary",
    "body",
    "synthetic",
    "{tag} {name} {what}.",  # studyportal.imaging.rules.deidentification
    "{waits}: {criterion}.",  # studyportal.participants.rules: an open criterion
    "{where}: {sentence}",  # studyportal.core.errors: a reason with its place
)
"""Sentences that are put together of known pieces only, and such pieces of one word."""
_FIELD = re.compile(r"\{[^{}]*\}")
_WORD = re.compile(r"[A-Za-z]{2,}")
_CODE = re.compile(
    r"[<>\\=|;]{2}|</|=\"|[a-z]_[a-z]+ [a-z]+_|^[A-Za-z]+(?: [A-Z]\w+){2,}$|^[\w./-]+/[\w.{}/-]+|transfer-syntax=|^\d+ studyportal"
    r"|^\(?(?:SELECT|INSERT|RAISE|PERFORM|IF TG_OP|IF NOT core_)\b"
)


PIECES_OF_ANALYSES = (
    "stratified", "stratified {method}", "paired stratified {method}", "specificity {low} to {high}", "planned",
    "plan", "log", "exact", "F interval", "test: {method}", "with {level:.0%} confidence it is at least {bound:.3g}",
    "cases taken as independent", "some share a participant", "McNemar exact", "McNemar (Obuchowski)",
    "variance borrowed", "below usual variance", "no variation", "one sided", "cut off at 0 or 1",
    "0.5 added to both cells", "without an estimate", "hypothetical", "composite", "pair ready", "synthesised",
    "enrolled", "eligible", "consented", "female", "male", "liver", "blood pool", "positive", "negative",
    "indeterminate", "missing",
)  # fmt: skip
"""Words of methods, flags and tables of analyses, which the report puts together."""


def sentences_in(path: Path) -> Iterator[tuple[str, int]]:
    """Every template of a file with its line."""
    tree = ast.parse(path.read_text("utf-8"), str(path))
    yield from _Reader().read(tree)


def statuses_in(path: Path) -> Iterator[tuple[str, int]]:
    """Every value of an enumeration as words, and the name of every state machine: sentences print them so."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
        if isinstance(node, ast.Call) and _called(node.func) == "machine":
            name = node.args[0]
            if isinstance(name, ast.Constant):
                yield str(name.value), node.lineno
        if isinstance(node, ast.ClassDef) and node.name not in _NOT_PRINTED and _is_str_enum(node):
            for line in node.body:
                if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant):
                    yield str(line.value.value).replace("_", " "), line.lineno


def _is_str_enum(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "StrEnum" for base in node.bases)


class _Reader:
    """Walks a syntax tree and knows inside which call it stands."""

    def read(self, node: ast.AST, inside: str = "") -> Iterator[tuple[str, int]]:
        if isinstance(node, ast.expr):
            templates = variants_of(node)
            if templates is not None:
                line = node.lineno
                yield from ((text, line) for text in templates if _is_prose(text, inside))
                return
        if isinstance(node, ast.Call):
            yield from self._read_call(node, inside)
            return
        if isinstance(node, ast.Assign | ast.AnnAssign) and _names_things(node):
            inside = "_NAMES"
        for child in _children(node):
            yield from self.read(child, inside)

    def _read_call(self, node: ast.Call, inside: str) -> Iterator[tuple[str, int]]:
        name = _called(node.func)
        if name in GETTEXT or name in _NOT_FOR_READERS or _is_log(node.func):
            return
        within = name if name in _FRAGMENTS else ""
        yield from self.read(node.func, inside)
        for argument in node.args:
            yield from self.read(argument, within)
        for keyword in node.keywords:
            if keyword.arg not in _NOT_FOR_READERS_BY_NAME:
                yield from self.read(keyword.value, within)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that can hold text for readers: no docstring, annotation, or type alias."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "keys"):
            continue
        parts = value if isinstance(value, list) else [value]
        for part in parts:
            if isinstance(part, ast.AST) and not _is_bare_string(part):
                yield part


def _names_things(node: ast.Assign | ast.AnnAssign) -> bool:
    """Whether a constant says by its name that it holds what people call things."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return isinstance(node.value, ast.Dict) and any(
        isinstance(target, ast.Name) and target.id.strip("_").endswith(("NAMES", "NAMED", "WORDS"))
        for target in targets
    )


def _is_bare_string(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""


def _is_log(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and "log" in function.value.id.lower()
    )


def _is_id(text: str) -> bool:
    """Whether a text is the id or the place of a reason, not its words."""
    return " " not in text and text.islower()


def _is_prose(text: str, inside: str) -> bool:
    """Whether people read this: words beside each other, and no path, markup or list of names."""
    own = _FIELD.sub(" ", text)
    words = _WORD.findall(own)
    if "\n" in text.strip() or own.isupper() or _CODE.search(text):
        return False
    fewest = 1 if inside in _FRAGMENTS else 2
    if len(words) < fewest or (inside in _FRAGMENTS and _is_id(text)):
        return False
    return " " in text.strip() or inside in _FRAGMENTS
