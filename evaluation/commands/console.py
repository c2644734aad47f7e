"""What the commands show: results on the output, refusals and progress on the error stream."""

import sys
from collections.abc import Collection, Iterable, Sequence
from types import TracebackType
from typing import Any

from tqdm import tqdm


class Steps:
    """A progress bar over named steps, on the error stream, shown on a terminal only."""

    def __init__(self, name: str, *, total: int) -> None:
        self._bar: tqdm[Any] = tqdm(
            total=total,
            desc=name,
            file=sys.stderr,
            leave=False,
            disable=None,  # None: off when the stream is no terminal
            bar_format="{desc}: {bar:20} {n_fmt}/{total_fmt} {elapsed}{postfix}",
        )
        self._begun = False

    def begin(self, step: str) -> None:
        """Count the step before as done and name the one that now begins."""
        if self._begun:
            self._bar.update()
        self._begun = True
        self._bar.set_postfix_str(step)

    def __enter__(self) -> "Steps":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()


def say(line: str) -> None:
    """Write one line of the result."""
    print(line)


def refused(*sentences: str) -> int:
    """Write why the command refused its input and return its exit status, 2."""
    for sentence in sentences:
        print(sentence, file=sys.stderr)
    return 2


def table(rows: Iterable[Sequence[str]], *, words: Collection[int] = (0,)) -> list[str]:
    """Return rows of cells as aligned lines; columns of ``words`` from the left, numbers right."""
    cells = [list(row) for row in rows]
    columns = len(cells[0])
    left = {k % columns for k in words}
    widths = [max(len(row[k]) for row in cells) for k in range(columns)]
    return [
        "  ".join(
            cell.ljust(width) if k in left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
