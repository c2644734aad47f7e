"""Simulated participants as training cases on the model's grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.imaging import Volume, resample
from synthesis.config import CohortConfig, ModelConfig
from synthesis.data.model_grid import body_mask, model_grid, smooth_resample
from synthesis.data.participant import draw_participant
from synthesis.data.phantom import PhantomPair, make_phantom
from synthesis.data.scanner import ScannerProfile, scanner_of

FOCI = ("lesion", "node", "distant")
FIELD_OF_VIEW_MM = (288.0, 400.0, 400.0)


@dataclass(frozen=True, slots=True)
class Case:
    """One participant on the model's grid; arrays are [z, y, x].

    `foci` numbers the voxels of lesions, nodes and distant sites: 0 outside, else 1 plus the
    index in `focus_names`.
    """

    seed: int
    hu: NDArray[np.int16]
    suv: NDArray[np.float16]
    body: NDArray[np.bool_]
    foci: NDArray[np.uint8]
    focus_names: tuple[str, ...]
    malignant: tuple[bool, ...]


def make_cases(
    seeds: tuple[int, ...],
    cohort: CohortConfig,
    model: ModelConfig,
    *,
    cache: Path | None = None,
    done: Callable[[], None] = lambda: None,
) -> list[Case]:
    """Return the case of each seed, from the cache folder where one is given and holds it."""
    cases = []
    for seed in seeds:
        path = None if cache is None else cache / f"{seed}.npz"
        if path is not None and path.exists():
            case = _load(path)
        else:
            case = make_case(seed, cohort, model)
            if path is not None:
                _store(case, path)
        cases.append(case)
        done()
    return cases


def make_case(seed: int, cohort: CohortConfig, model: ModelConfig) -> Case:
    """Return one simulated participant on the model's grid."""
    participant = draw_participant(seed)
    pair = make_phantom(participant, _scanner(seed, cohort))
    grid = model_grid(pair.ct.grid, model)
    hu = smooth_resample(pair.ct, grid).array
    suv = resample(pair.pet, grid, outside=0.0).array
    foci, names = _foci(pair)
    malignant = {f"lesion:{lesion.unit_id}": lesion.malignant for lesion in participant.lesions}
    malignant |= {f"node:{node.station}": node.metastatic for node in participant.nodes}
    malignant |= {f"distant:{s.site}": s.metastatic for s in participant.distant_sites}
    return Case(
        seed=seed,
        hu=np.rint(hu).astype(np.int16),
        suv=suv.astype(np.float16),
        body=body_mask(hu),
        foci=resample(Volume(foci, pair.pet.grid, "mask"), grid, outside=0, order="nearest").array,
        focus_names=names,
        malignant=tuple(malignant[name] for name in names),
    )


def _scanner(seed: int, cohort: CohortConfig) -> ScannerProfile:
    profile = scanner_of(cohort.sites[seed % len(cohort.sites)])
    spacing = tuple(f / n for f, n in zip(FIELD_OF_VIEW_MM, cohort.ct_shape, strict=True))
    return replace(
        profile, shape=cohort.ct_shape, spacing_zyx_mm=(spacing[0], spacing[1], spacing[2])
    )


def _foci(pair: PhantomPair) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    foci = np.zeros(pair.pet.array.shape, dtype=np.uint8)
    names = []
    for region in pair.regions:
        if region.label.split(":")[0] in FOCI:
            names.append(region.label)
            foci[region.mask] = len(names)
    return foci, tuple(names)


def _store(case: Case, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez(
        partial,
        seed=case.seed, hu=case.hu, suv=case.suv, body=case.body, foci=case.foci,
        focus_names=np.array(case.focus_names), malignant=np.array(case.malignant),
    )  # fmt: skip
    partial.replace(path)


def _load(path: Path) -> Case:
    with np.load(path, allow_pickle=False) as stored:
        return Case(
            seed=int(stored["seed"]),
            hu=stored["hu"],
            suv=stored["suv"],
            body=stored["body"],
            foci=stored["foci"],
            focus_names=tuple(str(name) for name in stored["focus_names"]),
            malignant=tuple(bool(flag) for flag in stored["malignant"]),
        )
