"""Resolves the items of a guideline against one report, and prints them as tables."""

from collections.abc import Mapping
from types import MappingProxyType

from evaluation.report.checklists.items import Checklist, Item, load_checklists
from evaluation.report.document import Document, Table

_COLUMNS = ("Item", "Asks for", "Answered in")
_NO_FACTS: Mapping[str, str] = MappingProxyType({})


def checklist_tables(
    document: Document, *, facts: Mapping[str, str] = _NO_FACTS
) -> tuple[Table, ...]:
    """Return one table per guideline that says where this report answers each item.

    Parameters
    ----------
    document
        The report without the annex, which comes last, so that no number moves. A table, figure or
        section is named only if it stands in this document.
    facts
        Sentences of the caller by key (``funding``, ``ethics``, ``dates`` ...; the ``fact`` of the
        items), printed for items that a report of numbers cannot answer.

    Raises
    ------
    ValueError
        If a fact has a key that no item asks for.
    """
    checklists = load_checklists()
    known = {item.fact for checklist in checklists for item in checklist.item} - {""}
    for key in sorted(set(facts) - known):
        raise ValueError(f"no checklist item asks for the fact {key!r}: {', '.join(sorted(known))}")
    places, names = document.places(), tuple(_plain(name) for name, _ in document.provenance)
    return tuple(_table(checklist, places, names, facts) for checklist in checklists)


def answer(
    item: Item, places: Mapping[str, str], provenance: tuple[str, ...], facts: Mapping[str, str]
) -> str:
    """Return what is printed for one item.

    Examples
    --------
    >>> flow = Item("19", "Flow", places=("flow",), otherwise="nobody was screened")
    >>> answer(flow, {"flow": "Table 1"}, (), {}), answer(flow, {}, (), {})
    ('Table 1', 'Not reported: nobody was screened')
    """
    found = list(dict.fromkeys(places[id_] for id_ in places if _wanted(id_, item.places)))
    if any(name.startswith(key) for key in item.provenance for name in provenance):
        found.append("Provenance")
    fact = facts.get(item.fact, "")
    if found:
        part = f" In part: {item.lacking}." if item.lacking else ""
        more = f" {fact}" if fact else ""
        return ", ".join(found) + (f".{part}{more}" if part or more else "")
    if fact:
        return fact
    if item.elsewhere:
        return f"Elsewhere: {item.elsewhere}"
    if item.not_applicable:
        return f"Not applicable: {item.not_applicable}"
    return f"Not reported: {item.otherwise}"


def _wanted(id_: str, patterns: tuple[str, ...]) -> bool:
    return any(
        id_.startswith(pattern[:-1]) if pattern.endswith("*") else id_ == pattern
        for pattern in patterns
    )


def _plain(name: str) -> str:
    return name.lower().replace(" ", "_")


def _table(
    checklist: Checklist,
    places: Mapping[str, str],
    provenance: tuple[str, ...],
    facts: Mapping[str, str],
) -> Table:
    answers = [answer(item, places, provenance, facts) for item in checklist.item]
    rows = tuple(
        (f"{item.id} ({item.change})" if item.change else item.id, item.text, said)
        for item, said in zip(checklist.item, answers, strict=True)
    )
    silent = sum(said.startswith("Not reported: ") for said in answers)
    origin = (
        f"{checklist.version}; {checklist.citation}. Items are given in our own short paraphrase: "
        f"{checklist.source}."
    )
    state = (
        f"Made automatically from what stands in this report. {silent} of {len(rows)} items are not "
        "reported; those said to be answered elsewhere were not checked there."
    )
    return Table(
        f"Checklist: {checklist.title}", _COLUMNS, rows, notes=(origin, state), text_columns=3,
        widths=(2, 7, 8), id=checklist.id,
    )  # fmt: skip
