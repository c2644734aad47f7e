"""The items of the guidelines, read from the TOML files beside this module."""

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

_FILES = ("stard_2015", "stard_ai_2025", "tripod_ai_2024", "claim_2024")


@dataclass(frozen=True)
class Item:
    """One item: our paraphrase and the rule that finds its answer.

    Attributes
    ----------
    places
        Ids of blocks of the report that answer it; ``accuracy:*`` stands for every id that begins so.
    provenance
        First words of provenance entries that answer it.
    fact
        Key of a sentence that the caller may supply, for example on funding.
    lacking
        Where blocks answer the item in part only: what they give and what they do not.
    elsewhere, not_applicable, otherwise
        What is printed where no block exists: the document that answers it, why it cannot apply, or
        why it is not reported.
    change
        ``new`` or ``modified`` against the guideline it extends.
    """

    id: str
    text: str
    places: tuple[str, ...] = ()
    provenance: tuple[str, ...] = ()
    fact: str = ""
    lacking: str = ""
    elsewhere: str = ""
    not_applicable: str = ""
    otherwise: str = ""
    change: str = ""


@dataclass(frozen=True)
class Checklist:
    """A guideline with its version and where our paraphrases come from."""

    id: str
    title: str
    version: str
    citation: str
    source: str
    item: tuple[Item, ...]
    unsure: bool = False


def load_checklists() -> tuple[Checklist, ...]:
    """Return STARD 2015, STARD-AI 2025, TRIPOD+AI 2024 and CLAIM 2024.

    Raises
    ------
    ValueError
        If a file says nothing on what to print where an item is not answered, or too much.
    """
    folder = resources.files("evaluation.report.checklists")
    return tuple(
        _checklist(tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8")))
        for name in _FILES
    )


def _checklist(table: dict[str, Any]) -> Checklist:
    items = tuple(_item(entry, table["id"]) for entry in table.pop("item"))
    return Checklist(**table, item=items)


def _item(entry: dict[str, Any], checklist: str) -> Item:
    lists = {name: tuple(entry.get(name, ())) for name in ("places", "provenance")}
    item = Item(**(entry | lists))
    answers = [bool(text) for text in (item.elsewhere, item.not_applicable, item.otherwise)]
    if sum(answers) != 1:
        raise ValueError(
            f"{checklist}, item {item.id}: give exactly one of elsewhere, not_applicable, otherwise"
        )
    return item
