"""QIDO-RS and WADO-RS over stored series, by other people's client, and who may ask what."""

import json
from io import BytesIO

import numpy as np
import pydicom
import pytest
from django.urls import get_resolver
from PIL import Image
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless
from requests import HTTPError
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from studyportal.core.storage import path_of, store_bytes
from studyportal.dicom.rights import RIGHTS
from studyportal.imaging.states import SeriesRole
from studyportal.sites.rules import PERMISSIONS, Role
from studyportal.syntheses.states import SyntheticStatus
from tests import factories as make
from tests.portal.dicom_files import ct_slice, dataset_bytes, file_bytes
from tests.portal.dicomweb import client_of

pytestmark = pytest.mark.django_db
STUDY, SERIES, INSTANCE = "1.2.3.4", "1.2.3.5", "1.2.3.5.1"
ONE = f"studies/{STUDY}/series/{SERIES}/instances/{INSTANCE}"


def manifest_of(images) -> str:
    stored = [(store_bytes(file_bytes(image)), image) for image in images]
    files = [
        {"sha256": kept.sha256, "bytes": kept.size, "sop_instance_uid": image.SOPInstanceUID}
        for kept, image in stored
    ]
    return store_bytes(json.dumps({"files": files}).encode()).sha256


def stored_ct(site, *images, study=STUDY):
    images = images or (ct_slice(1), ct_slice(2, value=9))
    participant = make.ParticipantFactory(site=site)
    for image in images:
        image.PatientID = image.PatientName = participant.code
        image.StudyInstanceUID = study
        image.StudyDate = "20200105"
        image.RescaleSlope, image.RescaleIntercept = 1, 0
    return make.ImagingSeriesFactory(
        pair=make.ScanPairFactory(participant=participant),
        accepted=True,
        study=make.ImagingStudyFactory(participant=participant, study_uid=study),
        series_uid=images[0].SeriesInstanceUID,
        stored_files=len(images),
        manifest_sha256=manifest_of(images),
    )


def made_pet(source, *, status=SyntheticStatus.QC_PASSED):
    image = ct_slice(1, series=77)
    image.StudyInstanceUID, image.Modality, image.SyntheticData = STUDY, "PT", "YES"
    image.PixelData = np.full((256, 256), 100, np.int16).tobytes()
    image.Rows = image.Columns = 256
    return make.SyntheticSeriesFactory(
        job=make.SynthesisJobFactory(pair=source.pair, source=source),
        status=status,
        series_uid=image.SeriesInstanceUID,
        stored_files=1,
        manifest_sha256=manifest_of([image]),
    )


@pytest.fixture
def site():
    return make.SiteFactory(code="SPH")


@pytest.fixture
def monitor(site):
    return make.MembershipFactory(role=Role.MONITOR, site=site).user


@pytest.fixture
def series(site):
    return stored_ct(site)


def get(user, address, **headers):
    client = APIClient()
    client.force_authenticate(user)
    return client.get(f"/dicomweb/{address}", **headers)


def content(answer) -> bytes:
    return b"".join(answer.streaming_content)


def test_studies_are_found_with_what_the_standard_asks_for(series, monitor):
    (found,) = client_of(monitor).search_for_studies()
    study = pydicom.Dataset.from_json(found)
    code = series.pair.participant.code
    assert (study.StudyInstanceUID, study.PatientID, str(study.PatientName)) == (STUDY, code, code)
    assert (study.ModalitiesInStudy, study.NumberOfStudyRelatedInstances) == ("CT", 2)
    assert study.RetrieveURL == f"http://testserver/dicomweb/studies/{STUDY}"


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"PatientID": "SPH-*"}, 1),
        ({"PatientID": "SEH-*"}, 0),
        ({"PatientName": "sph*"}, 1),
        ({"00100020": "SPH-?????"}, 1),
        ({"StudyDate": "20200101-20200131"}, 1),
        ({"StudyDate": "20200106-"}, 0),
        ({"StudyDate": "-20200105"}, 1),
        ({"StudyInstanceUID": f"9.9,{STUDY}"}, 1),
        ({"StudyInstanceUID": "9.9"}, 0),
        ({"ModalitiesInStudy": "PT"}, 0),
        ({"ModalitiesInStudy": "PT,CT"}, 1),
        ({"ModalitiesInStudy": "PT\\MR"}, 0),
        ({"ModalitiesInStudy": "C*"}, 1),
        ({"AccessionNumber": ""}, 1),
        ({"PatientID": "[S]PH*"}, 0),
    ],
)
def test_studies_match_by_value_list_wildcard_and_range(series, monitor, asked, count):
    assert len(client_of(monitor).search_for_studies(search_filters=asked)) == count


