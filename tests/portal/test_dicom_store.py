"""STOW-RS: what is kept, what is answered, and bodies that are malformed on purpose."""

import tracemalloc

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, SecondaryCaptureImageStorage
from requests import HTTPError
from rest_framework.test import APIClient

from studyportal.core import spool
from studyportal.dicom.multipart import MultipartBroken, media_type, parts_of
from studyportal.imaging.models import Arrival
from studyportal.imaging.services import read_spool
from studyportal.sites.rules import Role
from tests import factories as make
from tests.portal.dicom_files import ct_slice, dataset_bytes, file_bytes, stored_files
from tests.portal.dicomweb import client_of

pytestmark = pytest.mark.django_db
KIND = 'multipart/related; type="application/dicom"; boundary=x'


@pytest.fixture
def site():
    return make.SiteFactory(code="SPH")


@pytest.fixture
def coordinator(site):
    return make.person(Role.COORDINATOR, site)


def body_of(*files: bytes, kind: str = "application/dicom") -> bytes:
    parts = b"".join(b"\r\n--x\r\nContent-Type: %s\r\n\r\n%s" % (kind.encode(), f) for f in files)
    return parts + b"\r\n--x--"


def post(user, body: bytes, *, address: str = "studies", kind: str = KIND):
    client = APIClient()
    client.force_authenticate(user)
    return client.post(f"/dicomweb/{address}", body, content_type=kind)


def reasons(answer) -> list[int]:
    items = answer.json().get("00081198", {}).get("Value", [])
    return [item["00081197"]["Value"][0] for item in items]


@pytest.mark.parametrize("chunk_size", [10**6, 500])
def test_good_instances_are_all_stored_byte_for_byte(coordinator, settings, chunk_size):
    images = [ct_slice(1), ct_slice(2)]
    answer = client_of(coordinator, chunk_size=chunk_size).store_instances(images)
    assert [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence] == [
        image.SOPInstanceUID for image in images
    ]
    kept = {dataset_bytes(path.read_bytes()) for path in stored_files(settings.SPOOL_DIR)}
    assert kept == {dataset_bytes(file_bytes(image)) for image in images}
    assert [batch.ending for batch in spool.ended_batches()] == ["released"]


def test_a_mixture_is_partly_stored_and_names_the_others(coordinator, settings):
    other = ct_slice(2)
    other.SOPClassUID = other.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    answer = post(coordinator, body_of(file_bytes(ct_slice(1)), file_bytes(other), b"no DICOM"))
    assert answer.status_code == 202
    assert answer["Content-Type"] == "application/dicom+json"
    assert reasons(answer) == [0x0122]
    assert answer.json()["0008119A"]["Value"][0]["00081197"]["Value"] == [0xC000]
    assert len(stored_files(settings.SPOOL_DIR)) == 1


def test_cut_and_deflated_instances_are_refused_and_nothing_is_stored(coordinator, settings):
    deflated = ct_slice()
    deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    answer = post(coordinator, body_of(file_bytes(ct_slice())[:400], file_bytes(deflated)))
    assert answer.status_code == 409
    others = answer.json()["0008119A"]["Value"]
    assert [item["00081197"]["Value"][0] for item in others] == [0xC000, 0xC122]
    assert stored_files(settings.SPOOL_DIR) == []


def test_the_same_bytes_are_stored_once_and_other_bytes_are_named_as_duplicate(
    coordinator, settings
):
    for _ in range(2):
        assert post(coordinator, body_of(file_bytes(ct_slice(value=7)))).status_code == 200
    answer = post(coordinator, body_of(file_bytes(ct_slice(value=8))))
    assert (answer.status_code, reasons(answer)) == (409, [0x0111])
    assert len(stored_files(settings.SPOOL_DIR)) == 1


def test_an_instance_of_another_study_than_the_named_one_is_not_stored(coordinator):
    answer = post(coordinator, body_of(file_bytes(ct_slice())), address="studies/9.9")
    assert (answer.status_code, reasons(answer)) == (409, [0xA900])


def test_what_came_by_the_web_lands_in_the_inbox_of_the_site(coordinator):
    post(coordinator, body_of(file_bytes(ct_slice())))
    assert read_spool() == 1
    row = Arrival.objects.get()
    assert (row.site.code, row.way, row.sender) == ("SPH", "stow", coordinator.username)


