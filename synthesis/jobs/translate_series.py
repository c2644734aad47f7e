"""One request in, one synthetic PET series out: complete, or not there at all."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import torch

from synthesis.contract import (
    Cancelled,
    CancelledError,
    Progress,
    Refused,
    RefusedError,
    TranslationRequest,
    TranslationResult,
    WrittenFile,
)
from synthesis.dicom_out import NoDateError, Provenance, series_uid, write_synthetic_pet
from synthesis.inference import Translate, accept_ct, choose_device, translator_of
from synthesis.registry import Release, ReleaseRefusedError, load_release

log = logging.getLogger(__name__)
OUT_OF_MEMORY = "The model ran out of memory, also with its smallest batches."
VERSIONED = ("torch", "monai", "numpy", "pydicom")


def run(
    request: TranslationRequest,
    *,
    progress: Progress = lambda _done, _total, _stage: None,
    cancelled: Cancelled = lambda: False,
) -> TranslationResult:
    """Return what came of the request; never raises for what a request can hold.

    The series is written beside `out_dir` and renamed at the end, so `out_dir` holds a whole
    series or does not exist.
    """
    seconds: dict[str, float] = {}
    try:
        return _translate(request, progress, cancelled, seconds)
    except RefusedError as error:
        return _unsuccessful(request, "refused", error.refused)
    except ReleaseRefusedError as error:
        return _unsuccessful(request, "refused", Refused("release", str(error)))
    except NoDateError as error:
        return _unsuccessful(request, "refused", Refused("no_date", str(error)))
    except CancelledError:
        return _unsuccessful(request, "cancelled", Refused("cancelled", "The job was cancelled."))
    except Exception as error:
        log.exception("synthesis job %s broke", request.job_id)
        return _unsuccessful(request, "errored", _why_it_broke(error))


def _why_it_broke(error: Exception) -> Refused:
    # Torch has a class for a GPU without memory, and on the CPU only a sentence of its allocator.
    no_memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
    if no_memory or "DefaultCPUAllocator" in str(error):
        return Refused("out_of_memory", OUT_OF_MEMORY)
    name = type(error).__name__
    return Refused("errored", f"The synthesis broke ({name}); the worker's log has the details.")


def _unsuccessful(request: TranslationRequest, status: str, refused: Refused) -> TranslationResult:
    return TranslationResult(
        job_id=request.job_id,
        status=status,  # type: ignore[arg-type] # one of the literals above
        reason_id=refused.id,
        reason=refused.sentence,
        release_sha256=request.release_sha256,
        versions=_versions(),
    )


def _translate(
    request: TranslationRequest,
    progress: Progress,
    cancelled: Cancelled,
    seconds: dict[str, float],
) -> TranslationResult:
    out = Path(request.out_dir)
    if out.exists():
        raise RefusedError(Refused("output_exists", "The output folder exists already."))
    device = choose_device(request.device)
    progress(0, 0, "loading")
    with _timed(seconds, "loading"):
        release, translate = _loaded(Path(request.release_dir), request.release_sha256, device.type)
    progress(0, 0, "reading")
    with _timed(seconds, "reading"):
        series, ct = accept_ct(Path(name) for name in request.ct_files)
    with _timed(seconds, "translating"):
        made = translate((ct, series.facts.kvp), request.seed, progress, cancelled)
    provenance = _provenance(request, release)
    progress(0, 0, "writing")
    with _timed(seconds, "writing"), _complete_or_absent(out) as partial:
        write_synthetic_pet(made.suv, partial, series, provenance)
        if cancelled():
            raise CancelledError
    return TranslationResult(
        job_id=request.job_id,
        status="succeeded",
        files=(files := _written(out)),
        series_uid=series_uid(series, provenance),
        series_sha256=_series_digest(files),
        release_sha256=release.digest,
        device=_device_name(device),
        seconds=seconds,
        versions=_versions(),
        notes=made.notes,
    )


def _provenance(request: TranslationRequest, release: Release) -> Provenance:
    return Provenance(
        job_id=request.job_id,
        release_name=release.name,
        release_version=release.version,
        release_digest=release.digest,
        seed=request.seed,
        labels=request.labels,
    )


@lru_cache(maxsize=2)
def _loaded(folder: Path, digest: str, device: str) -> tuple[Release, Translate]:
    """Return the checked release with what it does; kept, so a long-lived worker loads it once."""
    release = load_release(folder, digest)
    return release, translator_of(release, torch.device(device))


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[stage] = round(time.perf_counter() - start, 4)


@contextmanager
def _complete_or_absent(out: Path) -> Iterator[Path]:
    """Give a folder beside `out` to write in; make it durable and rename it when all went well."""
    out.parent.mkdir(parents=True, exist_ok=True)
    for stale in out.parent.glob(f".{out.name}.partial-*"):
        shutil.rmtree(stale)  # left by a worker that was killed
    partial = out.parent / f".{out.name}.partial-{os.getpid()}"
    partial.mkdir()
    try:
        yield partial
        for path in partial.iterdir():
            _sync(path)
        _sync(partial)
        partial.rename(out)
        _sync(out.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _written(out: Path) -> tuple[WrittenFile, ...]:
    files = []
    for path in sorted(out.iterdir()):
        content = path.read_bytes()
        files.append(WrittenFile(str(path), hashlib.sha256(content).hexdigest(), len(content)))
    return tuple(files)


def _series_digest(files: tuple[WrittenFile, ...]) -> str:
    lines = "".join(f"{f.sha256}  {Path(f.path).name}\n" for f in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name() if device.type == "cuda" else "cpu"


def _versions() -> dict[str, str]:
    return {name: version(name) for name in VERSIONED}
