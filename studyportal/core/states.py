"""State machines as data: statuses, allowed moves, terminal statuses, and the diagram drawn from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Machine:
    """A table of allowed moves. Every status must appear in it.

    Raises
    ------
    ValueError
        When a status has no row or a move leads to a status of another machine.
    """

    name: str
    statuses: type[StrEnum]
    initial: StrEnum
    moves: Mapping[StrEnum, frozenset[StrEnum]]

    def __post_init__(self) -> None:
        every = set(self.statuses)
        if set(self.moves) != every:
            missing = sorted(every ^ set(self.moves))
            raise ValueError(
                f"{self.name}: the table of moves and the statuses differ in {missing}"
            )
        strangers = {target for targets in self.moves.values() for target in targets} - every
        if strangers:
            raise ValueError(f"{self.name}: moves lead to unknown statuses {sorted(strangers)}")

    @property
    def terminal(self) -> frozenset[StrEnum]:
        """Statuses that nothing leaves."""
        return frozenset(status for status, targets in self.moves.items() if not targets)

    def may_move(self, origin: str, target: str) -> bool:
        """Whether the table allows this move."""
        return self.statuses(target) in self.moves[self.statuses(origin)]

    def diagram(self) -> str:
        """Return the machine as Mermaid text, in a fixed order."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial.value}"]
        for origin in self.statuses:
            lines += [
                f"    {origin.value} --> {target.value}"
                for target in self.statuses
                if target in self.moves[origin]
            ]
            if origin in self.terminal:
                lines.append(f"    {origin.value} --> [*]")
        return "\n".join(lines) + "\n"


def table(**moves: str) -> dict[str, frozenset[str]]:
    """Return a table of moves from `origin="target target"` pairs; an empty text means terminal."""
    return {origin: frozenset(targets.split()) for origin, targets in moves.items()}


def machine(name: str, statuses: type[StrEnum], initial: StrEnum, **moves: str) -> Machine:
    """Build a machine from `origin="target target"` pairs.

    Raises
    ------
    ValueError
        When a word is not a status of this machine.
    """
    rows = {
        statuses(origin): frozenset(statuses(target) for target in targets)
        for origin, targets in table(**moves).items()
    }
    return Machine(name=name, statuses=statuses, initial=initial, moves=rows)
