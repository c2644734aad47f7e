"""What a report consists of, before it becomes HTML or PDF."""

from dataclasses import dataclass, field

from evaluation.analysis import ResultRow

Key = tuple[str, str, str, str, str, str, str]


@dataclass(frozen=True)
class Table:
    """A table of printed cells; the first column is text, the others are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    text_columns: int = 1
    widths: tuple[int, ...] = ()
    id: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure file beside the report and the words that stand for it."""

    title: str
    path: str
    alt: str
    width_percent: int = 100
    id: str = ""


@dataclass(frozen=True)
class Section:
    """A heading with sentences, tables and figures in their order."""

    title: str
    blocks: tuple[Table | Figure | str, ...]
    id: str = ""


@dataclass(frozen=True)
class Document:
    """The whole report: provenance first, then the sections."""

    title: str
    provenance: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...] = field(default_factory=tuple)

    def places(self) -> dict[str, str]:
        """Return where each block with an id stands: ``{"flow": "Table 1"}``."""
        places = {"provenance": "Provenance"} if self.provenance else {}
        for kind in (Table, Figure):
            blocks = [b for s in self.sections for b in s.blocks if isinstance(b, kind)]
            places |= {b.id: f"{kind.__name__} {i}" for i, b in enumerate(blocks, 1) if b.id}
        places |= {s.id: f"Section “{s.title}”" for s in self.sections if s.id}
        return places


class Lookup:
    """Finds result rows by what they are about."""

    def __init__(self, rows: tuple[ResultRow, ...]) -> None:
        self.rows = rows
        self._by_key = {_key(row): row for row in rows}

    def get(
        self,
        statistic: str,
        *,
        endpoint: str,
        quantity: str = "",
        test: str = "",
        unit: str = "participant",
        region: str = "",
        subgroup: str = "all",
    ) -> ResultRow | None:
        """Return the one row, or None."""
        return self._by_key.get((endpoint, quantity, test, unit, region, subgroup, statistic))

    def like(
        self, row: ResultRow, statistic: str, *, subgroup: str | None = None
    ) -> ResultRow | None:
        """Return the row beside another: same place, other statistic."""
        here = row.subgroup if subgroup is None else subgroup
        return self._by_key.get(
            (row.endpoint, row.quantity, row.test, row.unit, row.region, here, statistic)
        )

    def where(self, **conditions: str) -> list[ResultRow]:
        """Return the rows whose fields equal all conditions, in their order."""
        return [
            row
            for row in self.rows
            if all(getattr(row, name) == wanted for name, wanted in conditions.items())
        ]

    def subgroups(self) -> list[str]:
        """Return the site subgroups in their order."""
        return list(dict.fromkeys(r.subgroup for r in self.rows if r.subgroup != "all"))


def _key(row: ResultRow) -> Key:
    # Analysis sets share an endpoint name; their set tells them apart.
    quantity = row.analysis_set if row.endpoint == "analysis_set" else row.quantity
    return (
        row.endpoint, quantity, row.test, row.unit, row.region, row.subgroup, row.statistic,
    )  # fmt: skip