def test_series_and_instances_are_found_at_every_level(series, monitor):
    client = client_of(monitor)
    assert len(client.search_for_series()) == len(client.search_for_series(STUDY)) == 1
    assert len(client.search_for_series(search_filters={"Modality": "PT"})) == 0
    assert len(client.search_for_instances()) == 2
    found = client.search_for_instances(STUDY, SERIES, search_filters={"InstanceNumber": "2"})
    assert [item["00080018"]["Value"] for item in found] == [["1.2.3.5.2"]]


def test_an_answer_comes_in_pages_and_says_when_more_follow(series, monitor):
    first = get(monitor, "instances?limit=1")
    assert len(first.json()) == 1
    assert "offset" in first["Warning"]
    last = get(monitor, "instances?limit=1&offset=1")
    assert "Warning" not in last
    assert last.json() != first.json()


def test_more_fields_are_told_when_they_are_asked_for(series, monitor):
    plain = get(monitor, "instances").json()[0]
    asked = get(monitor, "instances?includefield=PixelRepresentation").json()[0]
    every = get(monitor, "instances?includefield=all").json()[0]
    assert "00280103" not in plain
    assert "00280103" in asked
    assert "00280102" in every
    assert "7FE00010" not in every


@pytest.mark.parametrize(
    "query", ["Nonsense=1", "limit=x", "offset=-1", "00000000000=1", "includefield=Bad"]
)
def test_a_question_that_cannot_be_understood_is_refused(series, monitor, query):
    assert get(monitor, f"studies?{query}").status_code == 400


def test_instances_come_as_they_are_stored(series, monitor):
    client = client_of(monitor)
    assert len(client.retrieve_study(STUDY)) == len(client.retrieve_series(STUDY, SERIES)) == 2
    image = client.retrieve_instance(STUDY, SERIES, INSTANCE)
    assert image.pixel_array.max() == 7
    whole = get(monitor, ONE, HTTP_ACCEPT="application/dicom")
    assert whole.content in {path_of(sha).read_bytes() for sha in shas(series)}


def shas(series):
    return [e["sha256"] for e in json.loads(path_of(series.manifest_sha256).read_bytes())["files"]]


def test_a_compressed_image_comes_as_stored_or_uncompressed_as_the_client_likes(site, monitor):
    image = ct_slice(1)
    plain = image.PixelData
    image.compress(RLELossless, generate_instance_uid=False)
    stored_ct(site, image)
    many = 'multipart/related; type="application/dicom"'
    stored = content(get(monitor, ONE, HTTP_ACCEPT=f"{many}; transfer-syntax=*"))
    assert RLELossless.encode() in stored
    opened = content(get(monitor, ONE, HTTP_ACCEPT=many))
    assert RLELossless.encode() not in opened
    assert plain in opened
    frame = get(monitor, f"{ONE}/frames/1", HTTP_ACCEPT='multipart/related; type="image/dicom-rle"')
    assert f"image/dicom-rle; transfer-syntax={RLELossless}".encode() in content(frame)
    assert client_of(monitor).retrieve_instance_frames(STUDY, SERIES, INSTANCE, [1]) == [plain]


def test_an_implicit_image_comes_in_explicit_encoding_with_the_same_pixels(site, monitor):
    image = ct_slice(1)
    image.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    stored_ct(site, image)
    kind = f'application/dicom; transfer-syntax="{ExplicitVRLittleEndian}"'
    got = pydicom.dcmread(BytesIO(get(monitor, ONE, HTTP_ACCEPT=kind).content))
    assert got.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert got.PixelData == image.PixelData


