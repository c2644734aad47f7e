"""A training's state on disk: safetensors and JSON, complete or absent, never pickled."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from synthesis.families import Family
from synthesis.training.averaging import put_weights, weights_of
from synthesis.training.courses import Plateau
from synthesis.training.stage import StageTrainer

POINTER = "latest.json"
TENSORS = "state.safetensors"
STATE = "state.json"


class CheckpointRefusedError(ValueError):
    """The checkpoint belongs to another training."""


@dataclass(slots=True)
class Progress:
    """Where a training is; JSON-able.

    Attributes
    ----------
    run
        Digest of settings, split and data: a checkpoint of another run is refused.
    leg
        Number of the leg (a stage, or a stage on one fold) that is under way.
    curve_bytes
        Length of the curves at this moment: what a killed process wrote after it is cut off.
    """

    run: str
    leg: int = 0
    step: int = 0
    best: float | None = None
    best_step: int = 0
    checks_since_best: int = 0
    curve_bytes: int = 0
    plateau: dict[str, float] = field(default_factory=dict)


def save_checkpoint(
    folder: Path, progress: Progress, trainer: StageTrainer, best: Mapping[str, Tensor]
) -> None:
    """Write the state beside the last one, point to it, then remove the last one."""
    folder.mkdir(parents=True, exist_ok=True)
    progress.plateau = _finite(asdict(trainer.plateau))
    own = folder / f"leg{progress.leg}-step{progress.step:08d}"
    shutil.rmtree(own, ignore_errors=True)  # half written by a process that was killed
    own.mkdir()
    family = trainer.family
    groups = {
        "network": weights_of(family, list(family.networks)),
        "average": trainer.average.weights,
        "best": best,
        "optimiser": _moments(trainer),
    }
    tensors = {
        f"{group}/{name}": tensor.detach().cpu().contiguous()
        for group, named in groups.items()
        for name, tensor in named.items()
    }
    save_file(dict(sorted(tensors.items())), own / TENSORS)
    (own / STATE).write_text(json.dumps(asdict(progress), indent=1), encoding="utf-8")
    for path in (own / TENSORS, own / STATE, own):
        sync(path)
    write_whole(folder / POINTER, json.dumps({"folder": own.name}).encode())
    for other in folder.iterdir():
        if other.is_dir() and other != own:
            shutil.rmtree(other)


def find_progress(folder: Path, run: str) -> Progress | None:
    """Return where the training in a folder is, or None where none has begun.

    Raises
    ------
    CheckpointRefusedError
        When it was made from other settings, another split or other data.
    """
    if not (folder / POINTER).is_file():
        return None
    table = json.loads((_latest(folder) / STATE).read_text(encoding="utf-8"))
    if table["run"] != run:
        raise CheckpointRefusedError(
            "The output folder holds a training with other settings, another split or other data; "
            "choose another folder."
        )
    return Progress(**table)


def resume(folder: Path, progress: Progress, trainer: StageTrainer) -> dict[str, Tensor]:
    """Bring the trainer to where the checkpoint is; return the best weights so far."""
    device = trainer.family.device
    tensors = load_file(_latest(folder) / TENSORS, device=str(device))
    groups: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        group, own = name.split("/", 1)
        groups.setdefault(group, {})[own] = tensor
    put_weights(trainer.family, groups["network"])
    trainer.average.weights = groups.get("average", {})
    _fill(trainer, groups.get("optimiser", {}))
    trainer.step_number = progress.step
    stored = progress.plateau
    trainer.plateau = Plateau(
        share=stored["share"],
        best=stored.get("best", float("inf")),
        since_step=int(stored["since_step"]),
    )
    return groups.get("best", {})


def restore_networks(folder: Path, family: Family) -> None:
    """Give the family the weights of the checkpoint."""
    tensors = load_file(_latest(folder) / TENSORS, device=str(family.device))
    prefix = "network/"
    own = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
    put_weights(family, own)


def _latest(folder: Path) -> Path:
    return folder / str(json.loads((folder / POINTER).read_text(encoding="utf-8"))["folder"])


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value != float("inf")}


def _moments(trainer: StageTrainer) -> dict[str, Tensor]:
    return {
        f"{part}/{index}/{key}": value
        for part, optimiser in trainer.optimisers.items()
        for index, moments in optimiser.state_dict()["state"].items()
        for key, value in moments.items()
    }


def _fill(trainer: StageTrainer, tensors: Mapping[str, Tensor]) -> None:
    states: dict[str, dict[int, dict[str, Tensor]]] = {}
    for name, tensor in tensors.items():
        part, index, key = name.split("/")
        # Adam keeps its count of steps on the CPU.
        value = tensor.cpu() if key == "step" else tensor
        states.setdefault(part, {}).setdefault(int(index), {})[key] = value
    for part, optimiser in trainer.optimisers.items():
        groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": states.get(part, {}), "param_groups": groups})


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is whole or as it was before."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    sync(partial)
    partial.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Make a file or a folder's entries durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
