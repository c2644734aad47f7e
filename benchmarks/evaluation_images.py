"""Image metrics of ours and of peers on the same pair in one run: medians, ratios, differences, memory.

python -m benchmarks.evaluation_images [--shape Z Y X] [--repeats N] [--slices N]

torchmetrics and piq are no dependencies of the project; where they are missing a sentence says so.
"""

import argparse
import importlib
import importlib.util
import multiprocessing
import statistics
import sys
import tempfile
import time
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.metrics import SSIMMetric
from scipy import ndimage
from skimage.metrics import structural_similarity

from evaluation.analysis.measure import measure_pair
from evaluation.fidelity import fsim, ms_ssim, psnr, ssim, ssim_components
from evaluation.imaging import Grid, Volume

L = 20.0
Metric = Callable[[np.ndarray, np.ndarray], float]


def pair_of(shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.normal(size=shape).astype(np.float32), 2) * 40 + 4
    reference = smooth.clip(0, L).astype(np.float32)
    noise = rng.normal(size=shape).astype(np.float32) * 0.5
    return reference, (reference + noise).clip(0, L).astype(np.float32)


def value_of(metric: Callable[..., Any]) -> Metric:
    def measured(a: np.ndarray, b: np.ndarray) -> float:
        value = metric(a, b, data_range=L).value
        assert value is not None
        return float(value)

    return measured


def scikit_image(a: np.ndarray, b: np.ndarray) -> float:
    return float(
        structural_similarity(
            a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=L
        )
    )


def monai(a: np.ndarray, b: np.ndarray) -> float:
    with torch.inference_mode():
        return float(SSIMMetric(spatial_dims=3, data_range=L)(*_batches(a, b)))


def torchmetrics_ssim() -> Metric | None:
    if importlib.util.find_spec("torchmetrics") is None:
        print("  torchmetrics is not installed: left out")
        return None
    functional = importlib.import_module("torchmetrics.functional.image")

    def measured(a: np.ndarray, b: np.ndarray) -> float:
        with torch.inference_mode():
            metric = functional.structural_similarity_index_measure
            return float(metric(*_batches(a, b), data_range=L, sigma=1.5))

    return measured


def piq_fsim() -> Metric | None:
    """The mean over slices, one call a slice; the package's own start needs torchvision, its FSIM does not."""
    found = importlib.util.find_spec("piq")
    if found is None or found.submodule_search_locations is None:
        print("  piq is not installed: left out")
        return None
    bare = types.ModuleType("piq")
    bare.__spec__, bare.__path__ = found, list(found.submodule_search_locations)
    sys.modules["piq"] = bare
    metric = importlib.import_module("piq.fsim").fsim

    def measured(a: np.ndarray, b: np.ndarray) -> float:
        with torch.inference_mode():
            slices = [_batches(p, q) for p, q in zip(a, b, strict=True)]
            return statistics.fmean(
                float(metric(p, q, data_range=L, chromatic=False)) for p, q in slices
            )

    return measured