def test_metadata_names_where_the_pixels_are(series, monitor):
    client = client_of(monitor)
    found = client.retrieve_series_metadata(STUDY, SERIES)
    assert len(found) == len(client.retrieve_study_metadata(STUDY)) == 2
    one = client.retrieve_instance_metadata(STUDY, SERIES, INSTANCE)
    address = one["7FE00010"]["BulkDataURI"]
    assert client.retrieve_bulkdata(address) == [ct_slice(1).PixelData]


def test_a_picture_is_rendered_in_the_wished_window_and_size(series, monitor):
    address = f"{ONE}/rendered?window=7,2,linear&viewport=16,32"
    picture = Image.open(BytesIO(get(monitor, address, HTTP_ACCEPT="image/png").content))
    assert picture.size == (16, 16)
    assert picture.getpixel((0, 0)) == 128
    jpeg = get(monitor, f"{ONE}/frames/1/rendered", HTTP_ACCEPT="image/jpeg")
    assert jpeg.content[:2] == b"\xff\xd8"


@pytest.mark.parametrize("place", ["thumbnail", f"series/{SERIES}/thumbnail"])
def test_a_study_and_a_series_have_a_small_picture(site, monitor, place):
    image = ct_slice(1)
    image.PixelData, image.Rows, image.Columns = b"\0\1" * (512 * 256), 512, 256
    stored_ct(site, image)
    got = get(monitor, f"studies/{STUDY}/{place}", HTTP_ACCEPT="image/jpeg,image/png")
    assert (got["Content-Type"], Image.open(BytesIO(got.content)).size) == ("image/jpeg", (64, 128))


# As OHIF 3 and 3D Slicer (through dicomweb-client) write them.
@pytest.mark.parametrize(
    ("address", "accept"),
    [
        ("studies?limit=101&offset=0&fuzzymatching=true&includefield=00081030%2C00080060", "*/*"),
        ("studies?PatientName=*SPH*&ModalitiesInStudy=CT&ModalitiesInStudy=PT", "application/json"),
        ("studies?StudyDate=20200101-20201231&00100020=*", "application/dicom+json"),
        (f"studies/{STUDY}/series?includefield=0008103E&includefield=0008103E", "application/json"),
        (
            f"studies/{STUDY}/series/{SERIES}/metadata",
            "application/dicom+json, application/json, */*",
        ),
        (
            f"{ONE}/frames/1",
            "multipart/related; type=application/octet-stream; transfer-syntax=*",
        ),
        (f"{ONE}/frames/1", 'multipart/related; type="image/jls", application/octet-stream'),
        (ONE, 'multipart/related; type="application/dicom"; transfer-syntax=*'),
        (f"{ONE}/rendered?viewport=256,256&window=-300,1400,linear", "image/jpeg;q=0.5,image/png"),
    ],
)  # fmt: skip
def test_the_requests_that_viewers_make_are_answered(series, monitor, address, accept):
    assert get(monitor, address, HTTP_ACCEPT=accept).status_code == 200


@pytest.mark.parametrize(
    "query",
    ["window=1", "window=a,b", "window=1,-1", "viewport=0,5", "quality=101", "window=nan,1"],
)
def test_a_picture_that_cannot_be_made_is_refused(series, monitor, query):
    assert get(monitor, f"{ONE}/rendered?{query}").status_code == 400


def test_a_synthetic_series_joins_the_study_and_its_picture_says_what_it_is(series, monitor):
    made_pet(series)
    client = client_of(monitor)
    (study,) = client.search_for_studies()
    assert study["00080061"]["Value"] == ["CT", "PT"]
    (image,) = client.retrieve_series(STUDY, "1.2.3.77")
    assert image.SyntheticData == "YES"
    address = f"studies/{STUDY}/series/1.2.3.77/instances/1.2.3.77.1/rendered"
    picture = np.asarray(Image.open(BytesIO(get(monitor, address).content)))
    assert len(np.unique(picture[:40])) > len(np.unique(picture[40:])) == 1


