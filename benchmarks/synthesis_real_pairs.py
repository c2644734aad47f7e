"""Plumbing check on real pairs: `python -m benchmarks.synthesis_real_pairs [--data FOLDER]`.

Every family, at tiny size, is trained on phantoms for a few steps, trained on from that release with
three cropped real pairs (two learned from, one tuned on), and predicts the other three. It shows that
real DICOM goes all the way; with so few steps and pairs the numbers say nothing about quality. The
folder is `pet_ct_ge_sts_pairs` of the published data, beside the checkout or in STUDYPORTAL_REAL_DATA;
nothing of it is kept. Exits 1 when a family that could run did not.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydicom import dcmread

from synthesis.config import FAMILY_CONFIGS, FamilyRun, family_run
from synthesis.data.attenuation import TubeVoltageError, require_kvp
from synthesis.data.folder_source import FolderSource
from synthesis.data.pairs import PairRefusedError
from synthesis.data.splits import load_split
from synthesis.jobs.train_release import REFUSALS
from synthesis.registry import Release
from synthesis.training import train_family
from synthesis.training.world import World

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
PAIRS = "pet_ct_ge_sts_pairs"
PHANTOMS = "phantom:5:7"
STEPS = {"steps": 4, "batch": 2, "warm_up_steps": 1}
RECIPES = {
    "baseline": ("recipe",),
    "pix2pix": ("recipe",),
    "pix2pix_ddpm": ("recipe",),
    "cpdm": ("recipe", "segmentor_recipe", "autoencoder_recipe"),
    "cascade3d": ("low_recipe", "high_recipe"),
}
ALONE = World(0, 1, torch.device("cpu"))


@dataclass(frozen=True)
class Outcome:
    """What became of one family."""

    family: str
    pairs: int
    refused: tuple[str, ...]
    seconds: float
    release: Release | None
    predicted: int
    why_not: str = ""


def data_folder(stated: str) -> Path:
    """Return the folder of the pairs; end with a sentence where it is not."""
    base = Path(stated or os.environ.get("STUDYPORTAL_REAL_DATA", "") or BESIDE)
    folder = base if base.name == PAIRS else base / PAIRS
    if not folder.is_dir():
        raise SystemExit(f"{PAIRS} is not there: name its folder with --data.")
    return folder


def lay_out(pairs: Path, folder: Path) -> Path:
    """Put the pairs, as links, into the folders that a training reads, with what their headers hold."""
    folder.mkdir()
    rows = []
    for place in sorted(p for p in pairs.iterdir() if p.is_dir()):
        own = folder / place.name
        own.mkdir()
        for part in ("CT", "PET"):
            (own / part).symlink_to(place / part / "image")
        (own / "LESIONS").symlink_to(place / "PET" / "mask")
        rows.append({"participant": place.name, "site": "published", **_said(place)})
    with (folder / "participants.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def _said(place: Path) -> dict[str, str]:
    """Return what the PET's header says of the participant; empty where it says nothing."""
    header = dcmread(next((place / "PET" / "image").iterdir()), stop_before_pixels=True)
    age, height = str(header.get("PatientAge") or ""), header.get("PatientSize")
    return {
        "sex": str(header.get("PatientSex") or ""),
        "age_years": str(int(age[:-1])) if age.endswith("Y") else "",
        "height_cm": f"{100 * float(height):g}" if height else "",
        "weight_kg": str(header.get("PatientWeight") or ""),
    }