def test_who_may_upload_at_several_sites_names_one(site, settings):
    manager = make.MembershipFactory(role=Role.DATA_MANAGER, site=None).user
    make.SiteFactory(code="SEH")
    assert post(manager, body_of(file_bytes(ct_slice()))).status_code == 400
    client_of(manager, prefix="sites/SEH").store_instances([ct_slice()])
    assert len(stored_files(settings.SPOOL_DIR, "SEH")) == 1


def test_a_site_at_which_one_may_not_upload_does_not_exist(coordinator):
    make.SiteFactory(code="SEH")
    answer = post(coordinator, body_of(file_bytes(ct_slice())), address="sites/SEH/studies")
    assert answer.status_code == 404


def test_a_body_that_ends_early_keeps_what_was_complete_and_counts_as_broken_off(
    coordinator, settings
):
    body = body_of(file_bytes(ct_slice(1)), file_bytes(ct_slice(2)))[:-40]
    assert post(coordinator, body).status_code == 400
    assert len(stored_files(settings.SPOOL_DIR)) == 1
    assert [batch.ending for batch in spool.ended_batches()] == ["broken_off"]
    assert not list(settings.SPOOL_DIR.rglob(".incoming-*"))


def test_a_file_larger_than_an_image_is_not_stored_and_the_next_one_is(coordinator, settings):
    settings.UPLOAD_MAX_BYTES_PER_FILE = 2000
    answer = post(coordinator, body_of(b"x" * 5000, file_bytes(ct_slice())))
    assert answer.status_code == 202
    assert len(stored_files(settings.SPOOL_DIR)) == 1


def test_a_full_disk_is_said_in_the_answer(coordinator, settings):
    settings.SPOOL_MIN_FREE_BYTES = 1 << 60
    answer = post(coordinator, body_of(file_bytes(ct_slice())))
    assert answer.status_code == 409
    assert answer.json()["0008119A"]["Value"][0]["00081197"]["Value"] == [0xA700]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/dicom", 415),
        ('multipart/related; type="application/dicom+json"; boundary=x', 415),
        ('multipart/related; type="application/dicom"', 400),
        ("", 415),
    ],
)
def test_another_kind_of_body_is_refused(coordinator, kind, status):
    assert post(coordinator, body_of(b"x"), kind=kind).status_code == status


def test_a_client_that_is_refused_hears_so_as_an_exception(coordinator):
    bad = ct_slice()
    bad.SOPClassUID = bad.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    with pytest.raises(HTTPError, match="409"):
        client_of(coordinator).store_instances([bad])


def parsed(body: bytes, *, piece: int) -> list[tuple[str, bytes]]:
    rest = bytearray(body)

    def read(size: int) -> bytes:
        taken = bytes(rest[: min(size, piece)])
        del rest[: len(taken)]
        return taken

    return [(part.media_type.name, b"".join(part.content)) for part in parts_of(read, "x")]


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 10**6])
def test_parts_are_the_same_however_the_body_is_cut(piece):
    tricky = b"\r\n-\r\n--\r\n--y\r\r\n"
    body = b"preamble" + body_of(tricky, b"", kind="text/plain") + b"\r\nepilogue"
    assert parsed(body, piece=piece) == [("text/plain", tricky), ("text/plain", b"")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no delimiter at all",
        b"--x\r\nContent-Type: a/b\r\n\r\ncut",
        b"--xtail\r\n\r\n\r\n--x--",
        b"--x\r\nno colon\r\n\r\n\r\n--x--",
        b"--x\r\n" + b"A: b\r\n" * 5000 + b"\r\n\r\n--x--",
        b"--x\r\nContent-Type: " + b"a" * 10000,
    ],
)
def test_a_malformed_body_is_refused(body):
    with pytest.raises(MultipartBroken):
        parsed(body, piece=100)


def test_a_large_body_is_never_in_memory_as_a_whole():
    left = [b"--x\r\n\r\n", *[b"\r\n-" * 65_536] * 64, b"\r\n--x--"]
    tracemalloc.start()
    size = sum(len(p) for part in parts_of(lambda _: left.pop(0), "x") for p in part.content)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == 64 * 3 * 65_536
    assert peak < 2 << 20


def test_a_part_that_nobody_reads_is_passed_over():
    body = body_of(b"first", b"second")
    stream = iter([body, b""])
    names = [part.media_type.name for part in parts_of(lambda _size: next(stream), "x")]
    assert names == ["application/dicom"] * 2


def test_parameters_of_a_media_type_are_read_quoted_or_not():
    found = media_type('Multipart/Related; TYPE="application/dicom"; boundary=abc')
    assert found.name == "multipart/related"
    assert found.parameters == {"type": "application/dicom", "boundary": "abc"}
