"""Small DICOM instances for tests of the network entrances, and a sender that reports each status."""

import socket
from collections.abc import Iterable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE
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
