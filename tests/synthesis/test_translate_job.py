"""One request in, one series out: whole, marked, repeatable, or a sentence."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from evaluation.imaging import SeriesRefused, Volume, read_series
from synthesis.contract import TranslationRequest, TranslationResult
from synthesis.data import write_dicom
from synthesis.dicom_out import PRIVATE_CREATOR
from synthesis.inference import accept_ct, choose_device, translator_of
from synthesis.jobs import translate_series
from synthesis.registry import Release, load_release, packaged_releases
from tests.synthesis.makers import full_pair, request_for, small_pair, untrained_release


def prepared(tmp_path: Path, job_id: str = "job-1") -> TranslationRequest:
    write_dicom(small_pair(), tmp_path / "phantom", with_pet=False)
    release = untrained_release(tmp_path / "release")
    return request_for(tmp_path / "phantom" / "CT", release, tmp_path / "out", job_id=job_id)


def succeeded(request: TranslationRequest) -> TranslationResult:
    result = translate_series.run(request)
    assert result.status == "succeeded", result.reason
    return result


def translated(release: Release, ct: Volume) -> Volume:
    translate = translator_of(release, choose_device("cpu"))
    return translate((ct, None), 0, lambda *_: None, lambda: False).suv


def test_the_series_is_readable_pet_in_suv_in_the_frame_of_the_ct(tmp_path: Path) -> None:
    request = prepared(tmp_path)

    result = succeeded(request)

    series = read_series([f.path for f in result.files], allow_synthetic=True)
    ct = pydicom.dcmread(request.ct_files[0])
    assert series.modality == "PT"
    assert series.header.FrameOfReferenceUID == ct.FrameOfReferenceUID
    assert series.header.StudyInstanceUID == ct.StudyInstanceUID
    assert series.header.SeriesNumber == 9001
    assert series.header.SeriesInstanceUID == result.series_uid
    assert series.suv_volume().unit == "SUVbw"
    depth = series.grid.shape[0] * series.grid.spacing_mm[0]
    assert depth == pytest.approx(26 * 9.8, abs=4)


def test_pixels_come_back_within_half_a_slope(tmp_path: Path) -> None:
    request = prepared(tmp_path)
    result = succeeded(request)
    release = load_release(Path(request.release_dir))
    _, ct = accept_ct([Path(p) for p in request.ct_files])

    wanted = translated(release, ct)

    series = read_series([f.path for f in result.files], allow_synthetic=True)
    slopes = np.array([float(h.RescaleSlope) for h in series.slice_headers])[:, None, None]
    error = np.abs(series.suv_volume().array - wanted.array)
    assert np.all(error <= 0.5 * slopes + 1e-5)
    assert len(set(slopes.ravel())) > 10
    assert series.grid.same_as(wanted.grid)


def test_every_file_carries_all_five_marks(tmp_path: Path) -> None:
    result = succeeded(prepared(tmp_path))

    for file in result.files:
        header = pydicom.dcmread(file.path, stop_before_pixels=True)
        block = header.private_block(0x0011, PRIVATE_CREATOR)
        assert header.SyntheticData == "YES"
        assert header.SeriesDescription.startswith("SYNTHETIC PET")
        assert "SYNTHETIC" in header.ImageComments
        assert "SYNTHETIC" in header.DerivationDescription
        assert block[0x01].value == "job-1"
        assert json.loads(block[0x05].value) == {"pair": "7"}
        assert result.release_sha256 in header.DerivationDescription


def test_the_synthetic_series_is_refused_where_acquired_pet_is_expected(tmp_path: Path) -> None:
    result = succeeded(prepared(tmp_path))

    with pytest.raises(SeriesRefused, match="synthetic"):
        read_series([f.path for f in result.files])


def test_it_claims_no_injection_and_no_patient_position(tmp_path: Path) -> None:
    header = pydicom.dcmread(succeeded(prepared(tmp_path)).files[0].path)

    assert len(header.RadiopharmaceuticalInformationSequence) == 0
    assert header.DecayCorrection == "NONE"
    assert "PatientPosition" not in header
    assert "Laterality" not in header
    assert len(str(header.RescaleSlope)) <= 16
    sources = {e.ReferencedSOPInstanceUID for e in header.SourceImageSequence}
    everything = {
        e.ReferencedSOPInstanceUID
        for e in header.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    }
    assert sources
    assert sources <= everything
    assert len(everything) == 26


def test_the_same_request_gives_the_same_bytes(tmp_path: Path) -> None:
    request = prepared(tmp_path)
    first = succeeded(request)

    second = succeeded(replace(request, out_dir=str(tmp_path / "again")))

    assert second.series_sha256 == first.series_sha256
    assert second.series_uid == first.series_uid


def test_another_job_makes_another_series(tmp_path: Path) -> None:
    request = prepared(tmp_path)
    first = succeeded(request)

    other = succeeded(replace(request, job_id="job-2", out_dir=str(tmp_path / "b")))

    assert other.series_uid != first.series_uid
    uids = [
        {pydicom.dcmread(f.path).SOPInstanceUID for f in result.files} for result in (first, other)
    ]
    assert not uids[0] & uids[1]


def test_the_same_job_number_on_another_ct_makes_another_series(tmp_path: Path) -> None:
    request = prepared(tmp_path)
    first = succeeded(request)
    write_dicom(small_pair(4), tmp_path / "other", with_pet=False)
    files = tuple(str(path) for path in sorted((tmp_path / "other" / "CT").iterdir()))

    other = succeeded(replace(request, ct_files=files, out_dir=str(tmp_path / "b")))

    assert other.series_uid != first.series_uid


def test_progress_counts_up_to_all_slices(tmp_path: Path) -> None:
    heard: list[tuple[int, int, str]] = []
    request = prepared(tmp_path)

    result = translate_series.run(request, progress=lambda *event: heard.append(event))

    stages = list(dict.fromkeys(stage for _, _, stage in heard))
    done = [(number, total) for number, total, stage in heard if stage == "translating"]
    assert stages == ["loading", "reading", "translating", "writing"]
    assert done == sorted(done)
    assert done[-1] == (len(result.files), len(result.files))


def test_a_cancelled_job_leaves_nothing(tmp_path: Path) -> None:
    request = prepared(tmp_path)
    asked = iter([False, False, True])

    result = translate_series.run(request, cancelled=lambda: next(asked))

    assert result.status == "cancelled"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["phantom", "release"]


def test_a_job_cancelled_after_writing_leaves_nothing(tmp_path: Path) -> None:
    request = prepared(tmp_path)
    batches: list[int] = []

    result = translate_series.run(
        request,
        progress=lambda done, total, _stage: batches.append(total - done),
        cancelled=lambda: bool(batches) and batches[-1] == 0,
    )

    assert result.status == "cancelled"
    assert not Path(request.out_dir).exists()
    assert not list(tmp_path.glob(".out*"))


def test_remains_of_a_killed_worker_are_cleared(tmp_path: Path) -> None:
    request = prepared(tmp_path)
    stale = tmp_path / ".out.partial-999"
    stale.mkdir()
    (stale / "SPET0001.dcm").write_bytes(b"half")

    succeeded(request)

    assert not stale.exists()
    assert {p.suffix for p in (tmp_path / "out").iterdir()} == {".dcm"}


def test_an_output_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    request = prepared(tmp_path)
    (tmp_path / "out").mkdir()

    result = translate_series.run(request)

    assert (result.status, result.reason_id) == ("refused", "output_exists")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_release_with_another_digest_is_refused(tmp_path: Path) -> None:
    result = translate_series.run(replace(prepared(tmp_path), release_sha256="0" * 64))

    assert (result.status, result.reason_id) == ("refused", "release")
    assert "digest" in result.reason
    assert not (tmp_path / "out").exists()


def test_ct_without_a_date_is_refused(tmp_path: Path) -> None:
    request = prepared(tmp_path)
    for name in request.ct_files:
        dataset = pydicom.dcmread(name)
        for kind in ("Series", "Acquisition", "Content", "Study"):
            dataset[f"{kind}Date"].value = ""
        dataset.save_as(name)

    result = translate_series.run(request)

    assert (result.status, result.reason_id) == ("refused", "no_date")


def test_a_refusal_reaches_the_result_as_a_sentence(tmp_path: Path) -> None:
    request = prepared(tmp_path)

    result = translate_series.run(replace(request, ct_files=request.ct_files[:5]))

    assert (result.status, result.reason_id) == ("refused", "too_few_slices")
    assert "5 slices" in result.reason


def test_what_breaks_is_errored_without_a_traceback_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    request = replace(prepared(tmp_path), out_dir=str(tmp_path / "file" / "out"))

    result = translate_series.run(request)

    assert result.status == "errored"
    assert "Traceback" not in result.reason
    assert result.files == ()


def test_the_shipped_release_puts_uptake_where_the_phantom_has_it(tmp_path: Path) -> None:
    (release,) = packaged_releases()
    pair = full_pair(6, "SPH")

    suv = translated(release, pair.ct)

    assert suv.grid.same_as(pair.pet.grid)
    liver, blood = (suv.array[pair.region(f"organ:{o}")].mean() for o in ("liver", "blood_pool"))
    lesion = suv.array[pair.region("lesion:1")].max()
    assert lesion > 2 * liver > 2 * blood
    assert 1.4 < liver < 3
