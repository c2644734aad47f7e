"""Small phantoms and releases for tests; made once per process and never changed."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from synthesis.config import DomainConfig, GeneratorConfig, Pix2PixConfig, to_table
from synthesis.contract import TranslationRequest
from synthesis.data import PhantomPair, ScannerProfile, draw_participant, make_phantom, scanner_of
from synthesis.families import build_family, save_parts
from synthesis.registry import CARD, WEIGHTS, Release, load_release, write_description

TINY = Pix2PixConfig(
    domain=DomainConfig(neighbours=1), generator=GeneratorConfig(features=(4, 4, 8, 8, 8, 4))
)


def small_scanner(site: str = "SPH") -> ScannerProfile:
    """A site's machine with few, thick slices: the whole chest in 26 x 96 x 96 voxels."""
    return replace(scanner_of(site), shape=(26, 96, 96), spacing_zyx_mm=(9.8, 400 / 96, 400 / 96))


@lru_cache(maxsize=8)
def small_pair(seed: int = 3, site: str = "SPH") -> PhantomPair:
    return make_phantom(draw_participant(seed), small_scanner(site))


@lru_cache(maxsize=4)
def full_pair(seed: int = 3, site: str = "SEH") -> PhantomPair:
    return make_phantom(draw_participant(seed), scanner_of(site))


# What the gate asks for, invented: the weights below were never trained, so nothing was measured.
PASSING: dict[str, Any] = {
    "images": {
        name: {f"mae_suv{end}": value + shift for end, shift in (("", 0), ("_low", -0.02), ("_high", 0.02))}
        for name, value in (("model", 0.2), ("zero", 0.7), ("body_mean", 0.4), ("lesions_erased", 0.01))
    },
    "lesions": {
        name: {
            "median_recovery": value, "median_recovery_low": value - 0.05,
            "median_recovery_high": value + 0.05, "lesions": 12, "participants": 6,
        }
        for name, value in (("model", 0.9), ("zero", 0.0), ("body_mean", 0.1), ("lesions_erased", 0.2))
    },
    "hallucination": {
        "model": {
            "stray_foci": 0.1, "stray_foci_low": 0.0, "stray_foci_high": 0.3, "participants": 20,
            "removed_focus_stayed": 0.0, "removed_foci": 12, "removed_participants": 6,
        },
    },
    "simulated": True,
}  # fmt: skip


def untrained_release(
    folder: Path, *, seed: int = 1, metrics: dict[str, Any] | None = None, **training: Any
) -> Release:
    """A complete release whose weights are random: for tests of the way, not of the image."""
    folder.mkdir(parents=True)
    save_parts(build_family(TINY, seed=seed), folder / WEIGHTS)
    (folder / CARD).write_text("# untrained\n", encoding="utf-8")
    table = {
        "name": "untrained",
        "version": "0",
        "created": "2026-01-01",
        "family": "pix2pix",
        "config": to_table(TINY),
        "training": training,
        "metrics": PASSING if metrics is None else metrics,
    }
    write_description(folder, table)
    return load_release(folder)


def request_for(
    ct_folder: Path, release: Release, out: Path, *, job_id: str = "job-1"
) -> TranslationRequest:
    return TranslationRequest(
        job_id=job_id,
        release_dir=str(release.folder),
        release_sha256=release.digest,
        ct_files=tuple(str(path) for path in sorted(ct_folder.iterdir())),
        out_dir=str(out),
        device="cpu",
        labels={"pair": "7"},
    )
