"""The model card of a family's release."""

from __future__ import annotations

import math
from typing import Any

from synthesis.config import FamilyRun
from synthesis.families import Family, Spec
from synthesis.training.descent import Descent
from synthesis.training.prepared import Prepared

WHAT = {
    "baseline": "A regression U-Net: one evaluation, no samples. What every other family must beat.",
    "pix2pix": "A conditional adversarial pair: a U-Net against a patch critic, with weighted L1.",
    "pix2pix_ddpm": "An adversarial pair whose image a conditional diffusion model refines.",
    "cpdm": "A Brownian bridge from CT to PET, guided by attention and attenuation maps.",
    "cascade3d": "A cascade from height, weight, sex and age to a CT and PET volume of nobody.",
}  # fmt: skip

HOW = {"fine_tuned": "Trained on from", "distilled": "Distilled from"}
SOMEBODY = """- CT does not show metabolism. Uptake that anatomy does not hint at is missed, and benign lesions
  that look like tumours are given uptake.
- Organ uptake is near the mean of the training participants; a participant's own level cannot be
  read from CT."""
NOBODY = """- A twin is nobody: nothing about a participant of the same size, sex and age follows from it.
- It may resemble a training participant; how closely was not measured."""


def family_card(
    run: FamilyRun, family: Family, data: Prepared, metrics: dict[str, Any], *, more: str = ""
) -> str:
    """Return the card as Markdown; `more` is a section of a study."""
    release, spec, split, source = run.release, family.spec(), data.split, data.source
    sites = sorted(set(source.sites.values()))
    simulated = source.spec.startswith("phantom:")
    origin = (
        "Simulated phantoms; no patient's image was used."
        if simulated
        else "Acquired images of participants."
    )
    lesson = (
        "**Trained on simulated phantoms only. Not for clinical use. Not for research conclusions "
        "about people.**"
        if simulated
        else "**For research only. Not for clinical use, never for diagnosis.**"
    )
    section = f"\n{more}" if more else ""
    return f"""# {release.name} {release.version}

{lesson}

## What it does
{WHAT[spec.family]} {spec.parameters:,} parameters.
{_domain(spec)}
{_sampling(spec)}

## What it was made from
{origin} Source `{_public(source.spec)}`, sites {", ".join(sites)}; split by {run.split.by}:
{len(split.train)} training, {len(split.validation)} validation, {len(split.test)} test
participants; SHA-256 of the split {split.digest}. Seed {run.training.seed}.
{_descent(data.descent)}{_stages(family)}

## How it did on the {len(split.test)} held-out participants
{_results(spec, metrics)}
{section}
## What it cannot do
{NOBODY if spec.family == "cascade3d" else SOMEBODY}
- Scanners, tracers, uptake times and body regions other than those above were never seen.
- Image numbers do not show whether lesions are right: see the control with lesions erased.
"""


def _domain(spec: Spec) -> str:
    domain = spec.domain
    unit = "HU"
    if domain.source == "mr":
        unit = f"thousandths of the median MR signal of {domain.reference_tissue}"
    windows = ", ".join(f"{w.low_hu:g} to {w.high_hu:g} {unit}" for w in domain.windows)
    spacing = " x ".join(f"{s:.2f}" for s in reversed(domain.spacing_zyx_mm))
    codec = domain.codec
    return (
        f"Form {domain.form}, grid {spacing} mm (x, y, z), windows {windows}; SUV scale "
        f"{codec.scale} up to {codec.top_suv:g}, the same for every image."
    )


def _sampling(spec: Spec) -> str:
    many = f"{spec.evaluations} network evaluations a sample"
    if not spec.stochastic:
        return f"Deterministic, {many}: the same CT gives the same numbers on the same device."
    return (
        f"Stochastic, {many}: another seed gives another image. Measure the mean of several "
        "samples, look at one, and report the number of evaluations: it changes SUVmax."
    )


def _descent(descent: Descent | None) -> str:
    if descent is None:
        return ""
    parent = f"{descent.parent.title} (release {descent.parent.digest})"
    return f"{HOW[descent.relation]} {parent}, which learned from none of the test participants.\n"


def _stages(family: Family) -> str:
    lines = []
    for stage in family.stages:
        recipe = family.recipe(stage)
        elements = f"{recipe.batch} x {recipe.accumulation}"
        lines.append(f"- stage {stage}: at most {recipe.steps} steps of {elements}")
    return "\n".join(lines)


def _results(spec: Spec, metrics: dict[str, Any]) -> str:
    if spec.family == "cascade3d":
        return _twins(metrics)
    if "suv" not in spec.outputs:
        return "A fusion image is for display; it has no SUV and was not measured."
    rows = "\n".join(
        f"| {name} | {_cells(row, mae_suv=3, psnr_db=2, ssim=4)} |"
        for name, row in metrics["images"].items()
    )
    lesions = "\n".join(
        f"| {name} | {100 * row['median_recovery']:.0f} % | {row['lesions']} |"
        for name, row in metrics["lesions"].items()
    )
    invented = "\n".join(
        f"| {name} | {_strays(row)} | {_stayed(row)} |"
        for name, row in metrics["hallucination"].items()
    )
    return f"""Inside the body, SUV clipped to 0-20, mean over participants with 95 % interval (t); SSIM
slice-wise, range 20. `zero`, `body_mean` and `lesions_erased` are no models.

| predictor | MAE (SUV) | PSNR (dB) | SSIM |
|---|---|---|---|
{rows}

| predictor | SUVmax recovered, median | malignant foci |
|---|---|---|
{lesions}

Foci of SUV 2.5 where the acquired PET has none (95 % interval), and of lung lesions taken out of the
CT the share that stay in the PET.

| predictor | stray foci in the lungs, a participant | stayed |
|---|---|---|
{invented}"""


def _strays(row: dict[str, float]) -> str:
    return _with(row, "stray_foci", 2) if "stray_foci" in row else "not counted"


def _stayed(row: dict[str, float]) -> str:
    if "removed_foci" not in row:
        return "not measured"
    return f"{100 * row['removed_focus_stayed']:.0f} % of {row['removed_foci']}"


def _twins(metrics: dict[str, Any]) -> str:
    rows = "\n".join(
        f"| {name} | {_cells(row, body_litres=1, body_mean_suv=3, body_p99_suv=2)} |"
        for name, row in metrics["images"].items()
    )
    return f"""One twin for the height, weight, sex and age of each participant; mean with 95 % interval (t).
That two means agree is no proof that their distributions do.

| images | body (l) | mean SUV | 99th percentile SUV |
|---|---|---|---|
{rows}"""


def _cells(row: dict[str, float], **digits: int) -> str:
    return " | ".join(_with(row, name, places) for name, places in digits.items())


def _with(row: dict[str, float], name: str, digits: int) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    if math.isnan(low):
        return f"{row[name]:.{digits}f} (no interval)"
    return f"{row[name]:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _public(spec: str) -> str:
    """Return the source without the path, which may be a hospital's."""
    return spec if spec.startswith("phantom:") else spec.rstrip("/").rsplit("/", 1)[-1]
