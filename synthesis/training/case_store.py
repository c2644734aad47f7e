"""The cases of a run on the model's grid: made once, kept beside the run, read when wanted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

from synthesis.config import Cascade3dConfig, CpdmConfig, FamilyConfig, to_table
from synthesis.data.attenuation import TubeVoltageError, require_kvp
from synthesis.data.ct_look import CtLook, CtsSeen, look_of
from synthesis.data.pairs import (
    Pair,
    PairCase,
    PairRefusedError,
    fit_to,
    load_case,
    make_pair_case,
    store_case,
)
from synthesis.data.source import Source
from synthesis.training.ahead import ahead

MEMORY_BYTES = 16 * 2**30  # of cases that are kept; the others are read when wanted
FEWEST_KEPT = 8


class CaseStore:
    """Gives the case of a participant; the folder depends on source and grid, so none is stale."""

    def __init__(self, source: Source, config: FamilyConfig, folder: Path) -> None:
        self._source = source
        self._config = config
        key = json.dumps([source.spec, source.digest, to_table(config.domain), _volume(config)])
        self._folder = folder / hashlib.sha256(key.encode()).hexdigest()[:16]
        self._read = lru_cache(maxsize=FEWEST_KEPT)(load_case)

    def prepare(
        self,
        participants: Sequence[str],
        done: Callable[[int, int], None] = lambda _d, _t: None,
        *,
        processes: int = 0,
    ) -> None:
        """Make what is not there yet, in forked processes beside each other where there are any.

        Raises
        ------
        PairRefusedError
            When a participant's images cannot be learned from.
        """
        missing = [name for name in participants if not self._is_there(name)]
        there = len(participants) - len(missing)
        for number, _ in enumerate(ahead(self._make, missing, processes), start=1):
            done(there + number, len(participants))
        largest = max((self._path(name).stat().st_size for name in participants), default=1)
        self._read = lru_cache(maxsize=max(FEWEST_KEPT, MEMORY_BYTES // largest))(load_case)

    def _make(self, name: str) -> None:
        pair = self._source.pair(name)
        store_case(self._made(pair), self._path(name))
        look = json.dumps(asdict(look_of(pair.ct)))
        self._look_path(name).write_text(look, encoding="utf-8")

    def _is_there(self, name: str) -> bool:
        return self._path(name).exists() and self._look_path(name).exists()

    def seen(self, participants: Sequence[str]) -> CtsSeen:
        """Return the range of these participants' CTs as they were acquired."""
        looks = []
        for name in participants:
            table = json.loads(self._look_path(name).read_text(encoding="utf-8"))
            z, y, x = table["spacing_zyx_mm"]
            looks.append(CtLook(**{**table, "spacing_zyx_mm": (z, y, x)}))
        return CtsSeen.over(looks)

    def _made(self, pair: Pair) -> PairCase:
        config = self._config
        case = make_pair_case(pair, config.domain)
        if isinstance(config, CpdmConfig) and config.attenuation != "none":
            self._require_kvp(case)
        if not isinstance(config, Cascade3dConfig):
            return case
        if case.demographics is None:
            raise PairRefusedError(
                f"Participant {pair.participant}: the cascade needs height, weight, sex and age; the table "
                "beside the folders must say them."
            )
        return fit_to(case, config.volume)

    @staticmethod
    def _require_kvp(case: PairCase) -> None:
        try:
            require_kvp(case.kvp)
        except TubeVoltageError as error:
            sentence = f"Participant {case.participant}: {error} The table's kvp may say it."
            raise PairRefusedError(sentence) from error

    def case(self, participant: str) -> PairCase:
        """Return a prepared case."""
        return self._read(self._path(participant))

    def digest(self, participants: Sequence[str]) -> str:
        """SHA-256 over the images of these participants as they are learned from."""
        whole = hashlib.sha256()
        for name in sorted(participants):
            case = self.case(name)
            images = (case.hu, case.suv, case.foci)
            own = hashlib.sha256(b"".join(image.tobytes() for image in images)).hexdigest()
            whole.update(f"{own}  {name}\n".encode())
        return whole.hexdigest()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.npz"

    def _look_path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def _volume(config: FamilyConfig) -> tuple[int, ...]:
    return config.volume if isinstance(config, Cascade3dConfig) else ()
