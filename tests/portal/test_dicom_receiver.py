"""The C-STORE receiver against a real sender on the loopback: what it keeps, what it answers, whom it lets in."""

import hashlib
import json
import resource
import socket
import time
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEGBaseline8Bit,
)
from pynetdicom import AE
from pynetdicom.dsutils import encode

from studyportal.core import spool
from studyportal.dicom import arriving
from studyportal.dicom.head import Head
from studyportal.dicom.receiver import Address, Receiver
from tests.portal.dicom_files import (
    SENDERS,
    Caller,
    PortSender,
    close_sockets_for_sure,
    ct_slice,
    dataset_bytes,
    stored_files,
)


@pytest.fixture
def place(settings, tmp_path) -> Path:
    settings.SPOOL_DIR = tmp_path / "spool"
    return settings.SPOOL_DIR


@pytest.fixture
def port(place, monkeypatch):
    close_sockets_for_sure(monkeypatch)
    receiver = Receiver(SENDERS)
    yield receiver.start(Address("127.0.0.1", 0)).port
    receiver.stop()


def ended() -> list[spool.ReceivedBatch]:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not any(batch.ending for batch in spool.ended_batches()):
        time.sleep(0.01)
    return list(spool.ended_batches())


def test_an_image_lies_on_disk_byte_for_byte_under_its_digest(port, place):
    image = ct_slice()
    assert PortSender(port).send([image]) == [0x0000]
    (path,) = stored_files(place)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    assert dataset_bytes(path.read_bytes()) == encode(image, False, True)
    (batch,) = ended()
    assert (batch.site_code, batch.ending, batch.files) == ("SPH", "released", [path])


def test_no_path_holds_a_word_of_the_sender(port, place):
    image = ct_slice()
    PortSender(port).send([image])
    names = " ".join(str(path.relative_to(place)) for path in place.rglob("*"))
    assert not any(word in names for word in ("PACS", "1.2.3", "H-1", "Somebody"))


def test_the_same_bytes_again_are_a_success_and_nothing_new(port, place):
    for _ in range(2):
        assert PortSender(port).send([ct_slice()]) == [0x0000]
    assert len(stored_files(place)) == 1


def test_other_bytes_under_the_same_uid_are_a_conflict_and_the_old_ones_stay(port, place):
    PortSender(port).send([ct_slice(value=7)])
    before = [path.read_bytes() for path in stored_files(place)]
    assert PortSender(port).send([ct_slice(value=8)]) == [0x0111]
    assert [path.read_bytes() for path in stored_files(place)] == before
    lines = [line for path in place.glob("SPH/*/journal") for line in path.read_text().splitlines()]
    (conflict,) = [json.loads(line) for line in lines if '"conflict"' in line]
    assert conflict["kept"] != conflict["refused"]


def test_each_site_has_its_own_instances(port, place):
    PortSender(port).send([ct_slice(value=7)])
    assert PortSender(port, calling="CT1").send([ct_slice(value=8)]) == [0x0000]
    assert len(stored_files(place, "SEH")) == 1


def test_an_instance_that_was_deleted_can_be_sent_with_other_bytes(port, place):
    PortSender(port).send([ct_slice(value=7)])
    spool.forget("SPH", [spool.keyed("SPH", "1.2.3.5.1")])
    assert PortSender(port).send([ct_slice(value=8)]) == [0x0000]


def test_success_is_answered_only_after_the_bytes_and_the_name_are_on_disk(port, monkeypatch):
    acts = []
    sync, rename = spool.sync, Path.rename
    monkeypatch.setattr(
        spool, "sync", lambda path: (acts.append(f"sync {path.is_dir()}"), sync(path))[1]
    )
    monkeypatch.setattr(
        Path, "rename", lambda path, to: (acts.append("rename"), rename(path, to))[1]
    )
    PortSender(port).send([ct_slice()])
    assert acts[-3:] == ["rename", "sync False", "sync True"]


def test_a_broken_association_keeps_what_was_answered_and_says_that_it_broke(port, place):
    PortSender(port).send([ct_slice()], abort=True)
    (batch,) = ended()
    assert batch.ending == "broken_off"
    assert len(batch.files) == 1


def test_an_echo_is_answered_and_leaves_nothing(port, place):
    association = PortSender(port).open()
    assert association.send_c_echo().Status == 0x0000
    association.release()
    assert not place.exists()


@pytest.mark.parametrize(("calling", "called"), [("STRANGER", "STUDYPORTAL"), ("PACS", "ANOTHER")])
def test_a_sender_that_is_not_on_the_list_is_rejected(port, place, calling, called):
    association = PortSender(port, calling=calling, called=called).open()
    assert association.is_rejected
    assert not place.exists()


@pytest.mark.parametrize(
    "syntax", [DeflatedExplicitVRLittleEndian, JPEGBaseline8Bit, ExplicitVRBigEndian]
)
def test_deflated_lossy_and_big_endian_are_not_negotiated(port, syntax):
    entity = AE(ae_title="PACS")
    entity.add_requested_context(CTImageStorage, syntax)
    association = entity.associate("127.0.0.1", port, ae_title="STUDYPORTAL")
    assert not association.accepted_contexts
    association.abort()


def test_an_image_whose_dataset_names_another_instance_is_refused(port, place, monkeypatch):
    monkeypatch.setattr(
        arriving, "read_head",
        lambda *args, **more: Head("1.2.840.10008.5.1.4.1.1.2", "9.9", "1.2", "1.3"),
    )  # fmt: skip
    assert PortSender(port).send([ct_slice()]) == [0xA900]
    assert stored_files(place) == []


