"""What the counts of a result have to do with each other."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from evaluation.report.suppression.book import ATOMS, Book, Place
from evaluation.report.suppression.protection import Cell, Relation

_INSIDE = {"sensitivity": ("tp", "fn"), "specificity": ("tn", "fp"), "ppv": ("tp", "fp"),
           "npv": ("tn", "fn")}  # fmt: skip
_STARD = {"tp": "positive:positive", "fp": "positive:negative", "fn": "negative:positive",
          "tn": "negative:negative"}  # fmt: skip


def relations_of(book: Book) -> tuple[Relation, ...]:
    """Return every equation that a reader of all tables can set up, each once."""
    makers = (
        _sums, _cross_tables, _shares, _verdicts, _stard_flow, _categories, _flow, _readers,
        _analyses,
    )  # fmt: skip
    found = (relation for make in makers for relation in make(book))
    return tuple(dict.fromkeys(relation for relation in found if _holds(book, relation)))


def _relation(parts: Iterable[Cell | None], total: Cell | None, known: int = 0) -> list[Relation]:
    found = tuple(parts)
    if total is None or not found or any(part is None for part in found):
        return []
    return [Relation(tuple(part for part in found if part is not None), total, known)]


def _with_rest(book: Book, parts: Iterable[Cell | None], total: Cell | None) -> Iterator[Relation]:
    """Parts and total whose difference is made of figures that stay visible."""
    for relation in _relation(parts, total):
        seen = sum(book.counts[part] for part in relation.parts)
        yield replace(relation, known=book.counts[relation.total] - seen)


def _holds(book: Book, relation: Relation) -> bool:
    total = book.counts[relation.total]
    same = relation.total in relation.parts
    return not same and sum(book.counts[p] for p in relation.parts) + relation.known == total


def _sums(book: Book) -> Iterator[Relation]:
    """Sites of a total, and the levels of any other subgroup."""
    for family, by_subgroup in book.families.items():
        groups: dict[str, list[str]] = defaultdict(list)
        for subgroup in by_subgroup:
            if subgroup != "all":
                groups[subgroup.partition(":")[0]].append(subgroup)
        for levels in groups.values():
            yield from _relation(
                (book.cell(*family, level) for level in levels), book.cell(*family, "all")
            )


def _cross_tables(book: Book) -> Iterator[Relation]:
    for place, at in book.places("tp", "count"):
        atom = {name: book.cell(place, name, "count", at) for name in ATOMS}
        for statistic, (inside, outside) in _INSIDE.items():
            yield from _relation(
                (atom[inside], atom[outside]), book.cell(place, statistic, "n", at)
            )
            for name, part in (("inside", inside), ("outside", outside)):
                yield from _relation([atom[part]], book.cell(place, statistic, name, at))
        everyone = book.cell(place, "accuracy", "n", at)
        for pair in (("sensitivity", "specificity"), ("ppv", "npv")):
            yield from _relation((book.cell(place, s, "n", at) for s in pair), everyone)
        for pair, name in ((("tp", "tn"), "inside"), (("fp", "fn"), "outside")):
            yield from _relation((atom[a] for a in pair), book.cell(place, "accuracy", name, at))


def _shares(book: Book) -> Iterator[Relation]:
    for (place, statistic, name), by_subgroup in book.families.items():
        if name == "inside":
            for at in by_subgroup:
                yield from _relation(
                    (book.cell(place, statistic, part, at) for part in ("inside", "outside")),
                    book.cell(place, statistic, "n", at),
                )


def _verdicts(book: Book) -> Iterator[Relation]:
    """Positive and negative verdicts; how many are missing or indeterminate is known."""
    for place, at in book.places("reference_positive", "count"):
        parts = [book.cell(place, f"reference_{s}", "count", at) for s in ("positive", "negative")]
        yield from _with_rest(book, parts, book.cell(place, "reference_positive", "n", at))


def _stard_flow(book: Book) -> Iterator[Relation]:
    """The diagram by index test and reference standard, before indeterminate calls are handled."""
    for place, at in book.places("positive:positive", "count"):
        condition = place[4]
        table = (place[0], condition, *place[2:])
        for atom, words in _STARD.items():
            own = book.cell(place, words, "count", at)
            yield from _with_rest(book, [own], book.cell(table, atom, "count", at))
        units = (*table[:3], "", *table[4:])
        for verdict in ("positive", "negative"):
            parts = [
                book.cell(place, f"{i}:{verdict}", "count", at) for i in ("positive", "negative")
            ]
            total = book.cell(units, f"reference_{verdict}", "count", at)
            yield from _with_rest(book, parts, total)


def _categories(book: Book) -> Iterator[Relation]:
    """Sexes, the levels of a baseline variable, and events by where their risk moved."""
    for place, at in book.places("female", "count"):
        sexes = (book.cell(place, sex, "count", at) for sex in ("female", "male"))
        yield from _relation(sexes, book.cell(place, "female", "n", at))
    for place, at in book.places("known", "count"):
        levels = [own for where, own, _ in book.families if where == place and own[:6] == "count:"]
        cells = (book.cell(place, level, "count", at) for level in levels)
        yield from _relation(cells, book.cell(place, "known", "count", at))


def _flow(book: Book) -> Iterator[Relation]:
    """Who was screened is analysed or left out for one of the reasons."""
    reasons: dict[str, list[Cell | None]] = defaultdict(list)
    for place, at in book.places("excluded", "count"):
        reasons[at].append(book.cell(place, "excluded", "count", at))
    for place, at in book.places("screened", "count"):
        analysed = book.cell(place, "analysed", "count", at)
        yield from _relation((*reasons[at], analysed), book.cell(place, "screened", "count", at))


def _readers(book: Book) -> Iterator[Relation]:
    """Readings of all readers are the sum of those of each; the test is named ``test:reader``."""
    groups: dict[tuple[Place, str, str, str], list[Cell | None]] = defaultdict(list)
    for (place, statistic, name), by_subgroup in book.families.items():
        test, _, reader = place[3].partition(":")
        if reader:
            whole = (*place[:3], test, *place[4:])
            for at in by_subgroup:
                own = book.cell(place, statistic, name, at)
                groups[whole, statistic, name, at].append(own)
    for key, parts in groups.items():
        yield from _relation(parts, book.cell(*key))


def _analyses(book: Book) -> Iterator[Relation]:
    """Sensitivity analyses differ from the main one by missing and indeterminate results."""
    for (place, statistic, name), by_subgroup in book.families.items():
        if place[0] != "main" and name in {"inside", "outside"}:
            for at in by_subgroup:
                main = book.cell(("main", *place[1:]), statistic, name, at)
                yield from _with_rest(book, [main], book.cell(place, statistic, name, at))
