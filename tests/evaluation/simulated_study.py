"""A simulated study with known truth: tables as the portal builds them, from a seed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.analysis import COLUMNS, Tables

SITES = (
    ("SPH", "Shanghai Pulmonary Hospital", "上海市肺科医院"),
    ("SEH", "Shanghai East Hospital", "上海市东方医院"),
    ("NB2", "Ningbo No.2 Hospital", "宁波市第二医院"),
    ("NCU", "The First Affiliated Hospital of Nanchang University", "南昌大学第一附属医院"),
    ("ZMU", "Affiliated Hospital of Zunyi Medical University", "遵义医科大学附属医院"),
)
QUANTITIES = {
    "suv_peak": ("SUV", 1.0), "suv_max": ("SUV", 1.35), "suv_mean": ("SUV", 0.7),
    "mtv_41": ("ml", 2.5), "tlg_41": ("SUV ml", 4.0), "tbr_max": ("ratio", 0.8),
    "tbr_mean": ("ratio", 0.45),
}  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """What the simulation draws from."""

    ssim_mean: float = 0.88
    psnr_mean: float = 31.0
    log_bias: float = -0.06
    log_sd: float = 0.12
    malignant_share: float = 0.65


def simulated_tables(
    *, seed: int = 7, participants: int = 40, readers: bool = True, truth: Truth = Truth()
) -> Tables:
    """Return tables of a study in which about nine of ten participants are analysed."""
    rng = np.random.default_rng(seed)
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in COLUMNS}
    for i in range(participants):
        _participant(rng, rows, i, truth=truth, readers=readers)
    rows["sites"] = [
        {"code": code, "name": name, "name_zh": zh, "target": 2000} for code, name, zh in SITES
    ]
    return Tables(
        **{
            name: pd.DataFrame(rows[name], columns=list(COLUMNS[name])) if rows[name]
            else pd.DataFrame({c: [] for c in COLUMNS[name]})
            for name in COLUMNS
        }
    )  # fmt: skip


def _participant(rng, rows, i, *, truth, readers) -> None:
    site = SITES[i % len(SITES)][0]
    code = f"{site}-{i // len(SITES) + 1:04d}"
    draw = rng.random()
    stop = "screen" if draw < 0.05 else "artefact" if draw < 0.12 else ""
    eligible, ready = stop != "screen", stop == ""
    complete = ready and rng.random() > 0.05
    rows["participants"].append(
        {
            "participant": code, "site": site,
            "age_years": float("nan") if rng.random() < 0.03 else round(float(rng.normal(63, 9)), 1),
            "sex": "F" if rng.random() < 0.42 else "M", "screened": True, "eligible": eligible,
            "enrolled": eligible, "consented": eligible, "ct_received": eligible,
            "pet_received": eligible, "pair_ready": ready, "synthesised": ready,
            "reference_complete": complete, "analysed": ready,
            "exclusion_reason": {"screen": "EXC-01 history of other malignant tumours",
                                 "artefact": "EXC-02 image artefacts", "": ""}[stop],
        }
    )  # fmt: skip
    if ready:
        base = {"participant": code, "site": site}
        _pair(rng, rows, base, truth)
        _lesions(rng, rows, base, truth=truth, readers=readers)
        _nodes(rng, rows, base, truth)
        _distant(rng, rows, base, truth)


def _measure(rows, base, region, image, quantity, value, unit, release="pix2pix-1") -> None:
    rows["measurements"].append(
        {**base, "release": "" if image == "reference" else release, "region": region,
         "image": image, "quantity": quantity, "value": value, "unit": unit,
         "method": "simulated", "flags": ""}
    )  # fmt: skip


def _pair(rng, rows, base, truth) -> None:
    ssim = float(np.clip(rng.normal(truth.ssim_mean, 0.04), 0, 1))
    for quantity, value, unit in (
        ("ssim", ssim, ""), ("ssim_2d", ssim - 0.005, ""),
        ("structural_similarity", min(1.0, ssim + 0.04), ""),
        ("psnr", float(rng.normal(truth.psnr_mean, 2.5)), "dB"),
        ("mse", float(rng.lognormal(-1.2, 0.3)), "SUV2"), ("mae", float(rng.lognormal(-1.6, 0.2)), "SUV"),
    ):  # fmt: skip
        _measure(rows, base, "body", "pair", quantity, value, unit)
    liver = float(rng.normal(2.1, 0.2))
    _measure(rows, base, "organ:liver", "reference", "suv_mean", liver, "SUV")
    _measure(
        rows,
        base,
        "organ:liver",
        "synthetic",
        "suv_mean",
        liver * float(rng.lognormal(0, 0.04)),
        "SUV",
    )


def _uptake(rng, rows, base, region, peak, truth) -> None:
    error = float(np.exp(rng.normal(truth.log_bias, truth.log_sd)))
    for quantity, (unit, scale) in QUANTITIES.items():
        _measure(rows, base, region, "reference", quantity, peak * scale, unit)
        jitter = float(np.exp(rng.normal(0, 0.02))) if quantity != "suv_peak" else 1.0
        _measure(rows, base, region, "synthetic", quantity, peak * scale * error * jitter, unit)


def _lesions(rng, rows, base, *, truth, readers) -> None:
    for number in range(1, 2 + rng.poisson(0.7)):
        malignant = bool(number == 1 or rng.random() < truth.malignant_share - 0.3)
        peak = float(rng.lognormal(1.7 if malignant else 0.6, 0.4))
        _uptake(rng, rows, base, f"lesion:{number}", peak, truth)
        status = "positive" if malignant else "negative"
        if rng.random() < 0.05:
            status = "indeterminate"
        _verdict(rows, base, "malignancy", "lesion", str(number), status)
        if readers:
            _read(rng, rows, base, malignant, str(number))


def _read(rng, rows, base, malignant, number) -> None:
    for test, arm, spread in (("reader_ct", "ct", 1.3), ("reader_ct_spet", "ct_spet", 0.8)):
        for reader in ("R1", "R2"):
            score = float(np.clip(round(rng.normal(4 if malignant else 2, spread)), 1, 5))
            rows["index_scores"].append(
                {**base, "test": test, "arm": arm, "reader": reader,
                 "target_condition": "malignancy", "unit": "lesion", "unit_id": number,
                 "score": score}
            )  # fmt: skip


def _nodes(rng, rows, base, truth) -> None:
    involved = []
    for station in ("4R", "7", "10R"):
        positive = bool(rng.random() < 0.3)
        involved.append(positive)
        if positive or rng.random() < 0.4:
            _uptake(
                rng,
                rows,
                base,
                f"node:{station}",
                float(rng.lognormal(1.4 if positive else 0.5, 0.35)),
                truth,
            )
        _verdict(
            rows,
            base,
            "nodal_metastasis",
            "station",
            station,
            "positive" if positive else "negative",
        )
    status = "positive" if any(involved) else "negative"
    if rng.random() < 0.1:
        status = "missing"
    _verdict(rows, base, "nodal_metastasis", "participant", "", status)


def _distant(rng, rows, base, truth) -> None:
    positive = bool(rng.random() < 0.2)
    if positive and rng.random() < 0.85:
        _uptake(rng, rows, base, "distant:adrenal", float(rng.lognormal(1.5, 0.4)), truth)
    _verdict(
        rows, base, "distant_metastasis", "participant", "", "positive" if positive else "negative"
    )


def _verdict(rows, base, condition, unit, unit_id, status) -> None:
    rows["reference_standard"].append(
        {**base, "target_condition": condition, "unit": unit, "unit_id": unit_id,
         "status": status, "source": "" if status == "missing" else "histology"}
    )  # fmt: skip
