"""What cannot become an image is refused with a sentence, or said; nothing hangs, nothing is half."""

import errno
import hashlib
import os
import tomllib
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import tomli_w
import torch
from torch import nn

from evaluation.imaging import Volume
from synthesis.contract import RefusedError, TranslationRequest, TranslationResult
from synthesis.data import write_dicom
from synthesis.data.ct_look import CtLook, CtsSeen, look_of
from synthesis.data.model_grid import body_mask
from synthesis.families import build_family, save_parts
from synthesis.inference import translator_of
from synthesis.inference.fitness import require_fit
from synthesis.inference.memory import ran_out, with_less
from synthesis.jobs import translate_series
from synthesis.registry import DESCRIPTION, WEIGHTS, Release, load_release, write_description
from tests.synthesis.makers import TINY, request_for, small_pair, untrained_release

NO_MEMORY = "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate"


def prepared(tmp_path: Path, **training: Any) -> TranslationRequest:
    write_dicom(small_pair(), tmp_path / "phantom", with_pet=False)
    release = untrained_release(tmp_path / "release", **training)
    return request_for(tmp_path / "phantom" / "CT", release, tmp_path / "out")


def edited(request: TranslationRequest, **changes: Any) -> TranslationRequest:
    for name in request.ct_files:
        dataset = pydicom.dcmread(name)
        for keyword, value in changes.items():
            setattr(dataset, keyword, value)
        dataset.save_as(name)
    return request


def refused(request: TranslationRequest, reason_id: str) -> TranslationResult:
    result = translate_series.run(request)
    assert (result.status, result.reason_id) == ("refused", reason_id), result.reason
    assert not list(Path(request.out_dir).parent.glob("*out*"))
    assert not list(Path(request.out_dir).parent.glob(".out*"))
    return result


# Files and headers


@pytest.mark.parametrize("stated", ["US", "Z_EFF", "HU_MOD"])
def test_values_that_are_stated_as_something_else_than_hu_are_refused(
    tmp_path: Path, stated: str
) -> None:
    result = refused(edited(prepared(tmp_path), RescaleType=stated), "ct_rescale")

    assert stated in result.reason


def test_a_ct_that_does_not_name_its_unit_is_taken_as_hounsfield(tmp_path: Path) -> None:
    request = edited(prepared(tmp_path), RescaleType="")

    assert translate_series.run(request).status == "succeeded"


def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    request = prepared(tmp_path)
    pipe = tmp_path / "pipe.dcm"
    os.mkfifo(pipe)

    refused(replace(request, ct_files=(*request.ct_files, str(pipe))), "not_a_file")


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    request = prepared(tmp_path)
    Path(request.ct_files[3]).unlink()

    result = translate_series.run(request)

    assert result.status == "refused"
    assert result.reason_id.startswith("ct_")


@pytest.mark.parametrize("keep", [0, 0.5])
def test_a_file_that_was_cut_is_refused(tmp_path: Path, keep: float) -> None:
    request = prepared(tmp_path)
    path = Path(request.ct_files[3])
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])

    result = translate_series.run(request)

    assert result.status == "refused"
    assert not Path(request.out_dir).exists()


@pytest.mark.parametrize("slope", ["nan", "inf"])
def test_a_slope_that_is_no_number_is_refused(tmp_path: Path, slope: str) -> None:
    request = prepared(tmp_path)
    with pydicom.config.disable_value_validation():
        edited(replace(request, ct_files=request.ct_files[3:4]), RescaleSlope=slope)

    result = translate_series.run(request)

    assert result.status == "refused", result.reason
    assert not Path(request.out_dir).exists()


# Whether the CT is like those the release learned from


@lru_cache(maxsize=1)
def look() -> CtLook:
    return look_of(small_pair().ct)


def seen(**changes: Any) -> dict[str, Any]:
    return {**CtsSeen.over([look()]).to_table(), **changes}


def release_that_saw(tmp_path: Path, **changes: Any) -> Release:
    return untrained_release(tmp_path / "release", seen=seen(**changes))


def test_a_phantoms_look_is_that_of_a_chest_within_the_field_of_view() -> None:
    assert 1500 < look().lung_ml < 7000
    assert look().edge_share == 0
    assert look().length_mm == pytest.approx(26 * 9.8)


def test_a_ct_like_those_learned_from_needs_no_word(tmp_path: Path) -> None:
    assert require_fit(small_pair().ct, release_that_saw(tmp_path)) == ()


def test_the_range_of_what_was_seen_survives_the_way_through_a_table() -> None:
    other = replace(look(), spacing_zyx_mm=(2.0, 9.0, 9.0), lung_ml=900.0, edge_share=0.3)

    both = CtsSeen.over([look(), other])

    assert both.coarsest_zyx_mm == (9.8, 9.0, 9.0)
    assert (both.least_lung_ml, both.largest_edge_share) == (900.0, 0.3)
    assert CtsSeen.of_table(both.to_table()) == both


@pytest.mark.parametrize(("seen_mm", "fits"), [(9.8, True), (9.0, True), (8.8, False)])
def test_voxels_coarser_than_any_seen_are_refused(
    tmp_path: Path, seen_mm: float, *, fits: bool
) -> None:
    release = release_that_saw(tmp_path, coarsest_zyx_mm=[seen_mm, 4.2, 4.2])

    if fits:
        assert require_fit(small_pair().ct, release) == ()
        return
    with pytest.raises(RefusedError, match=r"9\.80 x 4\.17 x 4\.17 mm .* at most 8\.80"):
        require_fit(small_pair().ct, release)


def changed(change: Callable[[np.ndarray], np.ndarray]) -> Volume:
    ct = small_pair().ct
    return Volume(change(ct.array.copy()), ct.grid, "HU")