def run_of(family: str) -> FamilyRun:
    """Return a tiny run of a family; the crops are 14 to 16 cm wide."""
    domain: dict[str, Any] = {"spacing_zyx_mm": [9.81, 8.0, 8.0]}
    table: dict[str, Any] = {
        "schema": 2, "family": family, "preset": "tiny",
        "release": {"name": f"plumbing-{family}", "version": "0", "created": "2026-11-25"},
        "training": {
            "threads": 1, "prefetch": 0, "check_every": 4, "validation_cases": 1, "images": 0,
            "test_samples": 2, "folds": 2, "validation_evaluations": 2,
        },
        "split": {"test": 0.5, "validation": 0.17},
        **dict.fromkeys(RECIPES[family], STEPS),
    }  # fmt: skip
    if family == "pix2pix_ddpm":
        table["gan"] = {"recipe": STEPS, "domain": domain}
    elif family != "cascade3d":
        table["domain"] = domain
    return family_run(table)


def usable(source: FolderSource, family: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return whose pair the family can learn from, and why not the others."""
    good, refused = [], []
    for name in sorted(source.sites):
        fault = _fault(source, name, family)
        if fault:
            refused.append(f"{name}: {fault}")
        else:
            good.append(name)
    return tuple(good), tuple(refused)


def _fault(source: FolderSource, name: str, family: str) -> str:
    """Return why a family cannot learn from a pair; empty where it can."""
    try:
        pair = source.pair(name)
        if family == "cpdm":
            require_kvp(pair.kvp)
    except (PairRefusedError, TubeVoltageError) as error:
        return str(error)
    lacks = family == "cascade3d" and pair.demographics is None
    return "the header lacks sex, age, height or weight" if lacks else ""


def try_family(family: str, data: Path, work: Path) -> Outcome:
    """Train a family on phantoms, train it on from there with real pairs, and predict the rest."""
    good, refused = usable(FolderSource(data, "pairs"), family)
    own = work / family / "data"
    own.mkdir(parents=True)
    for name in good:
        (own / name).symlink_to(data / name)
    (own / "participants.csv").symlink_to(data / "participants.csv")
    start, run, out = time.perf_counter(), run_of(family), work / family
    try:
        parent = train_family(run, PHANTOMS, out / "parent", world=ALONE)
        release = train_family(run, str(own), out / "child", world=ALONE, parent=parent)
    except (*REFUSALS, ValueError) as error:
        seconds = time.perf_counter() - start
        return Outcome(family, len(good), refused, seconds, None, 0, str(error))
    tested = load_split(out / "child" / "split.json").test
    return Outcome(family, len(good), refused, time.perf_counter() - start, release, len(tested))


def line_of(outcome: Outcome) -> str:
    """Return the outcome as a line of the table."""
    shown = outcome.why_not or _shown(outcome.release)
    refused = "; ".join(outcome.refused) or "none"
    return (
        f"| {outcome.family} | {outcome.pairs} | {refused} | {outcome.predicted} | {shown} | "
        f"{outcome.seconds:.0f} |"
    )


def _shown(release: Release | None) -> str:
    if release is None:
        return "nothing"
    images: Mapping[str, Mapping[str, float]] = release.metrics["images"]
    quantity = "mae_suv" if "mae_suv" in images["model"] else "body_mean_suv"
    return f"{quantity} {images['model'][quantity]:.2f}"


def main(arguments: Sequence[str]) -> int:
    """Run the check; return 1 when a family did not go all the way."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.synthesis_real_pairs")
    parser.add_argument("--data", default="", help="folder of the published data, or of the pairs")
    parser.add_argument("--family", action="append", choices=list(FAMILY_CONFIGS))
    options = parser.parse_args(arguments)
    pairs = data_folder(options.data)
    sys.stdout.write("Plumbing check: the numbers say nothing about quality.\n\n")
    sys.stdout.write("| family | pairs | refused | predicted | number | seconds |\n")
    sys.stdout.write("|---|---|---|---|---|---|\n")
    outcomes = []
    with tempfile.TemporaryDirectory() as name:
        data = lay_out(pairs, Path(name) / "pairs")
        for family in options.family or FAMILY_CONFIGS:
            outcomes.append(try_family(family, data, Path(name)))
            sys.stdout.write(line_of(outcomes[-1]) + "\n")
            sys.stdout.flush()
    return int(any(outcome.release is None for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
