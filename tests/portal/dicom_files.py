"""Small DICOM instances for tests of the network entrances, and a sender that reports each status."""

import socket
from collections.abc import Iterable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE, build_context
from pynetdicom.dsutils import decode
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
)
from pynetdicom.transport import AssociationSocket

from studyportal.core.spool import Batch, Outcome
from studyportal.dicom.head import file_start
from studyportal.dicom.keeping import settle_file
from studyportal.dicom.senders import Sender, Senders

SENDERS = Senders((Sender("PACS", "STUDYPORTAL", "SPH"), Sender("CT1", "STUDYPORTAL", "SEH")))


def ct_slice(
    number: int = 1, *, value: int = 7, patient: str = "H-1", series: int = 5
) -> FileDataset:
    """One CT slice of 8 × 8 pixels, as an image that was read from a file."""
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, f"1.2.3.{series}.{number}"
    image.StudyInstanceUID, image.SeriesInstanceUID = "1.2.3.4", f"1.2.3.{series}"
    image.PatientID, image.PatientName, image.Modality = patient, "Somebody^Known", "CT"
    image.InstanceNumber = number
    image.Rows = image.Columns = 8
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation, image.SamplesPerPixel = 15, 1, 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.PixelData = np.full((8, 8), value, np.int16).tobytes()
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
        image.SOPClassUID,
        image.SOPInstanceUID,
    )
    return FileDataset("", image, file_meta=meta, preamble=b"\0" * 128)


def file_bytes(image: FileDataset) -> bytes:
    """The image as a DICOM file."""
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, image, enforce_file_format=True)
    return buffer.getvalue()


def dataset_bytes(content: bytes) -> bytes:
    """The bytes of a DICOM file after its file meta information."""
    stream = BytesIO(content)
    file_start(stream)
    return stream.read()


class PortSender:
    """A DICOM sender on this machine; `send` returns the status of each image."""

    def __init__(self, port: int, *, calling: str = "PACS", called: str = "STUDYPORTAL") -> None:
        self._entity = AE(ae_title=calling)
        self._entity.add_requested_context("1.2.840.10008.1.1")
        self._entity.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
        self._where = {"addr": "127.0.0.1", "port": port, "ae_title": called}

    def open(self):
        return self._entity.associate(**self._where)

    def send(self, images: Iterable[Dataset], *, abort: bool = False) -> list[int]:
        association = self.open()
        assert association.is_established
        statuses = [association.send_c_store(image).get("Status") for image in images]
        association.abort() if abort else association.release()
        return statuses


class Caller:
    """Talks with the receiver byte by byte, also as no real sender would; context 1 is CT in explicit VR."""

    def __init__(self, port: int) -> None:
        self._wire = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.raw(_association_request())
        kind, content = self.heard()
        self.answer = bytes((kind,)) + content

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_) -> None:
        self._wire.close()

    def raw(self, content: bytes) -> None:
        self._wire.sendall(content)

    def heard(self) -> tuple[int, bytes]:
        """Type and content of the next unit."""
        head = self._exactly(6)
        return head[0], self._exactly(int.from_bytes(head[2:], "big"))

    def command(self, content: bytes, *, pieces: int = 1) -> None:
        self._values(content, pieces, control=1)

    def dataset(self, content: bytes, *, pieces: int = 1) -> None:
        self._values(content, pieces, control=0)

    def status(self) -> int:
        """The status in the next answer."""
        _kind, content = self.heard()
        return int(decode(BytesIO(content[6:]), True, True).Status)

    def store_request(self, instance: str, *, sop_class: str = CTImageStorage) -> bytes:
        return self.request(field=1, dataset=True, sop_class=sop_class, instance=instance)

    @staticmethod
    def request(
        *, field: int, dataset: bool, sop_class: str = CTImageStorage, instance: str = ""
    ) -> bytes:
        said = [(2, sop_class.encode()), (0x100, _short(field)), (0x110, _short(1))]
        said += [(0x800, _short(1 if dataset else 0x101)), (0x1000, instance.encode())]
        return b"".join(
            _short(0) + _short(element) + len(even).to_bytes(4, "little") + even
            for element, value in said
            for even in [value + b"\0" * (len(value) % 2)]
        )

    def _values(self, content: bytes, pieces: int, *, control: int) -> None:
        size = max(1, -(-len(content) // pieces))
        parts = [content[at : at + size] for at in range(0, len(content), size)] or [b""]
        for number, part in enumerate(parts, 1):
            last = 2 if number == len(parts) else 0
            value = (len(part) + 2).to_bytes(4, "big") + bytes((1, control | last)) + part
            self.raw(b"\x04\0" + len(value).to_bytes(4, "big") + value)

    def _exactly(self, count: int) -> bytes:
        got = b""
        while len(got) < count and (piece := self._wire.recv(count - len(got))):
            got += piece
        return got


def _short(number: int) -> bytes:
    return number.to_bytes(2, "little")


def _association_request() -> bytes:
    asked = A_ASSOCIATE()
    asked.application_context_name = UID("1.2.840.10008.3.1.1.1")
    asked.calling_ae_title, asked.called_ae_title = "PACS", "STUDYPORTAL"
    context = build_context(CTImageStorage, ExplicitVRLittleEndian)
    context.context_id = 1
    asked.presentation_context_definition_list = [context]
    longest, who = MaximumLengthNotification(), ImplementationClassUIDNotification()
    longest.maximum_length_received = 16384
    who.implementation_class_uid = UID("1.2.3")
    asked.user_information = [longest, who]
    return A_ASSOCIATE_RQ(asked).encode()


def stored_files(spool: Path, site: str = "SPH") -> list[Path]:
    """Every file that lies in the spool of a site."""
    return sorted(path for path in spool.glob(f"{site}/*/*") if len(path.name) == 64)


def close_sockets_for_sure(monkeypatch) -> None:
    """The sender's library forgets to close a socket that the other side closed first, and tests take leaks as faults."""

    def closed(wrapped: AssociationSocket) -> None:
        with suppress(OSError):
            wrapped.socket.shutdown(socket.SHUT_RDWR)
        wrapped.socket.close()

    monkeypatch.setattr(AssociationSocket, "_shutdown_socket", closed)


def keep_file(batch: Batch, content: bytes, *, site_code: str) -> Outcome:
    """The file came in this batch."""
    temporary = batch.incoming()
    temporary.write_bytes(content)
    return settle_file(batch, temporary, site_code=site_code)[1]