@pytest.mark.parametrize("status", [SyntheticStatus.QC_FAILED, SyntheticStatus.WITHDRAWN])
def test_a_synthetic_series_that_failed_or_was_withdrawn_is_not_offered(series, monitor, status):
    made_pet(series, status=status)
    assert len(client_of(monitor).search_for_series()) == 1


def test_a_series_that_was_not_accepted_is_not_offered(site, monitor):
    make.ImagingSeriesFactory(pair__participant__site=site, role=SeriesRole.SOURCE, received=True)
    assert client_of(monitor).search_for_series() == []


def test_a_damaged_file_is_never_sent(series, monitor):
    path = path_of(shas(series)[0])
    path.chmod(0o600)
    path.write_bytes(b"other bytes")
    answer = get(monitor, ONE, HTTP_ACCEPT="application/dicom")
    assert answer.status_code == 422
    assert "damaged" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("address", "accept"),
    [
        ("studies", "application/dicom+xml"),
        (ONE, "application/pdf"),
        (f"studies/{STUDY}", "application/dicom"),
        (
            ONE,
            'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.50',
        ),
        (f"{ONE}/frames/1", 'multipart/related; type="image/jpeg"'),
        (f"{ONE}/rendered", "image/gif"),
        (f"{ONE}/metadata", "text/html"),
    ],
)
def test_a_format_that_is_not_offered_is_refused(series, monitor, address, accept):
    assert get(monitor, address, HTTP_ACCEPT=accept).status_code == 406


@pytest.mark.parametrize("frames", ["2", "1,2", "0"])
def test_a_frame_that_is_not_there_is_not_found(series, monitor, frames):
    assert get(monitor, f"{ONE}/frames/{frames}").status_code == 404


PLACES = {
    "studies.search": "studies",
    "every-series.search": "series",
    "every-instance.search": "instances",
    "study.retrieve": f"studies/{STUDY}",
    "study-metadata.retrieve": f"studies/{STUDY}/metadata",
    "study-series.search": f"studies/{STUDY}/series",
    "study-instances.search": f"studies/{STUDY}/instances",
    "series.retrieve": f"studies/{STUDY}/series/{SERIES}",
    "series-metadata.retrieve": f"studies/{STUDY}/series/{SERIES}/metadata",
    "series-instances.search": f"studies/{STUDY}/series/{SERIES}/instances",
    "instance.retrieve": ONE,
    "instance-metadata.retrieve": f"{ONE}/metadata",
    "instance-rendered.retrieve": f"{ONE}/rendered",
    "study-thumbnail.retrieve": f"studies/{STUDY}/thumbnail",
    "series-thumbnail.retrieve": f"studies/{STUDY}/series/{SERIES}/thumbnail",
    "instance-thumbnail.retrieve": f"{ONE}/thumbnail",
    "frames-thumbnail.retrieve": f"{ONE}/frames/1/thumbnail",
    "frames.retrieve": f"{ONE}/frames/1",
    "frames-rendered.retrieve": f"{ONE}/frames/1/rendered",
}
STORES = {
    "studies.store": "studies",
    "study.store": f"studies/{STUDY}",
    "site-studies.store": "sites/SPH/studies",
    "site-study.store": f"sites/SPH/studies/{STUDY}",
}


def ask(user, name):
    client = APIClient()
    if user is not None:
        client.force_authenticate(user)
    if name in PLACES:
        return client.get(f"/dicomweb/{PLACES[name]}")
    body = b"--x\r\n\r\n" + file_bytes(ct_slice()) + b"\r\n--x--"
    return client.post(
        f"/dicomweb/{STORES[name]}", body, content_type="multipart/related; boundary=x"
    )


def test_every_address_stands_in_the_table_of_rights_and_has_a_case_here():
    named = set()
    for pattern in get_resolver("studyportal.dicom.urls").url_patterns:
        acts = pattern.callback.actions.values()
        named |= {f"{pattern.callback.initkwargs['basename']}.{act}" for act in acts}
    assert named == set(RIGHTS) == {*PLACES, *STORES}


