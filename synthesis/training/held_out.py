"""How good a generator is on participants it never saw, beside three controls that must be worse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage, stats
from skimage.metrics import structural_similarity

from synthesis.config import ModelConfig
from synthesis.data.model_grid import ct_channels
from synthesis.models import Generator
from synthesis.training.cases import Case

RANGE_SUV = 20.0
NOT_ESTIMABLE = float("nan")  # TOML knows it; the card prints it as "nan"
Array = NDArray[np.float32]
Predictor = Callable[[Case], Array]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Results over held-out participants.

    Image numbers by predictor; lesion and node numbers by name.
    """

    images: dict[str, dict[str, float]]
    lesions: dict[str, float]
    nodes: dict[str, float]

    def to_table(self) -> dict[str, dict[str, float] | dict[str, dict[str, float]]]:
        """Return plain tables for the release's description."""
        return {"images": self.images, "lesions": self.lesions, "nodes": self.nodes}


def predictor_of(generator: Generator, model: ModelConfig, device: torch.device) -> Predictor:
    """Return a function that translates a case to SUV, [z, y, x]."""

    @torch.inference_mode()
    def predict(case: Case) -> Array:
        channels = torch.from_numpy(ct_channels(case.hu.astype(np.float32), model))
        codes = [generator(part.to(device))[:, 0].cpu() for part in torch.split(channels, 16)]
        return model.codec.decode(torch.cat(codes).numpy())

    return predict


def assess(cases: list[Case], predict: Predictor, mean_body_suv: float) -> HeldOut:
    """Return body-masked MAE, PSNR and SSIM (range SUV 20) and lesion recovery.

    The controls: an empty image, the mean of the training bodies everywhere in the body, and the
    acquired image with every lesion taken out, which only the lesion numbers can tell from good.
    """
    predictors: dict[str, Predictor] = {
        "model": predict,
        "zero": lambda case: np.zeros(case.suv.shape, dtype=np.float32),
        "body_mean": lambda case: np.where(case.body, np.float32(mean_body_suv), np.float32(0)),
        "lesions_erased": erase_lesions,
    }
    images = {
        name: _mean([image_numbers(case, predictor(case)) for case in cases])
        for name, predictor in predictors.items()
    }
    lesions = lesion_numbers(cases, predict)
    erased = lesion_numbers(cases, erase_lesions)
    lesions["suvmax_recovery_of_lesions_erased"] = erased["suvmax_recovery_malignant"]
    return HeldOut(images=images, lesions=lesions, nodes=node_numbers(cases, predict))


def image_numbers(case: Case, suv: Array) -> dict[str, float]:
    """Return MAE (SUV), PSNR (dB) and SSIM inside the body; PSNR and SSIM for the range 0-20."""
    acquired = np.clip(case.suv.astype(np.float32), 0, RANGE_SUV)
    synthetic = np.clip(suv, 0, RANGE_SUV)
    difference = (synthetic - acquired)[case.body]
    mse = max(float(np.mean(difference**2)), 1e-12)
    maps = [
        structural_similarity(  # type: ignore[no-untyped-call] # scikit-image has no types
            a, b, data_range=RANGE_SUV, gaussian_weights=True, sigma=1.5,
            use_sample_covariance=False, full=True,
        )[1]
        for a, b in zip(acquired, synthetic, strict=True)
    ]  # fmt: skip
    return {
        "mae_suv": float(np.mean(np.abs(difference))),
        "psnr_db": 10 * np.log10(RANGE_SUV**2 / mse),
        "ssim": float(np.stack(maps)[case.body].mean()),
    }


def erase_lesions(case: Case) -> Array:
    """Return the acquired PET with every lesion, node and distant site filled from around it."""
    suv = case.suv.astype(np.float32)
    hole = ndimage.binary_dilation(case.foci > 0, iterations=2)
    nearest = ndimage.distance_transform_edt(hole, return_distances=False, return_indices=True)
    return suv[tuple(nearest)]


def lesion_numbers(cases: list[Case], predict: Predictor) -> dict[str, float]:
    """Return how much of the lesions' SUVmax the synthetic PET shows, and how it ranks them."""
    a, s, m = _maxima(cases, predict, kind="lesion")
    return {
        "lesions": float(len(a)),
        "malignant": float(m.sum()),
        "suvmax_recovery_malignant": _median_share(s[m], a[m]),
        "suvmax_bias_suv": float(np.mean(s - a)),
        "suvmax_sd_of_differences_suv": float(np.std(s - a, ddof=1))
        if len(a) > 1
        else NOT_ESTIMABLE,
        "suvmax_spearman": _rank_correlation(a, s),
        "auc_malignancy_acquired": _auc(a, m),
        "auc_malignancy_synthetic": _auc(s, m),
    }


def node_numbers(cases: list[Case], predict: Predictor) -> dict[str, float]:
    """Return the same for lymph nodes: recovery in metastatic ones, and how SUVmax ranks them."""
    a, s, m = _maxima(cases, predict, kind="node")
    return {
        "nodes": float(len(a)),
        "metastatic": float(m.sum()),
        "suvmax_recovery_metastatic": _median_share(s[m], a[m]),
        "auc_metastasis_acquired": _auc(a, m),
        "auc_metastasis_synthetic": _auc(s, m),
    }


def _maxima(
    cases: list[Case], predict: Predictor, *, kind: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return acquired and synthetic SUVmax of every focus of a kind, and which are malignant."""
    acquired, synthetic, malignant = [], [], []
    for case in cases:
        suv = predict(case)
        named = zip(case.focus_names, case.malignant, strict=True)
        for number, (name, flag) in enumerate(named, start=1):
            inside = case.foci == number
            if name.startswith(f"{kind}:") and inside.any():
                acquired.append(float(case.suv[inside].max()))
                synthetic.append(float(suv[inside].max()))
                malignant.append(flag)
    return np.array(acquired), np.array(synthetic), np.array(malignant, dtype=np.bool_)


def _median_share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> float:
    return float(np.median(part / whole)) if len(whole) else NOT_ESTIMABLE


def _rank_correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return NOT_ESTIMABLE
    return float(stats.spearmanr(a, b).statistic)


def _auc(values: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    if positive.all() or not positive.any():
        return NOT_ESTIMABLE
    ranks = stats.rankdata(values)
    n = int(positive.sum())
    u = ranks[positive].sum() - n * (n + 1) / 2
    return float(u / (n * (len(values) - n)))


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
