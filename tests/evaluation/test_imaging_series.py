import imagecodecs
import numpy as np
import pytest
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from evaluation.imaging import SeriesRefused, read_series, scan_folder
from tests.evaluation.imaging_series import (
    COLUMNS,
    ROWS,
    ct_series,
    ct_slice,
    pet_slice,
    write_series,
)


def refusal_of(folder, **options):
    with pytest.raises(SeriesRefused) as refused:
        read_series(folder, **options)
    return {reason.id: reason for reason in refused.value.reasons}


def test_slices_are_ordered_by_position_whatever_instance_numbers_say(tmp_path):
    slices = [ct_slice(z, np.full((ROWS, COLUMNS), 1024 + int(z), np.int16)) for z in (6, 0, 3)]
    for number, slice_ in zip((1, 2, 3), slices, strict=True):
        slice_.InstanceNumber = number

    series = read_series(write_series(tmp_path, slices))

    assert series.stored_volume().array[:, 0, 0].tolist() == [0.0, 3.0, 6.0]
    assert series.grid.shape == (3, ROWS, COLUMNS)
    assert series.grid.spacing_mm == (3.0, 2.0, 4.0)
    assert series.grid.origin_mm == (-20.0, -30.0, 0.0)
    assert series.stored_volume().unit == "HU"


def test_each_slice_keeps_its_own_slope(tmp_path):
    slices = [pet_slice(0.0, slope=1.0), pet_slice(3.0, slope=0.125)]
    series = read_series(write_series(tmp_path, slices))

    assert series.stored_volume().array[:, 0, 0].tolist() == [5000.0, 625.0]


def test_facts_are_plain_values(tmp_path):
    facts = read_series(write_series(tmp_path, [pet_slice(0.0), pet_slice(3.0)])).facts

    assert (facts.modality, facts.units, facts.tracer) == ("PT", "BQML", "Fluorodeoxyglucose")
    assert (facts.dose_bq, facts.weight_kg, facts.half_life_s) == (350e6, 70.0, 6586.2)
    assert facts.z_range_mm == (0.0, 3.0)


def test_a_column_direction_that_points_up_gives_a_right_handed_grid(tmp_path):
    def flip(slices):
        for slice_ in slices:
            slice_.ImageOrientationPatient = [1.0, 0, 0, 0, -1.0, 0]

    grid = read_series(ct_series(tmp_path, flip)).grid

    assert np.linalg.det(np.array(grid.direction)) == pytest.approx(1.0)
    assert grid.origin_mm[2] == 15.0


@pytest.mark.parametrize("jitter", [0.0, 0.05, -0.05])
def test_small_jitter_of_positions_is_accepted(tmp_path, jitter):
    def shake(slices):
        slices[2].ImagePositionPatient = [-20.0, -30.0, 6.0 + jitter]

    assert read_series(ct_series(tmp_path, shake)).grid.shape[0] == 6


def test_a_missing_slice_is_refused_by_its_place(tmp_path):
    reason = refusal_of(ct_series(tmp_path, lambda slices: slices.pop(2)))["missing_slice"]
    assert "z = 6.00 mm" in reason.sentence


def test_uneven_spacing_is_refused(tmp_path):
    def stretch(slices):
        for k in (4, 5):
            slices[k].ImagePositionPatient = [-20.0, -30.0, 3.0 * k + 1.2]

    assert "irregular_spacing" in refusal_of(ct_series(tmp_path, stretch))


def test_two_slices_at_one_place_are_refused(tmp_path):
    def double(slices):
        slices[3].ImagePositionPatient = [-20.0, -30.0, 6.0]

    assert {"duplicate_position", "missing_slice"} <= set(refusal_of(ct_series(tmp_path, double)))


def test_gantry_tilt_is_refused_with_its_angle(tmp_path):
    def tilt(slices):
        for k, slice_ in enumerate(slices):
            slice_.ImagePositionPatient = [-20.0, -30.0 + 3.0 * k * np.tan(np.radians(10)), 3.0 * k]

    assert "10.0 degrees" in refusal_of(ct_series(tmp_path, tilt))["gantry_tilt"].sentence


