"""Seven real CT + PET patients from the cases file to the report; images that must be refused by name."""

import csv
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command

from evaluation.imaging import read_series
from studyportal.imaging.models import Finding, ScanPair
from studyportal.imaging.selectors import accepted_series, latest_outlines, stored_paths
from studyportal.imaging.services import masks_of
from studyportal.imaging.states import Grade, PairStatus, SeriesRole, SeriesStatus
from studyportal.outcomes.models import CutPair, Measurement
from studyportal.participants.models import Participant
from studyportal.sites.rules import Role
from studyportal.syntheses.models import SyntheticSeries
from studyportal.syntheses.selectors import waiting_jobs
from studyportal.syntheses.states import SyntheticStatus
from studyportal.tasks.gpu import running, translate
from tests.portal.scenes import enrolled, open_study, person, quick_plan, taken_in
from tests.real_data.places import expected, published
from tests.synthesis.makers import untrained_release

pytestmark = [pytest.mark.real_data, pytest.mark.django_db]
PAIRS = ("STS_002", "STS_003", "STS_008", "STS_024", "STS_025", "STS_035")
ROW = {
    "site": "SPH", "sex": "M", "age_years": "60", "screening_date": "2026-01-10",
    "consent_date": "2026-01-10", "consent_version": "1.0", "INC-01": "met", "INC-02": "met",
    "INC-03": "met", "EXC-01": "not_met", "EXC-02": "unknown", "EXC-03": "unknown",
    "EXC-04": "unknown", "reference_standard": "malignancy/lesion/1=positive",
}  # fmt: skip


def cases_file(folder: Path) -> Path:
    raw = published("pet_ct_ge_sts001_raw")
    rows = [
        {
            **ROW,
            "ct_folder": raw / "CT_crop",
            "pet_folder": raw / "PT_raw_bqml",
            "lesions_file": f"{raw / 'RTSTRUCT_raw_pet' / '1-1.dcm'}#GTV_Mass",
        }
    ]
    for case in PAIRS:
        pair = published("pet_ct_ge_sts_pairs", case)
        outlines = pair / "PET" / "mask" / "RS.dcm"
        images = {"ct_folder": pair / "CT", "pet_folder": pair / "PET", "lesions_file": outlines}
        rows.append({**ROW, **images})
    path = folder / "cases.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def seven(tmp_path):
    """The seven pairs in the order of the file."""
    path = cases_file(tmp_path)
    open_study()
    person(Role.COORDINATOR)
    call_command("import_cases", str(path), by="coordinator-SPH", stdout=StringIO())
    return list(ScanPair.objects.order_by("participant__code"))


def test_seven_patients_go_from_the_cases_file_to_the_report(seven, tmp_path):
    assert [pair.status for pair in seven] == [PairStatus.READY] * 7
    raw_series_keeps_its_uptake(seven[0])
    for pair, case in zip(seven[1:], PAIRS, strict=True):
        tumour_has_its_published_uptake(pair, case)

    person(Role.SYNTHESIS_OPERATOR)
    person(Role.STATISTICIAN)
    # The shipped model knows chests and refuses these limbs; this one was never trained.
    model = untrained_release(tmp_path / "model").folder
    call_command("synthesise", register=model, by="synthesis_operator", stdout=StringIO())
    try:
        for job in list(waiting_jobs()):
            translate(str(job.pk))
    finally:
        running._keeper.end()
    made = SyntheticSeries.objects.values_list("status", flat=True)
    assert list(made) == [SyntheticStatus.QC_PASSED] * 7

    person(Role.STUDY_PI)
    name = "untrained 0"
    call_command(
        "name_primary_release", name, by="study_pi", reason="The only one.", stdout=StringIO()
    )

    (tmp_path / "plan.toml").write_text(quick_plan(), "utf-8")
    report = tmp_path / "report"
    call_command(
        "evaluate", "seven", by="statistician", plan=tmp_path / "plan.toml", out=report,
        stdout=StringIO(),
    )  # fmt: skip
    assert not report.exists()  # sealed until two people open it
    for name in ("statistician", "study_pi"):
        call_command(
            "open_results", "seven", by=name, why="All is in.", out=report, stdout=StringIO()
        )
    assert set(CutPair.objects.values_list("fault", flat=True)) == {""}
    for pair in seven:
        measured = Measurement.objects.filter(cut_pair__pair=pair)
        for quantity in ("ssim", "psnr", "structural_similarity", "mae"):
            assert np.isfinite(measured.get(region="body", image="pair", quantity=quantity).value)
        for image in ("reference", "synthetic"):
            peak = measured.get(region="lesion:1", image=image, quantity="suv_peak").value
            assert peak is not None
    assert (report / "report.pdf").read_bytes().startswith(b"%PDF")
    assert "SPH" in (report / "report.html").read_text("utf-8")
    rows = list(csv.DictReader(StringIO((report / "results.csv").read_text("utf-8-sig"))))
    ssim = next(
        r for r in rows if (r["endpoint"], r["statistic"], r["subgroup"]) == ("ssim", "mean", "all")
    )
    assert int(ssim["n"]) == 7


