"""A file cut into its elements reads as a general parser reads it; another layout is left to that parser."""

from io import BytesIO

import pydicom
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from evaluation.imaging.pieces import cut
from evaluation.imaging.pixels import pixel_facts
from evaluation.imaging.reader import InstanceReader, read_instance
from evaluation.imaging.shared_header import HeaderReader


def slice_of(
    number: int, *, syntax: str = ExplicitVRLittleEndian, open_lists: bool = False
) -> bytes:
    """A CT slice of 4 x 6 pixels as a file."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = syntax
    image.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    image.SOPInstanceUID, image.SeriesInstanceUID = generate_uid(), "1.2.3"
    image.StudyInstanceUID, image.Modality, image.PatientID = "1.2", "CT", "P1"
    image.SpecificCharacterSet, image.PatientName = "ISO_IR 100", "M\xfcller"
    code = Dataset()
    code.CodeValue, code.CodeMeaning = "T-D3000", "Chest"
    code.is_undefined_length_sequence_item = open_lists
    image.AnatomicRegionSequence = Sequence([code])
    image["AnatomicRegionSequence"].is_undefined_length = open_lists
    image.private_block(0x0019, "MAKER", create=True).add_new(1, "SH", "own")
    image.InstanceNumber, image.ImagePositionPatient = number, [0, 0, 2 * number]
    image.ImageOrientationPatient, image.PixelSpacing = [1, 0, 0, 0, 1, 0], [1, 1]
    image.Rows, image.Columns, image.SamplesPerPixel = 4, 6, 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    image.PixelRepresentation, image.RescaleSlope, image.RescaleIntercept = 0, 1, -1024
    image.PixelData = bytes(range(number, number + 48))
    image["PixelData"].VR = "OW"
    written = BytesIO()
    pydicom.dcmwrite(written, image, enforce_file_format=True)
    return written.getvalue()


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("open_lists", [False, True])
def test_headers_that_share_elements_are_those_of_the_general_parser(syntax, open_lists):
    reader, shared_tags, like = HeaderReader(), [], None
    for number in range(3):
        content = slice_of(number, syntax=syntax, open_lists=open_lists)
        like = cut(content, like=like)
        header, shared = reader.header(like)
        general = pydicom.dcmread(BytesIO(content), stop_before_pixels=True)
        assert header == general
        assert header.file_meta == general.file_meta
        reader.remember(like, header)
        shared_tags.append(len(shared))
    assert shared_tags[0] == 0
    assert shared_tags[2] == len(like.elements) - 3  # image UID, number, position


def test_the_same_bytes_under_another_character_set_are_read_anew():
    reader = HeaderReader()
    first = cut(slice_of(0))
    reader.remember(first, reader.header(first)[0])
    other = cut(slice_of(1).replace(b"ISO_IR 100", b"ISO_IR 144"))
    header, shared = reader.header(other)
    assert not shared
    assert header.PatientName != "M\xfcller"


def test_a_file_that_resembles_another_is_cut_as_if_it_stood_alone():
    one, other = slice_of(1, open_lists=True), slice_of(2)
    like = cut(one)
    assert cut(other, like=like).elements == cut(other).elements
    assert cut(one, like=cut(other)).pixels_at == like.pixels_at


def broken(content: bytes, kind: str) -> bytes:
    at = content.index(b"\x10\x00\x20\x00LO")  # PatientID
    swapped = content[at : at + 10], content[at + 10 :]
    return {
        "cut": content[:-1],
        "longer": content + b"\0\0",
        "unknown kind": content[: at + 4] + b"ZZ" + content[at + 6 :],
        "out of order": content[:at] + b"\x08\x00\x01\x00" + content[at + 4 :],
        "longer than the file": content[: at + 6] + b"\xff\xff" + content[at + 8 :],
        "no preamble": content[132:],
        "twice": content[:at] + swapped[0] + swapped[0] + swapped[1],
    }[kind]


@pytest.mark.parametrize(
    "kind",
    [
        "cut",
        "longer",
        "unknown kind",
        "out of order",
        "longer than the file",
        "no preamble",
        "twice",
    ],
)
def test_what_is_not_laid_out_as_the_standard_says_is_not_cut(kind, tmp_path):
    content = broken(slice_of(1), kind)
    assert cut(content, like=cut(slice_of(0))) is None
    (tmp_path / "a").write_bytes(slice_of(0))
    (tmp_path / "b").write_bytes(content)
    reader = InstanceReader(values="measured")
    reader.read(tmp_path / "a")
    assert reader.read(tmp_path / "b").reasons == read_instance(tmp_path / "b").reasons


def test_the_beginning_of_a_file_is_cut_when_its_size_is_told():
    content = slice_of(1)
    whole = cut(content)
    beginning = cut(content[: whole.value_at], size=len(content))
    assert beginning.elements == whole.elements
    assert cut(content[: whole.value_at], size=len(content) - 2) is None


def test_values_that_are_measured_and_not_kept_are_like_those_that_are(tmp_path):
    (tmp_path / "a").write_bytes(slice_of(3))
    kept = read_instance(tmp_path / "a").pixels
    measured = InstanceReader(values="measured").read(tmp_path / "a")
    assert measured.pixels is None
    assert measured.plane.facts == pixel_facts(kept[None])
    assert measured.plane.middle.tolist() == kept[2].tolist()
    assert measured.plane.highest.tolist() == kept.max(axis=0).tolist()
    assert (
        kept.tolist()
        == (pydicom.dcmread(tmp_path / "a").pixel_array.astype("float64") - 1024).tolist()
    )