def test_an_oblique_stack_without_shear_is_accepted(tmp_path):
    c, s = float(np.cos(0.2)), float(np.sin(0.2))

    def turn(slices):
        for k, slice_ in enumerate(slices):
            slice_.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, round(c, 8), round(s, 8)]
            slice_.ImagePositionPatient = [0.0, round(-3 * k * s, 6), round(3 * k * c, 6)]

    assert read_series(ct_series(tmp_path, turn)).grid.spacing_mm[0] == pytest.approx(3.0, abs=1e-5)


def test_a_slice_pushed_sideways_is_refused(tmp_path):
    def push(slices):
        slices[3].ImagePositionPatient = [-18.0, -30.0, 9.0]

    assert "in_plane_shift" in refusal_of(ct_series(tmp_path, push))


@pytest.mark.parametrize(
    ("keyword", "value", "fault"),
    [
        ("SeriesInstanceUID", "1.2.3", "mixed_series"),
        ("StudyInstanceUID", "1.2.3", "mixed_series"),
        ("FrameOfReferenceUID", "1.2.3", "mixed_frame_of_reference"),
        ("PatientID", "P-002", "mixed_patient"),
        ("ImageOrientationPatient", [0.0, 1.0, 0.0, 0.0, 0.0, 1.0], "orientation"),
        ("PixelSpacing", [2.0, 2.0], "mixed_series"),
        ("ImagePositionPatient", None, "no_geometry"),
        ("Modality", "MR", "modality"),
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7", "secondary_capture"),
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.88.67", "structured_report"),
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.104.1", "encapsulated_document"),
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.4", "sop_class"),
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2.1", "multiframe"),
        ("NumberOfFrames", "2", "multiframe"),
        ("LossyImageCompression", "01", "lossy"),
        ("ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"], "localizer"),
        ("ImageType", ["DERIVED", "PRIMARY", "SCREEN SAVE"], "burned_in"),
        ("BurnedInAnnotation", "YES", "burned_in"),
        ("RescaleSlope", None, "rescale"),
        ("RescaleSlope", "0", "pixel_content"),
        ("RescaleType", "OD", "rescale"),
        ("SyntheticData", "YES", "synthetic"),
        ("SeriesDescription", "SYNTHETIC PET, research only", "synthetic"),
        ("ImageComments", "synthetic image", "synthetic"),
        ("DerivationDescription", "Synthetic PET from CT", "synthetic"),
    ],
)
def test_one_spoiled_slice_is_named_as_the_fault_it_is(tmp_path, keyword, value, fault):
    def spoil(slices):
        setattr(slices[1], keyword, value)

    assert fault in refusal_of(ct_series(tmp_path, spoil))


def test_a_private_synthetic_block_is_a_mark(tmp_path):
    def spoil(slices):
        slices[1].private_block(0x0099, "STUDYPORTAL SYNTHETIC", create=True).add_new(1, "LO", "j")

    assert "synthetic" in refusal_of(ct_series(tmp_path, spoil))


def test_our_own_synthetic_series_is_read_when_that_is_asked_for(tmp_path):
    def mark(slices):
        for slice_ in slices:
            slice_.SyntheticData = "YES"

    series = read_series(ct_series(tmp_path, mark), allow_synthetic=True)

    assert series.facts.synthetic_marks == ("SyntheticData",)


def test_a_slope_that_is_no_number_is_refused(tmp_path):
    folder = ct_series(tmp_path, lambda slices: setattr(slices[1], "RescaleSlope", "7.0"))
    victim = next(f for f in folder.iterdir() if b"7.0 " in f.read_bytes()[:2000])
    victim.write_bytes(victim.read_bytes().replace(b"7.0 ", b"NaN "))

    assert "pixel_content" in refusal_of(folder)


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_cut_file_is_refused_wherever_it_was_cut(tmp_path, kept):
    folder = ct_series(tmp_path)
    victim = sorted(folder.iterdir())[2]
    content = victim.read_bytes()
    victim.write_bytes(content[: int(len(content) * kept)])

    assert {"cut_file", "not_dicom"} & set(refusal_of(folder))


def test_every_fault_is_listed_not_only_the_first(tmp_path):
    def spoil(slices):
        slices.pop(2)
        slices[0].PatientID = "P-002"
        slices[4].LossyImageCompression = "01"

    assert {"missing_slice", "mixed_patient", "lossy"} <= set(
        refusal_of(ct_series(tmp_path, spoil))
    )


