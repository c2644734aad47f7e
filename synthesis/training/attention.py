"""What one stage leaves for the next: attention maps from a fold's segmentor, a latent's scale."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from synthesis.config import CpdmConfig
from synthesis.families import Family
from synthesis.families.records import centre_slice, source_of
from synthesis.models.autoencoder import LatentAutoencoder
from synthesis.models.encoding import encode_source, encode_suv, encode_window
from synthesis.models.segmentor import Segmentor
from synthesis.training.case_store import CaseStore
from synthesis.training.patches import FULL, PatchSampler

SLICES = 8
SCALE_BATCHES = 4


class AttentionMaps:
    """Maps of participants from segmentors that never saw them, kept as files."""

    def __init__(self, folder: Path, cases: CaseStore) -> None:
        self._folder = folder
        self._cases = cases

    def of(self, participants: Sequence[str]) -> dict[str, NDArray[np.uint8]]:
        """Return the map of each participant on the model's grid, 0 to 255."""
        return {
            name: np.load(self._folder / f"{name}.npy", allow_pickle=False) for name in participants
        }

    def predict(self, family: Family, participants: Sequence[str]) -> None:
        """Write the maps that the family's segmentor gives of these participants."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in participants:
            maps = _attention(family, self._cases.case(name).hu.astype(np.float32))
            partial = self._folder / f".{name}.partial.npy"
            np.save(partial, np.rint(FULL * maps).astype(np.uint8), allow_pickle=False)
            partial.replace(self._folder / f"{name}.npy")


@torch.no_grad()
def _attention(family: Family, hu: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the segmentor's map of a whole volume."""
    domain = family.config.domain
    segmentor = cast("Segmentor", family.networks["segmentor"])
    sides = [-(-n // 16) * 16 for n in hu.shape]
    if domain.dimensions == 3:
        padded = _to(hu, sides)[None, None]
        source = encode_source(torch.from_numpy(padded).to(family.device), domain.windows)
        whole = segmentor.attention(source)[0, 0].float().cpu().numpy()
        return cast("NDArray[np.float32]", whole[: hu.shape[0], : hu.shape[1], : hu.shape[2]])
    reach = domain.neighbours
    padded = np.pad(_to(hu, [len(hu), *sides[1:]]), ((reach, reach), (0, 0), (0, 0)), mode="edge")
    parts = []
    for start in range(0, len(hu), SLICES):
        stop = min(start + SLICES, len(hu))
        views = np.stack([padded[z : z + 2 * reach + 1] for z in range(start, stop)])
        source = encode_source(torch.from_numpy(views).to(family.device), domain.windows)
        parts.append(segmentor.attention(source)[:, 0].float().cpu().numpy())
    maps: NDArray[np.float32] = np.concatenate(parts)
    return maps[:, : hu.shape[1], : hu.shape[2]]


def _to(hu: NDArray[np.float32], sides: Sequence[int]) -> NDArray[np.float32]:
    pads = [(0, side - n) for side, n in zip(sides, hu.shape, strict=True)]
    return np.pad(hu, pads, constant_values=-1000.0)


@torch.no_grad()
def fit_latent_scale(family: Family, sampler: PatchSampler) -> None:
    """Scale the latent to a deviation of one over training participants."""
    config = family.config
    if not isinstance(config, CpdmConfig):
        return
    codes = []
    for number in range(SCALE_BATCHES):
        batch = sampler.batch(number, range(config.autoencoder_recipe.batch)).to(family.device)
        hu = centre_slice(source_of(batch.condition))
        codes += [
            encode_suv(batch.suv, config.domain.codec),
            encode_window(hu, config.domain.windows[0]),
        ]
    cast("LatentAutoencoder", family.networks["autoencoder"]).fit_scale(torch.cat(codes))
