"""Many pairs, one after another: each is loaded, measured and dropped before the next is loaded.

What is held is one pair per worker, however many participants there are; only rows come back.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from evaluation.analysis.measure import Lesions, MaskLike, MeasurementRow, measure_pair
from evaluation.fidelity import limit_threads
from evaluation.imaging import Volume


@dataclass(frozen=True, eq=False)
class LoadedPair:
    """The images and masks of one participant, as :func:`measure_pair` takes them."""

    reference: Volume
    synthetic: Volume
    ct: Volume | None = None
    lesions: Lesions = field(default_factory=dict[str, MaskLike])
    backgrounds: Mapping[str, MaskLike] = field(default_factory=dict)


@dataclass(frozen=True)
class PairSource:
    """A name and what loads the pair; with several workers ``load`` must be picklable."""

    name: str
    load: Callable[[], LoadedPair]


@dataclass(frozen=True)
class MeasuredPair:
    """The rows of one pair, or the sentence that says why it could not be measured."""

    name: str
    rows: tuple[MeasurementRow, ...]
    refusal: str = ""


def measure_pairs(
    sources: Iterable[PairSource], *, data_range: float, workers: int = 1, **choices: Any
) -> Iterator[MeasuredPair]:
    """Yield the measurements of each pair, in the order of ``sources``.

    Parameters
    ----------
    sources
        May be endless: no more than ``workers`` pairs are taken ahead of what was yielded.
    data_range, choices
        As for :func:`evaluation.analysis.measure.measure_pair`.
    workers
        1 measures in this process with all its threads; more share the processors among so many
        processes. The rows are the same.

    Yields
    ------
    MeasuredPair
        A pair that cannot be read or compared has a ``refusal`` and no rows; the others go on.

    Raises
    ------
    ValueError
        When there is no worker.
    """
    if workers < 1:
        raise ValueError(f"pairs are measured by one worker or more, not {workers}")
    asked = {"data_range": data_range, **choices}
    if workers == 1:
        return (_measured(source, asked) for source in sources)
    return _measured_by_processes(iter(sources), asked, workers)


def _measured_by_processes(
    sources: Iterator[PairSource], asked: dict[str, Any], workers: int
) -> Iterator[MeasuredPair]:
    threads = max((os.cpu_count() or 1) // workers, 1)
    with ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),  # a fork would copy locks held by threads
        initializer=limit_threads,
        initargs=(threads,),
    ) as pool:
        ahead: deque[Future[MeasuredPair]] = deque(
            pool.submit(_measured, source, asked) for source in islice(sources, workers)
        )
        while ahead:
            measured = ahead.popleft().result()
            ahead.extend(pool.submit(_measured, source, asked) for source in islice(sources, 1))
            yield measured


def _measured(source: PairSource, asked: dict[str, Any]) -> MeasuredPair:
    try:
        pair = source.load()
        rows = measure_pair(
            reference=pair.reference,
            synthetic=pair.synthetic,
            ct=pair.ct,
            lesions=pair.lesions,
            backgrounds=pair.backgrounds,
            **asked,
        )
    except (ValueError, OSError) as refusal:  # a refused image or an unreadable file, not our fault
        return MeasuredPair(source.name, (), str(refusal))
    return MeasuredPair(source.name, tuple(rows))
