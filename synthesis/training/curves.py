"""Curves as CSV, and for TensorBoard where it is installed; validation images as PNG."""

from __future__ import annotations

import importlib
import io
import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import image as png
from numpy.typing import NDArray

from synthesis.data.pairs import PairCase
from synthesis.training.checkpoint import write_whole

HEADER = "leg,step,quantity,value\n"
SHOWN_SUV = 8.0
SHOWN_HU = (-1000.0, 400.0)
SHOWN_DIFFERENCE = 4.0
NO_TENSORBOARD = "no tensorboard package (extra train): curves as CSV alone"


class Curves:
    """One line a quantity and check; a killed process leaves nothing that a resumed one repeats."""

    def __init__(self, out: Path) -> None:
        self._path = out / "curves.csv"
        self._board = _board(out / "tensorboard")

    @property
    def has_board(self) -> bool:
        """Whether TensorBoard's curves are written too."""
        return self._board is not None

    def begin(self, length: int) -> None:
        """Cut off what was written after the checkpoint; begin anew at length 0."""
        if length == 0 or not self._path.exists():
            self._path.write_text(HEADER, encoding="utf-8")
            return
        os.truncate(self._path, length)

    def add(self, leg: str, step: int, values: Mapping[str, float]) -> int:
        """Write the values of a check; return the length of the file."""
        lines = "".join(f"{leg},{step},{name},{value:.8g}\n" for name, value in values.items())
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(lines)
            stream.flush()
            os.fsync(stream.fileno())
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{leg}/{name}", value, step)
            self._board.flush()
        return self._path.stat().st_size


def _board(folder: Path) -> Any:
    """Return TensorBoard's writer, or None where the package is not installed."""
    if find_spec("tensorboard") is None:
        return None
    return importlib.import_module("torch.utils.tensorboard").SummaryWriter(str(folder))


def write_image(case: PairCase, suv: NDArray[np.float32], path: Path) -> None:
    """Write CT, acquired, synthetic and difference of the slice that shows most, side by side."""
    lesion = (case.foci > 0).sum(axis=(1, 2))
    z = int(np.argmax(lesion if lesion.any() else case.body.sum(axis=(1, 2))))
    acquired = case.suv[z].astype(np.float32)
    low, high = SHOWN_HU
    views = [
        (case.hu[z] - low) / (high - low),
        1 - acquired / SHOWN_SUV,  # uptake is dark, as readers are used to
        1 - suv[z] / SHOWN_SUV,
        0.5 + (suv[z] - acquired) / (2 * SHOWN_DIFFERENCE),
    ]
    row = np.concatenate([np.clip(view, 0, 1) for view in views], axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    png.imsave(stream, row, cmap="gray", vmin=0, vmax=1, format="png")
    write_whole(path, stream.getvalue())