def _batches(a: np.ndarray, b: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(a)[None, None], torch.from_numpy(b)[None, None]


def medians(metrics: Mapping[str, Metric], a: np.ndarray, b: np.ndarray, repeats: int) -> None:
    """Turn by turn, so that whatever else the machine does falls on all of them; ours, the first, more often."""
    first, *_ = metrics
    seconds: dict[str, list[float]] = {name: [] for name in metrics}
    values = {}
    for _ in range(repeats):
        for name, metric in metrics.items():
            for _ in range(5 if name == first else 1):
                start = time.perf_counter()
                values[name] = metric(a, b)
                seconds[name].append(time.perf_counter() - start)
    base = statistics.median(seconds[first])
    for name, times in seconds.items():
        middle, off = statistics.median(times), abs(values[name] - values[first])
        print(
            f"  {name:16s} median {middle:8.4f} s  least {min(times):8.4f} s  "
            f"ratio {middle / base:6.1f}  value {values[name]:.9f}  differs by {off:.1e}"
        )


def compare_ssim(shape: tuple[int, int, int], repeats: int) -> None:
    a, b = pair_of(shape)
    print(f"3-D SSIM, {shape}, float32, {torch.get_num_threads()} threads")
    metrics: dict[str, Metric] = {
        "ours": value_of(ssim),
        "scikit-image": scikit_image,
        "MONAI": monai,
    }
    peer = torchmetrics_ssim()
    if peer is not None:
        metrics["torchmetrics"] = peer
    metrics["ours"](a[:12], b[:12])  # compiled, or read from the cache
    medians(metrics, a, b, repeats)
    others = {"PSNR, ours": value_of(psnr), "MS-SSIM, ours": value_of(ms_ssim)}
    others["components"] = lambda p, q: float(
        ssim_components(p, q, data_range=L)["ssim"].value or 0
    )
    for name, metric in others.items():
        metric(a[:12], b[:12]) if name != "MS-SSIM, ours" else metric(a, b)
        start = time.perf_counter()
        metric(a, b)
        print(f"  {name:16s} {time.perf_counter() - start:8.4f} s")


def compare_fsim(sides: tuple[int, int], slices: int, repeats: int) -> None:
    a, b = pair_of((slices, *sides))
    print(f"FSIM, {slices} slices of {sides}")
    metrics: dict[str, Metric] = {"ours": value_of(fsim)}
    peer = piq_fsim()
    if peer is not None:
        metrics["piq"] = peer
    metrics["ours"](a[:1], b[:1])
    medians(metrics, a, b, repeats)


def compare_memory(shape: tuple[int, int, int]) -> None:
    """Peak resident memory of one call in a process of its own, in volumes, the two images included."""
    print(f"peak memory, {shape}, in volumes of {np.prod(shape) * 4 / 2**20:.0f} MiB")
    with tempfile.TemporaryDirectory() as folder:
        for name, image in zip("ab", pair_of(shape), strict=True):
            np.save(Path(folder) / f"{name}.npy", image)
        for name in ("ours", "scikit-image", "MONAI"):
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(f"  {name:16s} {pool.apply(_peak_volumes, (folder, name)):6.2f}")


def _peak_volumes(folder: str, name: str) -> float:
    metric = {"ours": value_of(ssim), "scikit-image": scikit_image, "MONAI": monai}[name]
    small = np.zeros((12, 12, 12), dtype=np.float32)
    metric(small, small)
    before = _resident_kib("VmRSS")
    # Imports and compilation have had their own peak: from here on it is counted anew.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    a, b = (np.load(Path(folder) / f"{name}.npy") for name in "ab")
    metric(a, b)
    return (_resident_kib("VmHWM") - before) * 1024 / a.nbytes


def _resident_kib(name: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith(name)).split()[1])


def whole_pair(repeats: int) -> None:
    shape = (300, 200, 200)
    a, b = pair_of(shape)
    grid = Grid(shape, (3.0, 4.0, 4.0))
    _, y, x = np.indices(shape, sparse=True)
    hu = np.where(((y - 100) / 60) ** 2 + ((x - 100) / 85) ** 2 < 1, 30.0, -1000.0)
    ct = Volume(np.broadcast_to(hu, shape).astype(np.float32), grid, "HU")
    lesions, organs = {}, {}
    for k in range(10):
        mask = np.zeros(shape, dtype=bool)
        mask[30 * k : 30 * k + 24, 80:120, 80:120] = True
        organs[f"organ_{k}"] = mask
        if k < 5:
            lesions[k + 1] = np.zeros(shape, dtype=bool)
            lesions[k + 1][30 * k + 10 : 30 * k + 16, 90:96, 90:96] = True

    def measured() -> int:
        rows = measure_pair(
            reference=Volume(a, grid, "SUVbw"),
            synthetic=Volume(b, grid, "SUVbw"),
            ct=ct,
            lesions=lesions,
            backgrounds=organs,
            data_range=L,
            sensitivity_data_range=10.0,
            uptake_edges=(0, 1, 2.5, 5, 10, float("inf")),
        )
        return len(rows)

    seconds = []
    for _ in range(repeats + 1):
        start, cpu = time.perf_counter(), time.process_time()
        rows = measured()
        seconds.append((time.perf_counter() - start, time.process_time() - cpu))
    wall, busy = (statistics.median(column) for column in zip(*seconds[1:], strict=True))
    print(f"measure_pair, {shape}, 5 lesions, 10 organs, body from CT, {rows} rows, without FSIM")
    print(f"  median {wall:.2f} s, processor time {busy:.2f} s over the threads")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", type=int, nargs=3, default=(200, 200, 200))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--slices", type=int, default=8)
    asked = parser.parse_args(arguments)
    compare_ssim(tuple(asked.shape), asked.repeats)
    compare_fsim((200, 200), asked.slices, asked.repeats)
    compare_fsim((400, 400), asked.slices, asked.repeats)
    compare_memory(tuple(asked.shape))
    whole_pair(asked.repeats)


if __name__ == "__main__":
    main()