def without_lungs(hu: np.ndarray) -> np.ndarray:
    hu[body_mask(hu) & (hu < -300)] = 40
    return hu


def test_a_ct_without_lungs_is_refused_by_a_release_of_chests(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="another body part"):
        require_fit(changed(without_lungs), release_that_saw(tmp_path))


def test_a_ct_without_lungs_is_taken_by_a_release_that_learned_from_limbs(tmp_path: Path) -> None:
    limbs = release_that_saw(tmp_path, least_lung_ml=0.0)

    assert require_fit(changed(without_lungs), limbs) == ()


def cropped(columns: int) -> Volume:
    ct = small_pair().ct
    box = (slice(None), slice(None), slice(columns, ct.grid.shape[2] - columns))
    return Volume(ct.array[box], ct.grid.crop(box), "HU")


def test_a_field_of_view_that_cuts_through_the_body_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="cuts through the body"):
        require_fit(cropped(30), release_that_saw(tmp_path))


def test_a_body_that_touches_the_edge_is_said(tmp_path: Path) -> None:
    (note,) = require_fit(cropped(10), release_that_saw(tmp_path))

    assert "what lies beyond it was not seen" in note


def test_a_short_ct_is_said(tmp_path: Path) -> None:
    (note,) = require_fit(small_pair().ct, release_that_saw(tmp_path, shortest_mm=400.0))

    assert "covers 255 mm from foot to head" in note


def test_what_is_not_stated_is_said_in_the_result(tmp_path: Path) -> None:
    result = translate_series.run(prepared(tmp_path))

    assert result.status == "succeeded"
    assert "does not state which CTs it learned from" in result.notes[0]
    assert TranslationResult.from_json(result.to_json()) == result


def test_another_body_part_reaches_the_result_as_a_sentence(tmp_path: Path) -> None:
    request = prepared(tmp_path, seen=seen(least_lung_ml=1e6))

    assert "1000000 ml or more" in refused(request, "body_part").reason


# Devices, memory, weights, disks


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_gpu_that_is_demanded_and_not_there_is_refused(tmp_path: Path) -> None:
    result = refused(replace(prepared(tmp_path), device="cuda"), "no_cuda")

    assert result.reason == "This worker has no CUDA device."


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError(), True),
        (RuntimeError(NO_MEMORY), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("size mismatch"), False),
        (ValueError("can't allocate memory"), False),
    ],
)
def test_what_says_that_memory_is_at_an_end(error: Exception, *, is_memory: bool) -> None:
    assert ran_out(error) is is_memory


def test_an_error_that_is_not_about_memory_is_not_tried_again() -> None:
    tried: list[int] = []

    def run(size: int) -> None:
        tried.append(size)
        raise RuntimeError("size mismatch")

    with pytest.raises(RuntimeError, match="size mismatch"):
        with_less(run, 8, [])
    assert tried == [8]


def hungry(monkeypatch: pytest.MonkeyPatch, most: int, error: Exception) -> None:
    whole = nn.Module.__call__

    def call(self: nn.Module, *inputs: Any, **named: Any) -> Any:
        if inputs and isinstance(inputs[0], torch.Tensor) and len(inputs[0]) > most:
            raise error
        return whole(self, *inputs, **named)

    monkeypatch.setattr(nn.Module, "__call__", call)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError(NO_MEMORY)])
def test_where_memory_runs_out_the_job_goes_on_in_smaller_batches_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    request = prepared(tmp_path)
    hungry(monkeypatch, 1, error)

    result = translate_series.run(request)

    assert result.status == "succeeded", result.reason
    assert "Memory ran out with 8 at a time; the work went on with 4." in result.notes


def test_memory_for_not_even_one_slice_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = prepared(tmp_path)
    hungry(monkeypatch, 0, MemoryError())

    refused(request, "memory")


def test_a_device_that_cannot_hold_the_weights_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = untrained_release(tmp_path / "release")

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(nn.Module, "to", full)

    with pytest.raises(RefusedError, match="memory does not suffice"):
        translator_of(release, torch.device("cpu"))


def test_a_release_that_gives_no_numbers_writes_nothing(tmp_path: Path) -> None:
    request = prepared(tmp_path)
    folder = Path(request.release_dir)
    family = build_family(TINY, seed=1)
    with torch.no_grad():
        next(family.networks["generator"].parameters()).fill_(float("nan"))
    save_parts(family, folder / WEIGHTS)
    described_again(folder)
    request = replace(request, release_sha256=load_release(folder).digest)

    result = refused(request, "no_numbers")

    assert "not numbers" in result.reason


def described_again(folder: Path) -> None:
    old = load_toml(folder / DESCRIPTION)
    del old["files"]
    write_description(folder, old)


def load_toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_a_release_of_another_version_is_refused(tmp_path: Path) -> None:
    request = prepared(tmp_path)
    path = Path(request.release_dir) / DESCRIPTION
    path.write_text(tomli_w.dumps({**load_toml(path), "schema": 3}), encoding="utf-8")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()

    result = refused(replace(request, release_sha256=digest), "release")

    assert "schema 3. This version reads schema 2." in result.reason


def test_a_disk_that_fills_up_leaves_no_half_series(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = prepared(tmp_path)
    whole = pydicom.Dataset.save_as
    written: list[object] = []

    def save_as(self: pydicom.Dataset, path: Any, **named: Any) -> None:
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        whole(self, path, **named)

    monkeypatch.setattr(pydicom.Dataset, "save_as", save_as)

    result = translate_series.run(request)

    assert result.status == "errored"
    assert len(written) == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["phantom", "release"]
