"""Files of a series that are cleaned with what they share are, byte for byte, what each gives alone."""

from io import BytesIO

import pydicom
import pytest
from pydicom.uid import ImplicitVRLittleEndian

from studyportal.imaging.rules import (
    DeidentificationKey,
    PseudonymContext,
    deidentify,
    series_cleaning,
)
from studyportal.imaging.rules.cleaning import PixelsChanged, deidentified_copy
from studyportal.imaging.rules.reading import Reading
from studyportal.imaging.rules.seal import SealError
from studyportal.imaging.rules.series_cleaning import SeriesCleaner
from tests.portal.test_copying import Watched

CONTEXT = PseudonymContext.of_participant(
    participant_code="SPH-00007", site_code="SPH", key=DeidentificationKey(b"k" * 40)
)


def written(dataset) -> bytes:
    stream = BytesIO()
    pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def alone(content: bytes):
    cleaned, report = deidentify(pydicom.dcmread(BytesIO(content)), context=CONTEXT)
    return written(cleaned), report


@pytest.fixture
def slices(phantom):
    def made(kind: str, change=None) -> list[bytes]:
        contents = []
        for number, path in enumerate(sorted((phantom() / kind).iterdir())[:4]):
            image = pydicom.dcmread(path)
            image.PatientName, image.PatientID = "DOE^JOHN", "MRN-77"
            if change:
                change(number, image)
            contents.append(written(image))
        return contents

    return made


def without_kinds(_number, image) -> None:
    image.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian


def named_in_a_setting(number, image) -> None:
    image.ProtocolName = image.ConvolutionKernel = "SMITHERS" if number == 2 else "B40f"
    image.OperatorsName = "SMITHERS^ANN" if number > 1 else ""


def maker_changes(number, image) -> None:
    block = image.private_block(
        0x7053, "Philips PET Private Group" if number % 2 else "X", create=True
    )
    block.add_new(0x00, "DS", "0.5")


def broken_date(number, image) -> None:
    image["StudyDate"]._value = "no date" if number == 1 else "20200101"


@pytest.mark.parametrize("kind", ["CT", "PET"])
@pytest.mark.parametrize(
    "change", [None, without_kinds, named_in_a_setting, maker_changes, broken_date]
)
def test_every_file_of_a_series_is_cleaned_as_it_is_alone(slices, kind, change, monkeypatch):
    monkeypatch.setattr(
        series_cleaning, "_generally", None
    )  # not by the way that it is compared with
    cleaner = SeriesCleaner(CONTEXT)
    for content in slices(kind, change):
        cleaned = cleaner.clean(content)
        expected, report = alone(content)
        assert cleaned.content == expected
        assert cleaned.report == report


def test_a_name_that_first_appears_in_a_later_file_is_struck_out_there(slices):
    cleaner = SeriesCleaner(CONTEXT)
    copies = [cleaner.clean(content).content for content in slices("CT", named_in_a_setting)]
    assert not any(b"SMITHERS" in copy for copy in copies)
    assert b"B40f" in copies[3]


def test_a_file_with_a_false_seal_is_refused_after_good_ones(slices):
    cleaner = SeriesCleaner(CONTEXT)
    first, second, *_ = slices("CT")
    sealed = pydicom.dcmread(BytesIO(cleaner.clean(first).content))
    sealed.StudyDate = "19990101"
    cleaner.clean(second)
    with pytest.raises(SealError):
        cleaner.clean(written(sealed))


def asked(folder) -> dict:
    identity = {"participant_code": "SPH-00007", "site_code": "SPH", "key": "k" * 40}
    return {"out": str(folder), "entries": {}, **identity}


def test_a_copy_with_other_pixels_than_its_original_is_never_taken(slices, tmp_path, monkeypatch):
    files = []
    for number, content in enumerate(slices("CT")):
        files.append(tmp_path / f"{number}")
        files[-1].write_bytes(content)
    (tmp_path / "out").mkdir()
    question = asked(tmp_path / "out")
    reading = Reading(Watched())
    given = {k: v for k, v in question.items() if k != "out"}
    assert reading.read([str(path) for path in files], **given)["refusals"] == []
    series = reading._series
    real = SeriesCleaner.clean

    def spoiling(self, content):
        made = real(self, content)
        spoiled = made.content[:-1] + bytes([made.content[-1] ^ 1])
        return type(made)(spoiled, made.sop_instance_uid, made.report)

    assert len(deidentified_copy(series, watch=Watched(), **question)["files"]) == 4
    monkeypatch.setattr(SeriesCleaner, "clean", spoiling)
    with pytest.raises(PixelsChanged):
        deidentified_copy(series, watch=Watched(), **question)
