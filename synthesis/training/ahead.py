"""Makes things ahead of their use, in processes beside this one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

from torch.utils.data import DataLoader, Dataset

AHEAD = 4  # of each process
Key = TypeVar("Key", int, str)
Made = TypeVar("Made")


class _ByKey(Dataset[Made]):
    """What a data loader asks for: the thing of a key."""

    def __init__(self, make: Callable[[Any], Made]) -> None:
        self._make = make

    def __getitem__(self, key: int | str) -> Made:
        """Return the thing of a key."""
        return self._make(key)


def ahead(
    make: Callable[[Key], Made], keys: Sequence[Key], processes: int
) -> Generator[Made, None, None]:
    """Yield `make` of every key in order, a few of them made ahead by processes.

    They are forked and touch no device; threads would wait for each other and for the training.
    Without processes each thing is made when it is asked for.
    """
    if processes == 0 or not keys:
        yield from map(make, keys)
        return
    yield from DataLoader(
        _ByKey(make),
        batch_size=None,
        sampler=keys,
        num_workers=processes,
        prefetch_factor=AHEAD,
        collate_fn=_as_it_is,
        multiprocessing_context="fork",
    )


def _as_it_is(made: Made) -> Made:
    return made
