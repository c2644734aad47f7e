"""The model card: what the release is, for whom it is not, and how it did."""

from __future__ import annotations

from synthesis.config import Config
from synthesis.training.held_out import HeldOut
from synthesis.training.split import Split


def model_card(config: Config, split: Split, held_out: HeldOut, *, parameters: int) -> str:
    """Return the card as Markdown."""
    release, model, training = config.release, config.model, config.training
    windows = ", ".join(f"{w.low_hu:g} to {w.high_hu:g} HU" for w in model.windows)
    spacing = " x ".join(f"{s:.2f}" for s in reversed(model.spacing_zyx_mm))
    return f"""# {release.name} {release.version}

**Trained on simulated phantoms only. Not for clinical use. Not for research conclusions about
people.** It exists so that the software can be shown and tested from CT to report. Its output is
no measurement: it carries what the simulator taught it about simulated chests.

## What it does
Translates an axial CT of the chest (Hounsfield units) into a synthetic FDG-PET in SUVbw (g/ml).
Family pix2pix: a 2.5-D U-Net generator ({parameters:,} parameters, {2 * model.neighbours + 1}
neighbouring CT slices in {len(model.windows)} windows: {windows}) trained against a patch
discriminator with the least-squares loss and a lesion-weighted L1 loss.
Grid {spacing} mm (x, y, z). SUV scale: log2(1 + SUV) / log2(1 + {model.codec.top_suv:g}).
Output is deterministic: the same CT gives the same numbers on the same kind of device.

## What it was made from
Simulated participants, split by participant: {len(split.train)} training,
{len(split.validation)} validation, {len(split.test)} test, from five simulated scanners
({", ".join(config.cohort.sites)}). No patient's image was used. {training.steps} steps of
{training.batch} slices, seed {training.seed}. Split SHA-256 {split.digest}.

## How it did on the {len(split.test)} held-out simulated participants
Inside the body, SUV clipped to 0-20, mean over participants (SSIM slice-wise, range 20).

| predictor | MAE (SUV) | PSNR (dB) | SSIM |
|---|---|---|---|
{_image_rows(held_out)}

The controls are no models: `zero` is an empty image, `body_mean` one value everywhere in the
body, `lesions_erased` the acquired PET with every lesion removed. That the last one has excellent
image numbers is the warning: image numbers do not show whether lesions are right.

{_lesion_text(held_out)}

## What it cannot do
- CT does not show metabolism. Uptake that anatomy does not hint at (marrow metastases without a
  CT sign, an avid node of normal size) is missed, and benign lesions that look like tumours are
  given uptake. By construction 43 % of the variance of log SUVmax of a solid lesion is visible in
  the simulated CT.
- Organ uptake is near the simulated mean; a participant's own level cannot be read from CT.
- Outside the chest (head, abdomen, limbs) the output is anatomically meaningless, although it is
  produced: training saw nothing but simulated chests from the lung apex to the upper liver.
- Noise, calibration and resolution differ between real scanners more than between the simulated.
"""


def _image_rows(held_out: HeldOut) -> str:
    return "\n".join(
        f"| {name} | {row['mae_suv']:.3f} | {row['psnr_db']:.2f} | {row['ssim']:.4f} |"
        for name, row in held_out.images.items()
    )


def _lesion_text(held_out: HeldOut) -> str:
    n, nodes = held_out.lesions, held_out.nodes
    return f"""Lung lesions: {n["lesions"]:.0f}, of which {n["malignant"]:.0f} malignant.
- SUVmax, median share recovered in malignant lesions: {100 * n["suvmax_recovery_malignant"]:.0f} %
  (control with lesions erased: {100 * n["suvmax_recovery_of_lesions_erased"]:.0f} %)
- SUVmax, synthetic minus acquired: {n["suvmax_bias_suv"]:+.2f} on average, SD
  {n["suvmax_sd_of_differences_suv"]:.2f}
- Rank correlation of SUVmax, synthetic with acquired: {n["suvmax_spearman"]:.2f}
- AUC of SUVmax for malignancy: {n["auc_malignancy_acquired"]:.2f} acquired,
  {n["auc_malignancy_synthetic"]:.2f} synthetic

Lymph nodes: {nodes["nodes"]:.0f}, of which {nodes["metastatic"]:.0f} metastatic.
- SUVmax, median share recovered in metastatic nodes: {100 * nodes["suvmax_recovery_metastatic"]:.0f} %
- AUC of SUVmax for metastasis: {nodes["auc_metastasis_acquired"]:.2f} acquired,
  {nodes["auc_metastasis_synthetic"]:.2f} synthetic"""