def test_a_text_file_among_the_slices_is_refused_by_name(tmp_path):
    folder = ct_series(tmp_path)
    (folder / "notes.txt").write_text("hello")

    assert "notes.txt" in refusal_of(folder)["not_dicom"].sentence


def test_an_empty_folder_is_refused(tmp_path):
    assert set(refusal_of(tmp_path)) == {"no_files"}


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_lossless_compression_gives_the_same_values(tmp_path, syntax):
    stored = np.random.default_rng(3).integers(0, 3000, (6, 64, 64)).astype(np.int16)
    slices = [ct_slice(3.0 * k, stored[k]) for k in range(6)]
    plain = read_series(write_series(tmp_path / "plain", slices)).values
    for slice_ in slices:
        slice_.compress(syntax, generate_instance_uid=False)

    packed = read_series(write_series(tmp_path / "packed", slices))

    assert np.array_equal(packed.values, plain)


def _by_openjph(slice_: Dataset) -> None:
    stream = imagecodecs.htj2k_encode(slice_.pixel_array, reversible=True)
    slice_.PixelData = encapsulate([stream])
    slice_.file_meta.TransferSyntaxUID = HTJ2KLossless


def _by_openjpeg(slice_: Dataset) -> None:
    stream = imagecodecs.jpeg2k_encode(slice_.pixel_array, reversible=True, codecformat="J2K")
    slice_.PixelData = encapsulate([stream])
    slice_.file_meta.TransferSyntaxUID = JPEG2000Lossless


@pytest.mark.parametrize("encode", [_by_openjph, _by_openjpeg])
def test_what_other_encoders_wrote_gives_the_same_values(tmp_path, encode):
    stored = np.random.default_rng(3).integers(0, 3000, (6, 64, 64)).astype(np.int16)
    slices = [ct_slice(3.0 * k, stored[k]) for k in range(6)]
    plain = read_series(write_series(tmp_path / "plain", slices)).values
    for slice_ in slices:
        encode(slice_)

    packed = read_series(write_series(tmp_path / "packed", slices))

    assert np.array_equal(packed.values, plain)


def test_a_cut_compressed_stream_is_refused(tmp_path):
    stored = np.random.default_rng(3).integers(0, 3000, (64, 64)).astype(np.int16)
    slices = [ct_slice(3.0 * k, stored) for k in range(3)]
    for slice_ in slices:
        slice_.compress(JPEG2000Lossless, generate_instance_uid=False)
    folder = write_series(tmp_path, slices)
    victim = min(folder.iterdir())
    victim.write_bytes(victim.read_bytes()[:-600])

    assert set(refusal_of(folder)) & {"cut_file", "not_dicom"}


@pytest.mark.parametrize(
    ("syntax", "fault"),
    [
        (JPEGBaseline8Bit, "lossy"),
        ("1.2.840.10008.1.2.1.99", "deflated"),
        ("1.2.840.10008.1.2.2", "big_endian"),
    ],
)
def test_lossy_and_deflated_files_are_refused_before_they_are_unpacked(tmp_path, syntax, fault):
    folder = ct_series(tmp_path)
    victim = min(folder.iterdir())
    plain, other = b"1.2.840.10008.1.2.1\x00", str(syntax).encode()
    content = victim.read_bytes()
    at = content.index(plain)
    padded = other + b"\x00" * (len(other) % 2)
    grown = len(padded) - len(plain)
    length = int.from_bytes(content[140:144], "little") + grown
    victim.write_bytes(
        content[:140]
        + length.to_bytes(4, "little")
        + content[144 : at - 2]
        + len(padded).to_bytes(2, "little")
        + padded
        + content[at + len(plain) :]
    )
    assert fault in refusal_of(folder)


def test_fewer_slices_than_the_header_states_is_a_finding(tmp_path):
    slices = [pet_slice(0.0), pet_slice(3.0)]
    for slice_ in slices:
        slice_.NumberOfSlices = 89

    findings = read_series(write_series(tmp_path, slices)).findings

    assert [finding.id for finding in findings] == ["slice_count"]


