"""What a report consists of, before it becomes HTML or PDF."""

from dataclasses import dataclass, field

from evaluation.report.wording import say


@dataclass(frozen=True)
class Table:
    """A table of printed cells; the first columns are text, the others are numbers.

    ``groups`` are subheadings: each stands before the row of that index.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    text_columns: int = 1
    widths: tuple[int, ...] = ()
    groups: tuple[tuple[int, str], ...] = ()
    id: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure file beside the report and the words that stand for it."""

    title: str
    path: str
    alt: str
    width_percent: int = 100
    id: str = ""


Block = Table | Figure | str


@dataclass(frozen=True)
class Section:
    """A heading with sentences, tables and figures in their order."""

    title: str
    blocks: tuple[Block, ...]
    id: str = ""


@dataclass(frozen=True)
class Document:
    """The whole report: provenance first, then the sections."""

    title: str
    provenance: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...] = field(default_factory=tuple)
    preface: tuple[str, ...] = ()

    def places(self) -> dict[str, str]:
        """Return where each block with an id stands: ``{"flow": "Table 1"}``."""
        places = {"provenance": say("provenance")} if self.provenance else {}
        for block, number in self.numbers().items():
            if block.id:
                places[block.id] = f"{say(type(block).__name__.lower())} {number}"
        places |= {s.id: say("place.section", title=s.title) for s in self.sections if s.id}
        return places

    def numbers(self) -> dict[Table | Figure, int]:
        """Return the number of each table and of each figure, counted apart."""
        numbers: dict[Table | Figure, int] = {}
        for kind in (Table, Figure):
            blocks = [b for s in self.sections for b in s.blocks if isinstance(b, kind)]
            numbers |= {block: i for i, block in enumerate(blocks, start=1)}
        return numbers