def test_an_image_without_a_series_uid_is_refused(port, place):
    image = ct_slice()
    del image.SeriesInstanceUID
    assert PortSender(port).send([image]) == [0xC000]
    assert stored_files(place) == []


def test_a_full_disk_is_said_before_anything_is_written(port, place, settings):
    settings.SPOOL_MIN_FREE_BYTES = 1 << 60
    assert PortSender(port).send([ct_slice()]) == [0xA700]
    assert stored_files(place) == []


def test_a_file_that_is_too_large_ends_the_association(port, place, settings):
    settings.UPLOAD_MAX_BYTES_PER_FILE = 1 << 20
    image = ct_slice()
    image.PixelData = b"\0" * (3 << 20)
    association = PortSender(port).open()
    assert association.send_c_store(image).get("Status") is None
    assert stored_files(place) == []


def test_a_length_of_four_gigabytes_reserves_no_memory(port, settings):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        wire.sendall(b"\x01\x00\xff\xff\xff\xff")
        assert wire.recv(64)[:1] in (b"", b"\x07")


def test_a_kept_file_says_what_it_is_as_the_standard_wants(port, place):
    PortSender(port).send([ct_slice()])
    (path,) = stored_files(place)
    said = pydicom.dcmread(path, force=False).file_meta
    assert said.MediaStorageSOPClassUID == CTImageStorage
    assert said.MediaStorageSOPInstanceUID == "1.2.3.5.1"
    assert said.TransferSyntaxUID.is_little_endian
    rewritten = BytesIO()
    pydicom.filewriter.write_file_meta_info(rewritten, said)
    assert path.read_bytes()[132:].startswith(rewritten.getvalue())


def test_an_image_in_pieces_of_any_size_is_kept_whole(port, place):
    image = encode(ct_slice(), False, True)
    with Caller(port) as caller:
        caller.command(caller.store_request("1.2.3.5.1"), pieces=3)
        caller.dataset(image, pieces=5)
        assert caller.status() == 0x0000
    assert dataset_bytes(stored_files(place)[0].read_bytes()) == image


def test_an_image_of_another_class_than_its_context_is_refused(port, place):
    image = ct_slice()
    image.SOPClassUID = "1.2.840.10008.5.1.4.1.1.128"
    with Caller(port) as caller:
        caller.command(caller.store_request("1.2.3.5.1", sop_class=image.SOPClassUID))
        caller.dataset(encode(image, False, True))
        assert caller.status() == 0xA900
    assert stored_files(place) == []


def test_an_instance_uid_that_is_a_path_is_refused_and_no_file_appears(port, place):
    image = ct_slice()
    image["SOPInstanceUID"]._value = "../../x"
    with Caller(port) as caller:
        caller.command(caller.store_request("../../x"))
        caller.dataset(encode(image, False, True))
        assert caller.status() == 0xC000
    assert {path.name for path in place.parent.rglob("*") if path.is_file()} == {"journal"}


def test_an_operation_that_is_not_offered_is_answered_so(port):
    with Caller(port) as caller:
        caller.command(caller.request(field=0x0020, dataset=True))  # C-FIND
        caller.dataset(b"")
        assert caller.status() == 0x0211


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x01\0\0\0\0\x08\0\x01\0\0AAAA",
        b"\x04\0\0\0\0\x06\0\0\0\x02\x01\x03",
        b"\x01\0\0\x02\0\x01",
    ],
)
def test_a_caller_who_does_not_speak_the_protocol_is_hung_up_on(port, place, sent):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        wire.sendall(sent)
        wire.shutdown(socket.SHUT_WR)
        assert wire.recv(64)[:1] in (b"", b"\x07")
    assert not place.exists()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x04\0\0\0\0\x04\0\0\0\x00",  # a value shorter than its own head
        b"\x04\0\0\0\0\x06\0\0\xff\xff\x01\x00",  # longer than its unit
        b"\x04\0\0\0\0\x06\0\0\0\x02\x01\x02",  # a dataset that nobody announced
        b"\x04\0\0\0\0\x08\0\0\0\x04\x01\x03ab",  # a command set that is none
        b"\x02\0\0\0\0\0",  # an answer, not a request
    ],
)
def test_a_sender_who_breaks_the_protocol_hears_that_it_is_over(port, sent):
    with Caller(port) as caller:
        caller.raw(sent)
        assert caller.heard()[0] == 0x07


def test_when_as_many_are_talked_with_as_may_be_the_next_hears_to_come_back(port, settings):
    settings.DICOM_MAX_ASSOCIATIONS = 1
    with Caller(port), Caller(port) as second:
        assert second.answer == b"\x03\0\x02\x03\x02"


@contextmanager
def largest_file(size: int):
    """Writing beyond this fails, as on a disk that is full."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def test_an_image_for_which_the_disk_had_no_room_is_not_kept_and_the_next_one_is(port, place):
    large = ct_slice(1)
    large.PixelData = b"\0" * 400_000
    with largest_file(200_000):
        assert PortSender(port).send([large, ct_slice(2)]) == [0xA700, 0x0000]
    assert [dataset_bytes(path.read_bytes()) for path in stored_files(place)] == [
        encode(ct_slice(2), False, True)
    ]
    assert not list(place.rglob(".incoming-*"))
    assert ended()[0].ending == "broken_off"
