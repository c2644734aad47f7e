"""Images as readers get them: made out of a phantom's series, alike in everything but the voxels."""

import gzip

import nibabel
import numpy as np
import pytest

from evaluation.imaging import read_series
from studyportal.core.storage import verified_path
from studyportal.imaging.selectors import accepted_series, latest_outlines
from studyportal.imaging.services import masks_of
from studyportal.imaging.states import SeriesRole
from studyportal.reading.selectors import volumes_of
from studyportal.reading.services import prepare_case
from tests import factories as make
from tests.portal.viewer_scenes import outlined_pair, stored

pytestmark = pytest.mark.django_db


def prepared(phantom):
    """A case of CT, PET and synthetic PET of two phantoms, its images made."""
    pet, other = phantom(3), phantom(4)
    pair = outlined_pair(pet)
    source = make.ImagingSeriesFactory(pair=pair, accepted=True, manifest_sha256=stored(pet / "CT"))
    reference = accepted_series(pair, SeriesRole.REFERENCE)
    reference.suv = {"rule": "gml", "factor": 1.0, "alternatives": {}, "disagreement": 0.0}
    reference.suv |= dict.fromkeys(("decay_seconds", "weight_kg", "dose_bq"))
    reference.suv |= {"injection_time": "", "reference_time": ""}
    reference.save()
    job = make.SynthesisJobFactory(pair=pair, succeeded=True, source__pair=make.ScanPairFactory())
    synthetic = make.SyntheticSeriesFactory(job=job, manifest_sha256=stored(other / "PET"))
    case = make.ReadingCaseFactory(pair=pair, source=source, reference=reference, synthetic=synthetic)  # fmt: skip
    prepare_case(case=case)
    case.refresh_from_db()
    return pet, case


def test_real_and_synthetic_pet_differ_in_their_voxels_and_in_nothing_else(phantom):
    pet, case = prepared(phantom)
    rows = volumes_of(case)
    assert {name: row.reason for name, row in rows.items()} == {"ct": "", "pet": "", "synthetic": ""}  # fmt: skip
    files = {name: gzip.decompress(verified_path(row.sha256).read_bytes()) for name, row in rows.items()}  # fmt: skip
    heads = {name: content[:352] for name, content in files.items()}
    assert heads["pet"] == heads["synthetic"]
    assert files["pet"] != files["synthetic"]
    assert rows["pet"].facts == rows["synthetic"].facts
    named = {case.pair.participant.code, case.source.series_uid, case.reference.series_uid}
    assert not [one for one in named for content in files.values() if one.encode() in content]

    # What is read is what was measured, to half a step of 0.002 SUV.
    image = nibabel.Nifti1Image.from_bytes(files["pet"])
    expected = read_series(pet / "PET").suv_volume()
    assert np.allclose(image.get_fdata().transpose(2, 1, 0), expected.array, atol=0.00101)

    # Each number lies in the outline of its lesion.
    masks = masks_of(latest_outlines(case.pair))
    to_voxel = np.linalg.inv(image.affine)
    assert case.lesions
    for number, place in case.lesions.items():
        x, y, z = np.rint(to_voxel @ [*place, 1.0])[:3].astype(int)
        assert masks[f"lesion:{number}"][z, y, x]
