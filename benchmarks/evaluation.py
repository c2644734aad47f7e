"""SSIM of ours and of peers on one pair in one run: seconds, ratios and largest difference.

python -m benchmarks.evaluation [--shape Z Y X] [--repeats N]
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from monai.metrics import SSIMMetric
from scipy import ndimage
from skimage.metrics import structural_similarity

from evaluation.analysis.measure import measure_pair
from evaluation.fidelity import psnr, ssim
from evaluation.imaging import Grid, Volume

L = 20.0


def pair_of(shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.normal(size=shape).astype(np.float32), 2) * 40 + 4
    reference = smooth.clip(0, L).astype(np.float32)
    noise = rng.normal(size=shape).astype(np.float32) * 0.5
    return reference, (reference + noise).clip(0, L).astype(np.float32)


def best_of(repeats: int, work: Callable[[], float]) -> tuple[float, float]:
    seconds, value = [], 0.0
    for _ in range(repeats):
        start = time.perf_counter()
        value = work()
        seconds.append(time.perf_counter() - start)
    return min(seconds), value


def ours(a: np.ndarray, b: np.ndarray) -> float:
    value = ssim(a, b, data_range=L).value
    assert value is not None
    return value


def scikit_image(a: np.ndarray, b: np.ndarray) -> float:
    return float(
        structural_similarity(
            a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=L
        )
    )


def monai(a: np.ndarray, b: np.ndarray) -> float:
    metric = SSIMMetric(spatial_dims=3, data_range=L)
    with torch.inference_mode():
        return float(metric(torch.from_numpy(a)[None, None], torch.from_numpy(b)[None, None]))


def compare(shape: tuple[int, int, int], repeats: int) -> None:
    a, b = pair_of(shape)
    ours(a[:12], b[:12])  # compiled, or read from the cache
    base_s, base = best_of(max(repeats, 3), lambda: ours(a, b))
    print(f"3-D SSIM, shape {shape}, {torch.get_num_threads()} threads")
    print(f"  {'ours':14s} {base_s:8.3f} s   ratio {1:6.1f}   value {base:.9f}")
    for name, peer in (("scikit-image", scikit_image), ("MONAI", monai)):
        seconds, value = best_of(repeats, lambda peer=peer: peer(a, b))
        ratio, off = seconds / base_s, abs(value - base)
        print(f"  {name:14s} {seconds:8.3f} s   ratio {ratio:6.1f}   differs by {off:.1e}")
    seconds, _ = best_of(repeats, lambda: psnr(a, b, data_range=L).value or 0.0)
    print(f"  {'PSNR, ours':14s} {seconds:8.3f} s")


def whole_pair(repeats: int) -> None:
    shape = (300, 200, 200)
    a, b = pair_of(shape)
    grid = Grid(shape, (3.0, 4.0, 4.0))
    lesions, organs = {}, {}
    for k in range(10):
        mask = np.zeros(shape, dtype=bool)
        mask[30 * k : 30 * k + 24, 80:120, 80:120] = True
        organs[f"organ_{k}"] = mask
        if k < 5:
            lesions[k + 1] = np.zeros(shape, dtype=bool)
            lesions[k + 1][30 * k + 10 : 30 * k + 16, 90:96, 90:96] = True
    arguments = {
        "reference": Volume(a, grid, "SUVbw"),
        "synthetic": Volume(b, grid, "SUVbw"),
        "ct": None,
        "lesions": lesions,
        "backgrounds": organs,
        "data_range": L,
    }
    seconds, rows = best_of(repeats, lambda: float(len(measure_pair(**arguments))))
    print(f"measure_pair, {shape}, 5 lesions, 10 organs: {seconds:.2f} s, {rows:.0f} rows")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", type=int, nargs=3, default=(200, 200, 200))
    parser.add_argument("--repeats", type=int, default=2)
    asked = parser.parse_args()
    compare(tuple(asked.shape), asked.repeats)
    whole_pair(asked.repeats)


if __name__ == "__main__":
    main()
