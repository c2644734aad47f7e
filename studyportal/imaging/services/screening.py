"""Screens the images of a pair in a process of its own, bounded in time and memory, and keeps what it measured."""

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from studyportal.core import clock
from studyportal.core.storage import verified_path
from studyportal.imaging.models import PairScreening, ScanPair
from studyportal.imaging.selectors import (
    SCREENING_RECIPE,
    accepted_series,
    header_entries,
    outlined_organs,
    screening_of,
    screening_origin,
    stored_paths,
)
from studyportal.imaging.services.settling import settle_again
from studyportal.imaging.states import SeriesRole

MEMORY_BYTES = 4 * 2**30
CPU_SECONDS = 240
WALL_SECONDS = 480.0
_log = logging.getLogger(__name__)
_FAULTS = {
    "time": "the images took longer than is allowed",
    "ended": "the process that looked at them ended early, probably for want of memory",
}


@dataclass(frozen=True)
class _Answer:
    measured: dict[str, Any]
    fault: str
    seconds: float
    peak_megabytes: float


def screen_pair(*, pair: ScanPair) -> PairScreening | None:
    """The images of the pair are screened and the pair is judged with it; None while CT or PET is missing.

    Screened once for the same images, entries and outlines; run again, nothing changes.
    """
    origin = screening_origin(pair)
    if not origin:
        return None
    known = screening_of(pair)
    if known is not None:
        return known
    answer = _screened(pair)
    row, _ = PairScreening.objects.get_or_create(
        pair=pair,
        origin_sha256=origin,
        recipe=SCREENING_RECIPE,
        defaults={
            "measured": answer.measured,
            "fault": answer.fault,
            "seconds": answer.seconds,
            "peak_megabytes": answer.peak_megabytes,
            "made_at": clock.now(),
        },
    )
    settle_again(pair=pair, reason="the images were screened")
    return row


def _screened(pair: ScanPair) -> _Answer:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        request = Path(folder) / "request.json"
        request.write_text(json.dumps(_request(pair)), "utf-8")
        try:
            done = subprocess.run(
                [sys.executable, "-m", "evaluation.screening", str(request)],
                capture_output=True,
                timeout=WALL_SECONDS,
                check=False,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        except subprocess.TimeoutExpired:
            return _failed(pair, "time", began)
    if done.returncode != 0:
        # The child's last words may quote a header, so only their kind is logged.
        _log.error("screening of pair %s ended with %s", pair.pk, done.returncode)
        return _failed(pair, "ended", began)
    answer = json.loads(done.stdout)
    return _Answer(answer["measured"], "", answer["seconds"], answer["peak_megabytes"])


def _failed(pair: ScanPair, why: str, began: float) -> _Answer:
    _log.warning("screening of pair %s was not finished: %s", pair.pk, why)
    return _Answer({}, _FAULTS[why], time.monotonic() - began, 0.0)


def _request(pair: ScanPair) -> dict[str, Any]:
    source = accepted_series(pair, SeriesRole.SOURCE)
    reference = accepted_series(pair, SeriesRole.REFERENCE)
    assert source is not None  # noqa: S101 the origin names both
    assert reference is not None  # noqa: S101
    masks_sha256, organs = outlined_organs(pair)
    masks = {"file": str(verified_path(masks_sha256)), "organs": organs} if organs else {}
    return {
        "ct_files": [str(path) for path in stored_paths(source.manifest_sha256)],
        "pet_files": [str(path) for path in stored_paths(reference.manifest_sha256)],
        "entries": asdict(header_entries(reference)),
        "masks": masks,
        "memory_bytes": MEMORY_BYTES,
        "cpu_seconds": CPU_SECONDS,
    }
