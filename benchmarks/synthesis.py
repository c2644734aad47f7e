"""How long syntheses take, beside what the machine could do: `python -m benchmarks.synthesis`.

Medians after a warm-up, turn by turn, as Markdown. Exits 1 when a stated target is missed, so it can
serve as a gate; targets of a GPU are printed as not run where there is none. Weights are random but
for the packaged release: time does not depend on them. How the number of evaluations changes the
image is printed by `python -m synthesis study`.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.synthesis_floors import Machine, demand_of, machine, medians, seconds_of
from synthesis.config import (
    BaselineConfig,
    BridgeConfig,
    Cascade3dConfig,
    CpdmConfig,
    EdmConfig,
    FamilyConfig,
    GaussianConfig,
    Pix2PixConfig,
    Pix2PixDdpmConfig,
    preset,
)
from synthesis.contract import TranslationRequest
from synthesis.data import draw_participant, make_phantom, scanner_of, write_dicom
from synthesis.data.model_grid import AIR_HU
from synthesis.families import Family, build_family, load_family
from synthesis.inference import Sampling, sample_on_grid, sample_twin
from synthesis.inference.haste import lay_out
from synthesis.jobs import translate_series
from synthesis.registry import packaged_releases

TARGETS_S = {"phantom": 1.2, "translation of 64 slices": 1.5}
DEMO = (96, 128, 128)
DEMO_TARGET_S = 60.0
TWIN = (1.72, 71.0, 1.0, 64.0)
STILL = BridgeConfig(
    evaluations=4, deterministic=True, eta=0.0, start_noise=True, spacing="trailing"
)
CPU_SIZE: dict[str, FamilyConfig] = {
    "baseline": BaselineConfig(),
    "pix2pix": Pix2PixConfig(),
    "pix2pix_ddpm": Pix2PixDdpmConfig(process=GaussianConfig(evaluations=4, spacing="trailing")),
    "cpdm": CpdmConfig(bridge=STILL),
    "cascade3d": Cascade3dConfig(
        low_edm=EdmConfig(evaluations=9), high_edm=EdmConfig(evaluations=9)
    ),
}
FULL = {"pix2pix_ddpm": 1001, "cpdm": 200, "cascade3d": 199}  # evaluations as published


@dataclass(frozen=True, slots=True)
class GpuTarget:
    """One run of a family at its `h200` preset, and how long it may take."""

    name: str
    family: str
    shape: tuple[int, int, int]
    seconds: float
    samples: int = 1


GPU_TARGETS = (
    GpuTarget("pix2pix, 200 x 256 x 256", "pix2pix", (200, 256, 256), 0.3),
    GpuTarget("cpdm, 200 x 256 x 256, 4 evaluations", "cpdm", (200, 256, 256), 1.0),
    GpuTarget("cpdm, the same, 8 samples", "cpdm", (200, 256, 256), 5.0, samples=8),
    GpuTarget("cascade3d, 384 x 224 x 224", "cascade3d", (384, 224, 224), 15.0),
)


def chest(shape: tuple[int, ...]) -> np.ndarray:
    """Return HU of a phantom, cut and padded with air to a shape."""
    hu = make_phantom(draw_participant(3), scanner_of("SPH")).ct.array[:, ::2, ::2]
    pads = [(max(0, n - have) // 2, -(-max(0, n - have) // 2)) for n, have in zip(shape, hu.shape, strict=True)]  # fmt: skip
    padded = np.pad(hu, pads, constant_values=AIR_HU)
    starts = [(have - n) // 2 for n, have in zip(shape, padded.shape, strict=True)]
    box = tuple(slice(start, start + n) for start, n in zip(starts, shape, strict=True))
    return np.ascontiguousarray(padded[box], dtype=np.float32)


def runner(family: Family, hu: np.ndarray, sampling: Sampling) -> Callable[[], object]:
    """Return a call that samples once: a PET of the CT, or a twin."""
    if family.config.family == "cascade3d":
        return lambda: sample_twin(family, TWIN, sampling=sampling)
    return lambda: sample_on_grid(family, hu, kvp=120.0, sampling=sampling)


def family_rows(
    shape: tuple[int, int, int], repeats: int, at: Machine
) -> Iterator[tuple[str, ...]]:
    """Yield a row for each family at CPU size: measured, floors, and the plain implementation."""
    device, hu = torch.device("cpu"), chest(shape)
    for name, config in CPU_SIZE.items():
        plain, fast = build_family(config), build_family(config)
        lay_out(fast.networks, config.domain.dimensions)
        run = runner(fast, hu, Sampling())
        found = medians(
            {
                "fast": run,
                "plain": runner(plain, hu, Sampling(budget_mib=0, precision="float32", compiled="never")),
            },
            repeats, device,
        )  # fmt: skip
        floors = demand_of(fast, run).floors_s(at)
        evaluations = fast.spec().evaluations
        more = FULL.get(name, 1) / evaluations
        size = config.volume if isinstance(config, Cascade3dConfig) else shape
        yield (
            name, " x ".join(map(str, size)), f"{evaluations}", f"{found['fast']:.2f}",
            f"{floors[0]:.2f}", f"{floors[1]:.2f}", f"{found['fast'] / max(floors):.1f}",
            f"{found['plain'] / found['fast']:.2f}", f"{more * found['plain'] / found['fast']:.0f}",
        )  # fmt: skip


def gpu_rows(repeats: int) -> Iterator[tuple[str, ...]]:
    """Yield a row for each target of a GPU."""
    if not torch.cuda.is_available():
        for target in GPU_TARGETS:
            yield target.name, f"{target.seconds}", *("not run: no GPU",) * 2, *("",) * 5
        return
    device = torch.device("cuda")
    at = machine(device, repeats)
    for target in GPU_TARGETS:
        yield _gpu_row(target, at, device, repeats)
        torch.cuda.empty_cache()


def _gpu_row(target: GpuTarget, at: Machine, device: torch.device, repeats: int) -> tuple[str, ...]:
    config = preset(target.family, "h200")
    if isinstance(config, CpdmConfig):
        config = replace(config, bridge=STILL)
    family, hu = build_family(config, device=device), chest(target.shape)
    eager = runner(family, hu, Sampling(samples=target.samples, compiled="never"))
    floors = demand_of(family, eager).floors_s(at)  # counted before anything is fused
    uncompiled = seconds_of(eager, device)
    torch.cuda.reset_peak_memory_stats(device)
    if config.domain.dimensions == 3:  # is not compiled, and has been warmed up
        found = statistics.median(
            (uncompiled, seconds_of(eager, device), seconds_of(eager, device))
        )
    else:
        run = runner(family, hu, Sampling(samples=target.samples))
        found = medians({"fast": run}, repeats, device)["fast"]
    peak = torch.cuda.max_memory_allocated(device) / 2**30
    plain = _plain_on_gpu(family, target)
    return (
        target.name, f"{target.seconds}", f"{found:.3f}", f"{uncompiled:.3f}", f"{floors[0]:.3f}",
        f"{floors[1]:.3f}", f"{plain / found:.0f}", f"{peak:.1f}",
        "yes" if found <= target.seconds else "MISSED",
    )  # fmt: skip


def _plain_on_gpu(family: Family, target: GpuTarget) -> float:
    """Return seconds in float32, one element at a time, with the published number of evaluations.

    Measured on few slices and at one evaluation, and multiplied: it would take hours.
    """
    device = torch.device("cuda")
    again = build_family(family.config, device=device)
    few = target.shape if target.family == "cascade3d" else (4, *target.shape[1:])
    wanted = Sampling(budget_mib=0, precision="float32", compiled="never", evaluations=1)
    run = runner(again, chest(few), wanted)
    run()
    seconds = seconds_of(run, device)
    return seconds * FULL.get(target.family, 1) * target.shape[0] / few[0] * target.samples


def portal_seconds(repeats: int) -> dict[str, float]:
    """Return the times of a phantom and of a job from DICOM to DICOM."""
    participant, scanner = draw_participant(3), scanner_of("SPH")
    release = packaged_releases()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pair = make_phantom(participant, scanner)
        write_dicom(pair, folder / "p")
        files = tuple(str(path) for path in sorted((folder / "p" / "CT").iterdir()))
        count = iter(range(1000))

        def translate() -> None:
            number = next(count)
            request = TranslationRequest(
                f"bench-{number}", str(release.folder), release.digest, files,
                str(folder / f"o{number}"),
            )  # fmt: skip
            result = translate_series.run(request)
            assert result.status == "succeeded", result.reason

        works: dict[str, Callable[[], object]] = {
            "phantom": lambda: make_phantom(participant, scanner),
            "phantom as DICOM": lambda: write_dicom(pair, folder / f"d{next(count)}"),
            "translation of 64 slices": translate,
        }
        return medians(works, repeats, torch.device("cpu"))


def one_alone(what: str, threads: int) -> dict[str, float]:
    """Return seconds and peak memory of a process of its own."""
    command = [sys.executable, "-m", "benchmarks.synthesis", "--alone", what, "--threads", str(threads)]  # fmt: skip
    ended = subprocess.run(command, check=True, capture_output=True, text=True)  # ourselves
    found: dict[str, float] = json.loads(ended.stdout)
    return found


def alone(what: str) -> dict[str, float]:
    """Translate 96 slices of 128 x 128 with the packaged release, or sample a family; measure it."""
    loaded = _peak_mib()
    start, began = time.perf_counter(), time.process_time()
    shipped = what == "demo"
    family = load_family(packaged_releases()[0]) if shipped else build_family(CPU_SIZE[what])
    lay_out(family.networks, family.config.domain.dimensions)
    runner(family, chest(DEMO), Sampling())()
    return {
        "seconds": time.perf_counter() - start, "cpu_s": time.process_time() - began, "peak_mib": _peak_mib(), "loaded_mib": loaded,
    }  # fmt: skip


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def table(titles: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> None:
    """Print rows as Markdown as they come."""
    print("\n| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def main() -> int:
    """Print everything; return 1 when a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--shape", type=int, nargs=3, default=(16, 96, 96), help="of the families")
    parser.add_argument("--gpu", action="store_true", help="the targets of a GPU alone")
    parser.add_argument("--alone", choices=("demo", *CPU_SIZE), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.alone:
        print(json.dumps(alone(options.alone)))
        return 0
    missed = False if options.gpu else _processor_tables(options)
    if torch.cuda.is_available():
        print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    rows = []
    for row in gpu_rows(options.repeats):
        rows.append(row)
        print(*row, sep="; ", file=sys.stderr, flush=True)
    table(
        ("GPU, preset h200", "target s", "s", "not compiled, s", "floor: operations",
         "floor: bytes", "plain, as published: times", "peak GiB", "met"),
        iter(rows),
    )  # fmt: skip
    return 1 if missed or any("MISSED" in row for row in rows) else 0


def _processor_tables(options: argparse.Namespace) -> bool:
    """Print what a processor takes; return whether a target was missed."""
    at = machine(torch.device("cpu"), options.repeats)
    print(
        f"{platform.machine()}, {options.threads} thread(s), torch {torch.__version__}; "
        f"{at.operations_s / 1e9:.0f} GFLOP/s (float32 product), {at.bytes_s / 1e9:.1f} GB/s (copy)"
    )
    missed = _portal_table(options.repeats) + _alone_table(options.threads)
    table(
        ("family, CPU size", "voxels", "evaluations", "s", "floor: operations", "floor: bytes",
         "times the higher floor", "plain, as many evaluations: times", "plain, as published: times"),
        family_rows(tuple(options.shape), options.repeats, at),
    )  # fmt: skip
    return missed


def _portal_table(repeats: int) -> bool:
    found = portal_seconds(repeats)
    table(
        ("DICOM to DICOM, packaged release", "s", "target s"),
        ((n, f"{s:.2f}", f"{TARGETS_S.get(n, '')}") for n, s in found.items()),
    )
    return any(seconds > TARGETS_S.get(name, seconds) for name, seconds in found.items())


def _alone_table(threads: int) -> bool:
    """Print 96 slices of 128 x 128 in processes of their own: packaged release, and the families."""
    found = {
        "packaged release": one_alone("demo", threads),
        "cpdm, CPU size, 4 evaluations": one_alone("cpdm", threads),
    }
    table(
        ("96 x 128 x 128 in a process of its own", "s", "of the processor, s", "target s", "peak MiB", "before it, MiB"),
        (
            (n, f"{f['seconds']:.1f}", f"{f['cpu_s']:.1f}", f"{DEMO_TARGET_S:.0f}", f"{f['peak_mib']:.0f}", f"{f['loaded_mib']:.0f}")
            for n, f in found.items()
        ),
    )  # fmt: skip
    return found["packaged release"]["seconds"] > DEMO_TARGET_S


if __name__ == "__main__":
    sys.exit(main())
