"""Which participants train, tune and test: nobody is in two parts, and the split is on record.

A split is by participant, never by slice or series: two series of one person in two parts would
test on what was learned. The same holds across models that depend on each other: a segmentor
fitted on someone whom the diffusion model is tested on leaks as well.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PARTS = ("train", "validation", "test")


class LeakError(ValueError):
    """A participant is in more than one part of the split, or is tested on after being learned."""


class SplitRefusedError(ValueError):
    """The split on record is malformed or was changed."""


@dataclass(frozen=True, slots=True)
class ParticipantSplit:
    """Pseudonyms in each part; refused when a part is empty or two parts share somebody."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a split that would test on what was learned."""
        if any(not getattr(self, part) for part in PARTS):
            raise ValueError("Training, validation and test each need at least one participant.")
        times = Counter(name for part in PARTS for name in getattr(self, part))
        twice = sorted(name for name, count in times.items() if count > 1)
        if twice:
            raise LeakError(f"Participant {twice[0]} is in more than one part of the split.")

    @property
    def digest(self) -> str:
        """SHA-256 over the parts; the order of names within a part does not matter."""
        text = json.dumps({part: sorted(getattr(self, part)) for part in PARTS}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def part_of(self, participant: str) -> str:
        """Return the part that a participant is in; refuse someone who is in none."""
        for part in PARTS:
            if participant in getattr(self, part):
                return part
        raise KeyError(f"Participant {participant} is not in the split.")

    def store(self, path: Path) -> None:
        """Write the split with its digest as JSON."""
        table = {part: list(getattr(self, part)) for part in PARTS}
        text = json.dumps({**table, "sha256": self.digest}, indent=1)
        path.write_text(text + "\n", encoding="utf-8")


def load_split(path: Path) -> ParticipantSplit:
    """Return a stored split.

    Raises
    ------
    SplitRefusedError
        When the file is no split, or its parts do not have the digest that it names.
    LeakError
        When a participant is in two parts.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        parts = [tuple(str(name) for name in table[part]) for part in PARTS]
        named = table["sha256"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise SplitRefusedError(f"{path.name} is no split: {error}.") from error
    split = ParticipantSplit(*parts)
    if split.digest != named:
        raise SplitRefusedError(f"{path.name} was changed: its SHA-256 differs.")
    return split


def split_participants(
    sites: Mapping[str, str],
    *,
    seed: int,
    validation: float = 0.1,
    test: float = 0.2,
) -> ParticipantSplit:
    """Return a split in which every site gives its share to every part.

    Parameters
    ----------
    sites
        Site of each participant, by pseudonym.
    seed
        Another seed gives another split; the order of the mapping does not matter.
    validation, test
        Shares of the participants; at least one each.
    """
    if min(validation, test) <= 0 or validation + test >= 1:
        raise ValueError("The shares of validation and test are positive and leave some to train.")
    places: list[tuple[float, str]] = []
    for site in sorted(set(sites.values())):
        names = _shuffled((p for p, s in sites.items() if s == site), seed)
        # Ranks of the sites interleave, so small sites too give to test and validation.
        places += [((rank + 0.5) / len(names), name) for rank, name in enumerate(names)]
    ordered = [name for _, name in sorted(places)]
    tested = max(1, round(test * len(ordered)))
    tuned = tested + max(1, round(validation * len(ordered)))
    return ParticipantSplit(
        train=tuple(sorted(ordered[tuned:])),
        validation=tuple(sorted(ordered[tested:tuned])),
        test=tuple(sorted(ordered[:tested])),
    )


def leave_site_out(
    sites: Mapping[str, str], site: str, *, seed: int, validation: float = 0.1
) -> ParticipantSplit:
    """Return a split that tests on one whole site and learns from the others."""
    if site not in sites.values():
        raise ValueError(f"No participant is of site {site!r}.")
    test = tuple(sorted(p for p, s in sites.items() if s == site))
    others = _shuffled((p for p, s in sites.items() if s != site), seed)
    count = max(1, round(validation * len(others)))
    return ParticipantSplit(tuple(sorted(others[count:])), tuple(sorted(others[:count])), test)


def folds(participants: Iterable[str], count: int, *, seed: int) -> tuple[tuple[str, ...], ...]:
    """Return groups for out-of-fold maps: who is predicted by a model is not in its training."""
    names = _shuffled(participants, seed)
    if not 2 <= count <= len(names):
        raise ValueError(f"{count} folds need at least as many participants, and two folds.")
    return tuple(tuple(sorted(names[k::count])) for k in range(count))


def require_no_leak(split: ParticipantSplit, learned: Mapping[str, Iterable[str]]) -> None:
    """Refuse a model whose parts were fitted on people it will be tuned or tested on.

    Parameters
    ----------
    split
        The split of the model.
    learned
        By name of each model that this one depends on (segmentor, autoencoder, teacher, scaling):
        the participants it was fitted on.

    Raises
    ------
    LeakError
        Names the model and the participant.
    """
    for name in sorted(learned):
        seen = set(learned[name])
        for part in ("test", "validation"):
            shared = sorted(seen & set(getattr(split, part)))
            if shared:
                raise LeakError(
                    f"The {name} was fitted on participant {shared[0]}, who is in the {part} part."
                )


def _shuffled(names: Iterable[str], seed: int) -> list[str]:
    """Return names in an order that depends on each name and the seed alone."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).hexdigest())