def test_a_folder_is_grouped_by_series_with_the_rest_named(tmp_path):
    ct_series(tmp_path / "ct")
    pet = [pet_slice(0.0), pet_slice(3.0)]
    for slice_ in pet:
        slice_.SeriesInstanceUID = "1.2.3.4"
    write_series(tmp_path / "pet", pet)
    (tmp_path / "readme.txt").write_text("hello")

    scan = scan_folder(tmp_path)

    assert [(group.modality, len(group.files)) for group in scan.groups] == [("CT", 6), ("PT", 2)]
    assert [path.name for path, _ in scan.unreadable] == ["readme.txt"]
    assert len(read_series(scan.of_modality("PT")[0].files).files) == 2


def test_a_single_slice_takes_its_extent_from_its_thickness_or_is_refused(tmp_path):
    thick, bare = ct_slice(0.0), ct_slice(0.0)
    del bare.SliceThickness

    assert read_series(write_series(tmp_path / "a", [thick])).grid.spacing_mm[0] == 3.0
    assert "no_geometry" in refusal_of(write_series(tmp_path / "b", [bare]))


def test_axes_that_are_not_at_right_angles_are_no_geometry(tmp_path):
    def skew(slices):
        for slice_ in slices:
            slice_.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.5, 0.866, 0.0]

    assert "no_geometry" in refusal_of(ct_series(tmp_path, skew))


def test_six_faults_of_one_kind_are_counted_not_repeated(tmp_path):
    def spoil(slices):
        for slice_ in slices:
            slice_.LossyImageCompression = "01"

    with pytest.raises(SeriesRefused) as refused:
        read_series(ct_series(tmp_path, spoil))
    sentences = [r.sentence for r in refused.value.reasons if r.id == "lossy"]
    assert len(sentences) == 4
    assert sentences[-1] == "3 more files have the same fault."


def test_an_unreadable_element_is_a_finding_and_counts_as_absent(tmp_path):
    folder = ct_series(tmp_path, lambda slices: setattr(slices[1], "RevolutionTime", 0.5))
    element = b"\x18\x00\x05\x93FD"
    victim = next(f for f in folder.iterdir() if element in f.read_bytes())
    head, tail = victim.read_bytes().split(element)
    victim.write_bytes(head + element + b"\x06\x00" + tail[4:])  # six bytes are no number

    findings = read_series(folder).findings

    assert [finding.id for finding in findings] == ["unreadable_element"]


def test_a_file_without_a_series_is_named(tmp_path):
    ct_series(tmp_path, lambda slices: setattr(slices[1], "SeriesInstanceUID", None))
    scan = scan_folder(tmp_path)

    assert len(scan.groups) == 1
    assert [reason.id for _, reason in scan.unreadable] == ["no_series"]


def test_a_missing_frame_of_reference_is_a_finding(tmp_path):
    def spoil(slices):
        for slice_ in slices:
            del slice_.FrameOfReferenceUID

    findings = read_series(ct_series(tmp_path, spoil)).findings
    assert [finding.id for finding in findings] == ["no_frame_of_reference"]


@pytest.mark.parametrize(("keyword", "value"), [("SamplesPerPixel", 3), ("BitsAllocated", 1)])
def test_what_is_no_grey_scale_image_is_refused(tmp_path, keyword, value):
    assert "pixel_content" in refusal_of(
        ct_series(tmp_path, lambda slices: setattr(slices[1], keyword, value))
    )


@pytest.mark.parametrize(("shift", "accepted"), [(0.09, True), (0.2, False)])
def test_thin_slices_may_deviate_by_a_tenth_of_a_millimetre(tmp_path, shift, accepted):
    slices = [ct_slice(round(1.0 * k + (shift if k == 3 else 0), 3)) for k in range(6)]
    folder = write_series(tmp_path, slices)

    if accepted:
        assert read_series(folder).grid.shape[0] == 6
    else:
        assert "irregular_spacing" in refusal_of(folder)


def test_pixels_short_by_two_bytes_are_cut(tmp_path):
    def shorten(slices):
        slices[1].PixelData = slices[1].PixelData[:-2]

    assert "334 of 336 bytes" in refusal_of(ct_series(tmp_path, shorten))["cut_file"].sentence
