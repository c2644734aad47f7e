"""The walk over a header finds what a general parser finds, and gives up where the bytes are none."""

from io import BytesIO

import pytest
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence

from studyportal.dicom.accepted import EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN
from studyportal.dicom.elements import ElementsBroken, values_of
from studyportal.dicom.head import NotDicom, read_head
from tests.portal.dicom_files import ct_slice

SERIES = 0x0020000E


def encoded(*, implicit: bool, undefined: bool) -> bytes:
    """A header with nested sequences, long and private elements before the series UID."""
    image, item, inner = Dataset(), Dataset(), Dataset()
    image.update(ct_slice())
    inner.SeriesInstanceUID = "9.9.9"
    item.ReferencedSOPInstanceUID, item.PurposeOfReferenceCodeSequence = "9.9", Sequence([inner])
    image.ReferencedImageSequence = Sequence([item, item])
    image.add_new(0x00090010, "LO", "SOMEBODY")
    image.add_new(0x00091001, "OB", b"\0" * 3000)
    for dataset in (image, item):
        for element in dataset:
            if element.VR == "SQ":
                element.is_undefined_length = undefined
                for one in element.value:
                    one.is_undefined_length_sequence_item = undefined
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, implicit
    write_dataset(buffer, image)
    return buffer.getvalue()


@pytest.mark.parametrize("undefined", [True, False])
@pytest.mark.parametrize("syntax", [IMPLICIT_LITTLE_ENDIAN, EXPLICIT_LITTLE_ENDIAN])
def test_uids_are_found_behind_sequences_and_private_elements(syntax, undefined):
    content = encoded(implicit=syntax == IMPLICIT_LITTLE_ENDIAN, undefined=undefined)
    head = read_head(BytesIO(content), transfer_syntax=syntax)
    assert (head.sop_instance, head.study, head.series) == ("1.2.3.5.1", "1.2.3.4", "1.2.3.5")


def test_a_header_cut_anywhere_before_its_last_uid_is_refused():
    content = encoded(implicit=False, undefined=True)
    end = content.index(b"1.2.3.5\0", content.index(b"1.2.3.4\0")) + 7
    for at in range(0, end, 37):
        with pytest.raises(NotDicom):
            read_head(BytesIO(content[:at]), transfer_syntax=EXPLICIT_LITTLE_ENDIAN)


@pytest.mark.parametrize(
    "content",
    [
        b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\0\xe0\xff\xff\xff\xff" * 50,
        b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\0\xe0\0\0\0\0" * 30_000,
        b"\x08\0\x18\0UI\xff\xff1.2",
        b"\x08\0\x18\0\0\0\0\0",
    ],
    ids=["nested too deeply", "too many items", "longer than any UID", "no representation"],
)
def test_bytes_that_are_no_header_are_given_up_on(content):
    with pytest.raises(ElementsBroken):
        values_of(BytesIO(content), {0x00080018, SERIES}, implicit=False, last=SERIES, most=400)