def raw_series_keeps_its_uptake(pair: ScanPair) -> None:
    """The stored series has the factor and, voxel by voxel, the SUV that another program computed."""
    truth = expected("pet_ct_ge_sts001_raw")
    crop = truth["reference_crop"]
    series = accepted_series(pair, SeriesRole.REFERENCE)
    suv = read_series(stored_paths(series.manifest_sha256)).suv_volume().array
    other = read_series(published("pet_ct_ge_sts001_raw", "PT_suv_reference_gml")).suv_volume()
    spans = tuple(
        slice(crop[name][0], crop[name][1] + 1)
        for name in ("raw_slices_ascending_z", "raw_rows", "raw_cols")
    )

    assert series.suv["factor"] == pytest.approx(truth["suvbw_factor"], rel=1e-9)
    assert np.abs(suv[spans] - other.array).max() <= 1e-3
    tumour = suv[masks_of(latest_outlines(pair))["lesion:1"]]
    assert tumour.size == crop["gtv_voxels"]
    assert tumour.max() == pytest.approx(crop["gtv_suv_max_from_raw"], abs=1e-4)
    assert tumour.mean() == pytest.approx(crop["gtv_suv_mean_from_raw"], abs=1e-4)


def tumour_has_its_published_uptake(pair: ScanPair, case: str) -> None:
    truth = expected("pet_ct_ge_sts_pairs", case, "pet")
    series = accepted_series(pair, SeriesRole.REFERENCE)
    suv = read_series(stored_paths(series.manifest_sha256)).suv_volume().array
    tumour = suv[masks_of(latest_outlines(pair))["lesion:1"]]

    assert series.suv["factor"] == 1.0
    assert tumour.size == truth["gtv_voxels"]
    assert tumour.max() == pytest.approx(truth["gtv_suv_max"], abs=1e-4)
    assert tumour.mean() == pytest.approx(truth["gtv_suv_mean"], abs=1e-4)


@pytest.mark.parametrize(
    ("role", "place", "rule", "words"),
    [
        (SeriesRole.REFERENCE, ("pet_phantom_nema_iq", "recon_1"), "suv_not_computable", ("unit of its values", "dose")),
        (SeriesRole.SOURCE, ("ct_bad_geometry", "gantrytilting_001"), "gantry_tilt", ("14.0 degrees",)),
        (SeriesRole.SOURCE, ("ct_bad_geometry", "sliceincrement_001"), "missing_slice", ("33.11 mm",)),
    ],
    ids=["nema", "gantry tilt", "missing slice"],
)  # fmt: skip
def test_an_image_that_cannot_be_used_is_refused_by_name(db, role, place, rule, words):
    folder = published(*place)
    open_study()
    series = taken_in(enrolled(), role, folder)
    finding = Finding.objects.get(series=series, rule=rule)

    assert series.status == SeriesStatus.QUARANTINED
    assert finding.grade == Grade.EXCLUDE
    for word in words:
        assert word in finding.sentence
    assert Participant.objects.count() == 1