@pytest.mark.parametrize("name", RIGHTS)
def test_each_address_answers_exactly_the_roles_that_have_the_right(name, series, site):
    for role in Role:
        person = make.person(role, site)
        expected = 200 if RIGHTS[name] in PERMISSIONS[role] else 403
        if role == Role.DATA_MANAGER and name in ("studies.store", "study.store"):
            make.SiteFactory(code="SEH")
            expected = 400  # may upload at several sites and must name one
        assert ask(person, name).status_code == expected, role
    assert ask(None, name).status_code == 401


@pytest.mark.parametrize(
    "name", [name for name in PLACES if ".retrieve" in name or "study-" in name]
)
def test_another_sites_images_do_not_exist(name, series):
    stranger = make.MembershipFactory(role=Role.MONITOR, site=make.SiteFactory()).user
    assert ask(stranger, name).status_code == 404


@pytest.mark.parametrize("name", ["studies.search", "every-series.search", "every-instance.search"])
def test_a_search_finds_the_own_site_only(name, series):
    stranger = make.MembershipFactory(role=Role.MONITOR, site=make.SiteFactory()).user
    assert ask(stranger, name).json() == []


@pytest.mark.parametrize("word", ["Token", "Bearer"])
def test_a_token_lets_a_program_in(word, series, monitor):
    client = APIClient()
    token = Token.objects.create(user=monitor).key
    assert client.get("/dicomweb/studies", HTTP_AUTHORIZATION=f"{word} {token}").status_code == 200
    refused = client.get("/dicomweb/studies", HTTP_AUTHORIZATION=f"{word} wrong")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, word)


def test_a_viewer_from_another_address_is_let_in_only_when_it_is_listed(series, monitor, settings):
    settings.DICOMWEB_VIEWERS = ["https://viewer.example.org"]
    listed = get(monitor, "studies", HTTP_ORIGIN="https://viewer.example.org")
    assert listed["Access-Control-Allow-Origin"] == "https://viewer.example.org"
    assert "Access-Control-Allow-Origin" not in get(
        monitor, "studies", HTTP_ORIGIN="https://other.example.org"
    )
    asked = APIClient().options("/dicomweb/studies", HTTP_ORIGIN="https://viewer.example.org")
    assert (asked.status_code, asked.content) == (204, b"")


def test_a_client_hears_of_a_refusal(series):
    stranger = make.MembershipFactory(role=Role.MONITOR, site=make.SiteFactory()).user
    with pytest.raises(HTTPError, match="404"):
        client_of(stranger).retrieve_series(STUDY, SERIES)


def test_pixels_of_the_stored_file_are_what_the_frame_holds(series, monitor):
    stored = dataset_bytes(path_of(shas(series)[1]).read_bytes())
    (frame,) = client_of(monitor).retrieve_instance_frames(STUDY, SERIES, "1.2.3.5.2", [1])
    assert frame in stored
    assert set(np.frombuffer(frame, "<i2")) == {9}


def marked(keyword: str):
    image = ct_slice(1, series=88)
    if keyword == "private block":
        image.private_block(0x0013, "SYNTHETIC PET", create=True).add_new(1, "LO", "made")
    elif keyword:
        setattr(image, keyword, "YES" if keyword == "SyntheticData" else "synthetic PET")
    return image


@pytest.mark.parametrize(
    "keyword",
    [
        "",
        "SyntheticData",
        "SeriesDescription",
        "ImageComments",
        "DerivationDescription",
        "private block",
    ],
)
def test_any_one_mark_of_a_synthetic_image_puts_the_banner_into_its_picture(site, monitor, keyword):
    image = marked(keyword)
    stored_ct(site)
    stored_ct(site, image, study="1.2.3.44")
    plain = get(monitor, f"{ONE}/rendered", HTTP_ACCEPT="image/png")
    other = f"studies/1.2.3.44/series/{image.SeriesInstanceUID}/instances/{image.SOPInstanceUID}"
    picture = get(monitor, f"{other}/rendered", HTTP_ACCEPT="image/png")
    assert plain.status_code == picture.status_code == 200
    assert (plain.content != picture.content) is bool(keyword)
