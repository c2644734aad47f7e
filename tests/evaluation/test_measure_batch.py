import itertools
import weakref
from functools import partial

import numpy as np
import pytest

from evaluation.analysis.measure import measure_pair
from evaluation.analysis.measure_batch import LoadedPair, PairSource, measure_pairs
from evaluation.imaging import Grid, Volume

GRID = Grid((12, 16, 16), (3.0, 4.0, 4.0))


def loaded(seed):
    if seed == 3:
        raise OSError("the file of participant 3 is truncated")
    values = np.random.default_rng(seed).random(GRID.shape).astype(np.float32) * 4
    lesion = np.zeros(GRID.shape, dtype=bool)
    lesion[4:7, 5:9, 5:9] = True
    volume = Volume(values, GRID, "SUVbw")
    return LoadedPair(volume, Volume(values * np.float32(0.9), GRID, "SUVbw"), None, {1: lesion})


def sources(seeds):
    return (PairSource(f"P{seed}", partial(loaded, seed)) for seed in seeds)


def test_a_batch_gives_the_rows_of_each_pair_in_order():
    pair = loaded(2)
    alone = measure_pair(
        reference=pair.reference,
        synthetic=pair.synthetic,
        ct=None,
        lesions=pair.lesions,
        data_range=20.0,
    )
    first, second = measure_pairs(sources([1, 2]), data_range=20.0)

    assert (first.name, second.name) == ("P1", "P2")
    assert second.rows == tuple(alone)


def test_a_pair_that_cannot_be_read_is_named_and_does_not_stop_the_others():
    measured = list(measure_pairs(sources([3, 4]), data_range=20.0))

    assert measured[0].refusal == "the file of participant 3 is truncated"
    assert measured[0].rows == ()
    assert measured[1].rows


def test_a_batch_without_end_holds_one_pair_at_a_time():
    held, most = [], 0

    def load(seed):
        nonlocal most
        pair = loaded(seed)
        held.append(weakref.ref(pair.reference.array))
        most = max(most, sum(ref() is not None for ref in held))
        return pair

    endless = (PairSource(f"P{k}", partial(load, 4)) for k in itertools.count())
    measured = list(itertools.islice(measure_pairs(endless, data_range=20.0), 6))

    assert len(measured) == 6
    assert most == 1


def test_two_processes_give_the_rows_of_one():
    one = list(measure_pairs(sources([1, 3, 2]), data_range=20.0))
    two = list(measure_pairs(sources([1, 3, 2]), data_range=20.0, workers=2))

    assert two == one


def test_no_worker_is_refused():
    with pytest.raises(ValueError, match="one worker"):
        measure_pairs(sources([1]), data_range=20.0, workers=0)
