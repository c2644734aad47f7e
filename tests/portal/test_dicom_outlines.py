"""Outlines over QIDO-RS and WADO-RS: found and retrieved like the images of their participant, without frames."""

import json
from datetime import timedelta

import pytest
from requests import HTTPError

from evaluation.imaging.outline_file import RTSTRUCT
from studyportal.core.storage import store_bytes
from studyportal.imaging.states import SeriesRole
from studyportal.sites.rules import Role
from tests import factories as make
from tests.portal.dicom_files import ct_slice, file_bytes
from tests.portal.dicomweb import client_of
from tests.portal.test_dicom_retrieve import SERIES, STUDY, get, stored_ct

pytestmark = pytest.mark.django_db
OUTLINES = "1.2.3.900"


def outline_file(uid: str):
    made = ct_slice(1)
    del made.PixelData
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = RTSTRUCT
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = f"{uid}.1"
    made.SeriesInstanceUID, made.StudyInstanceUID, made.Modality = uid, STUDY, "RTSTRUCT"
    made.StructureSetLabel = "LUNG"
    return made


def kept_outlines(images, uid: str = OUTLINES, *, later: int = 0):
    """Outlines as intake keeps them: masks that are no DICOM file, and the file."""
    stored, masks = store_bytes(file_bytes(outline_file(uid))), store_bytes(f"masks {uid}".encode())
    files = [
        {"sha256": masks.sha256, "bytes": masks.size},
        {"sha256": stored.sha256, "bytes": stored.size, "sop_instance_uid": f"{uid}.1"},
    ]
    series = make.ImagingSeriesFactory(
        pair=images.pair,
        role=SeriesRole.OUTLINES,
        accepted=True,
        study=None,
        series_uid="",
        stored_files=2,
        manifest_sha256=store_bytes(json.dumps({"files": files}).encode()).sha256,
    )
    made = make.OutlineSetFactory(pair=images.pair, series=series, reference=images)
    made.made_at += timedelta(days=later)
    made.save()
    return made


@pytest.fixture
def site():
    return make.SiteFactory(code="SPH")


@pytest.fixture
def monitor(site):
    return make.MembershipFactory(role=Role.MONITOR, site=site).user


@pytest.fixture
def images(site):
    return stored_ct(site)


def test_outlines_are_found_beside_the_images_of_their_study(images, monitor):
    kept_outlines(images)
    client = client_of(monitor)
    (study,) = client.search_for_studies()
    assert study["00080061"]["Value"] == ["CT", "RTSTRUCT"]
    assert study["00201206"]["Value"] == [2]
    (found,) = client.search_for_series(STUDY, search_filters={"Modality": "RTSTRUCT"})
    assert found["0020000E"]["Value"] == [OUTLINES]
    assert len(client.search_for_series(STUDY)) == 2
    assert len(client.search_for_instances(STUDY, OUTLINES)) == 1


def test_outlines_are_retrieved_whole_and_as_metadata(images, monitor):
    kept_outlines(images)
    client = client_of(monitor)
    assert client.retrieve_instance(STUDY, OUTLINES, f"{OUTLINES}.1").StructureSetLabel == "LUNG"
    (header,) = client.retrieve_series_metadata(STUDY, OUTLINES)
    assert header["00080060"]["Value"] == ["RTSTRUCT"]
    assert "7FE00010" not in header
    assert len(client.retrieve_study(STUDY)) == 3


@pytest.mark.parametrize("what", ["frames/1", "rendered", "thumbnail"])
def test_outlines_have_no_frames_and_no_picture(images, monitor, what):
    kept_outlines(images)
    one = f"studies/{STUDY}/series/{OUTLINES}/instances/{OUTLINES}.1"
    assert get(monitor, f"{one}/{what}").status_code == 404
    assert get(monitor, f"studies/{STUDY}/thumbnail").status_code == 200


def test_outlines_that_were_replaced_are_not_told(images, monitor):
    kept_outlines(images)
    kept_outlines(images, "1.2.3.901", later=1)
    found = client_of(monitor).search_for_series(search_filters={"Modality": "RTSTRUCT"})
    assert [one["0020000E"]["Value"] for one in found] == [["1.2.3.901"]]


def test_outlines_of_another_site_are_as_if_they_were_not(images):
    kept_outlines(images)
    stranger = make.MembershipFactory(role=Role.MONITOR, site=make.SiteFactory(code="XYH")).user
    client = client_of(stranger)
    assert client.search_for_series(search_filters={"Modality": "RTSTRUCT"}) == []
    with pytest.raises(HTTPError, match="404"):
        client.retrieve_series_metadata(STUDY, OUTLINES)


def test_images_keep_their_place_where_there_are_outlines(images, monitor):
    kept_outlines(images)
    assert len(client_of(monitor).search_for_instances(STUDY, SERIES)) == 2
