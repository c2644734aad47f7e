import highdicom
import nibabel
import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from evaluation.imaging import (
    Grid,
    SegmentationRefused,
    Volume,
    read_nifti,
    read_segmentation,
    read_series,
    write_nifti,
)
from tests.evaluation.imaging_series import ct_series

GRID = Grid((6, 12, 14), (3.0, 2.0, 4.0), (-20.0, -30.0, 0.0))


def block_mask(grid=GRID):
    mask = np.zeros(grid.shape, dtype=bool)
    mask[1:4, 2:7, 3:9] = True
    return mask


def rtstruct(path, contours, *, frame="1.2.826.0.1.3680043.10.1002"):
    structure = Dataset()
    structure.file_meta = FileMetaDataset()
    structure.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    structure.SOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    structure.file_meta.MediaStorageSOPClassUID = structure.SOPClassUID
    structure.SOPInstanceUID = structure.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    structure.Modality = "RTSTRUCT"
    reference, named, region = Dataset(), Dataset(), Dataset()
    reference.FrameOfReferenceUID = frame
    structure.ReferencedFrameOfReferenceSequence = [reference]
    named.ROINumber, named.ROIName = 7, "GTV"
    structure.StructureSetROISequence = [named]
    region.ReferencedROINumber, region.ContourSequence = 7, []
    for points in contours:
        contour = Dataset()
        contour.ContourGeometricType = "CLOSED_PLANAR"
        contour.NumberOfContourPoints = len(points)
        contour.ContourData = [float(v) for point in points for v in point]
        region.ContourSequence.append(contour)
    structure.ROIContourSequence = [region]
    structure.save_as(path, enforce_file_format=True)
    return path


def rectangle(z, x0, x1, y0, y1):
    """A rectangle in mm whose sides run between voxel centres, given in index units."""
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    return [(-20 + 4 * (x - 0.5), -30 + 2 * (y - 0.5), 3.0 * z) for x, y in corners]


def test_an_outline_is_filled_on_the_voxels_inside_it(tmp_path):
    path = rtstruct(tmp_path / "rs.dcm", [rectangle(z, 3, 9, 2, 7) for z in (1, 2, 3)])

    segment = read_segmentation(path, GRID)[7]

    assert segment.label == "GTV"
    assert segment.source == "RTSTRUCT"
    assert np.array_equal(segment.mask, block_mask())


def test_an_inner_outline_cuts_a_hole(tmp_path):
    path = rtstruct(tmp_path / "rs.dcm", [rectangle(1, 2, 10, 2, 10), rectangle(1, 4, 8, 4, 8)])
    assert read_segmentation(path, GRID)[7].mask.sum() == 64 - 16


def test_two_outlines_of_one_plane_apart_are_both_filled(tmp_path):
    path = rtstruct(tmp_path / "rs.dcm", [rectangle(1, 1, 4, 1, 4), rectangle(1, 8, 10, 8, 10)])
    assert read_segmentation(path, GRID)[7].mask.sum() == 9 + 4


@pytest.mark.parametrize(
    ("contours", "options", "fault"),
    [
        ([rectangle(1, 3, 9, 2, 7)], {"frame_of_reference_uid": "1.2.3"}, "frame_of_reference"),
        ([rectangle(40, 3, 9, 2, 7)], {}, "outside"),
        ([rectangle(z, 3, 9, 2, 7) for z in (0, 2, 4)], {}, "sparse_outline"),
        ([[(0, 0, 0), (8, 0, 3), (8, 4, 6)]], {}, "oblique_outline"),
        ([], {}, "no_segments"),
    ],
)
def test_an_outline_that_does_not_fit_is_refused(tmp_path, contours, options, fault):
    path = rtstruct(tmp_path / "rs.dcm", contours)
    with pytest.raises(SegmentationRefused) as refused:
        read_segmentation(path, GRID, **options)
    assert [reason.id for reason in refused.value.reasons] == [fault]


def test_a_dicom_segmentation_comes_back_on_the_grid_of_its_source(tmp_path):
    source = list(_ct_datasets(tmp_path))
    masks = np.stack([block_mask(), ~block_mask()], axis=-1)
    descriptions = [
        highdicom.seg.SegmentDescription(
            segment_number=k,
            segment_label=name,
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=codes.SCT.Neoplasm,
            algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for k, name in ((1, "lesion"), (2, "rest"))
    ]
    seg = highdicom.seg.Segmentation(
        source_images=source,
        pixel_array=masks,
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=descriptions,
        series_instance_uid=generate_uid(),
        series_number=5,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="t",
        manufacturer_model_name="t",
        software_versions="1",
        device_serial_number="1",
    )
    seg.save_as(tmp_path / "seg.dcm")

    segments = read_segmentation(tmp_path / "seg.dcm", GRID)

    assert [(s.number, s.label, s.source) for s in segments.values()] == [
        (1, "lesion", "DICOM SEG"),
        (2, "rest", "DICOM SEG"),
    ]
    assert np.array_equal(segments[1].mask, block_mask())


def _ct_datasets(folder):
    def complete(slices):
        for number, slice_ in enumerate(slices):
            slice_.PatientName, slice_.PatientBirthDate, slice_.PatientSex = "P^", "", ""
            slice_.StudyDate = slice_.StudyTime = slice_.AccessionNumber = slice_.StudyID = ""
            slice_.InstanceNumber, slice_.ReferringPhysicianName = number, ""

    series = read_series(ct_series(folder / "ct", complete))
    return series.slice_headers


def test_a_label_map_gives_one_region_for_each_label(tmp_path):
    labels = np.zeros(GRID.shape, dtype=np.int16)
    labels[block_mask()] = 3
    labels[5, 0, 0] = 9
    write_nifti(Volume(labels, GRID, "labels"), tmp_path / "m.nii.gz")

    segments = read_segmentation(tmp_path / "m.nii.gz", GRID)

    assert sorted(segments) == [3, 9]
    assert np.array_equal(segments[3].mask, block_mask())


def test_a_label_map_of_fractions_is_refused(tmp_path):
    write_nifti(Volume(np.full(GRID.shape, 0.3, np.float32), GRID, "x"), tmp_path / "m.nii")
    with pytest.raises(SegmentationRefused, match="whole numbers"):
        read_segmentation(tmp_path / "m.nii", GRID)


def test_an_empty_label_map_is_refused(tmp_path):
    write_nifti(Volume(np.zeros(GRID.shape, np.int16), GRID, "x"), tmp_path / "m.nii")
    with pytest.raises(SegmentationRefused, match="no region"):
        read_segmentation(tmp_path / "m.nii", GRID)


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "m.nii").write_bytes(b"nothing")
    (tmp_path / "m.dcm").write_bytes(b"nothing")
    for name in ("m.nii", "m.dcm"):
        with pytest.raises(SegmentationRefused):
            read_segmentation(tmp_path / name, GRID)
    folder = ct_series(tmp_path / "ct")
    with pytest.raises(SegmentationRefused, match="neither"):
        read_segmentation(next(folder.iterdir()), GRID)


def test_nifti_brings_a_volume_back_to_the_same_place(tmp_path):
    turned = Grid(
        (3, 4, 5), (3.0, 2.0, 1.5), (7.0, -8.0, 9.0), ((0.8, -0.6, 0), (0.6, 0.8, 0), (0, 0, 1.0))
    )
    values = np.random.default_rng(1).normal(size=turned.shape).astype(np.float32)
    write_nifti(Volume(values, turned, "SUVbw"), tmp_path / "v.nii.gz")

    back = read_nifti(tmp_path / "v.nii.gz", "SUVbw")

    assert np.array_equal(back.array, values)
    assert back.grid.same_as(turned)


def test_a_mask_survives_nifti_as_a_mask(tmp_path):
    write_nifti(Volume(block_mask(), GRID, "mask"), tmp_path / "v.nii.gz")
    back = read_nifti(tmp_path / "v.nii.gz", "mask")
    assert back.array.dtype == np.bool_
    assert np.array_equal(back.array, block_mask())


@pytest.mark.parametrize(
    ("values", "affine", "words"),
    [
        (np.full((3, 4, 5), np.nan, np.float32), np.eye(4), "finite"),
        (np.zeros((3, 4, 5, 2), np.float32), np.eye(4), "4 dimensions"),
        (np.zeros((3, 4, 5), np.float32), np.eye(4) + np.eye(4, k=1) * 0.3, "right angles"),
        (np.zeros((3, 4, 5), np.float32), None, "where its voxels lie"),
    ],
)
def test_a_nifti_file_that_is_no_placed_volume_is_refused(tmp_path, values, affine, words):
    image = nibabel.Nifti1Image(values, affine)
    if affine is not None:
        image.set_sform(affine, code=1)
    nibabel.save(image, tmp_path / "v.nii")
    with pytest.raises(ValueError, match=words):
        read_nifti(tmp_path / "v.nii", "SUVbw")


def test_a_fourth_axis_of_one_is_left_away(tmp_path):
    image = nibabel.Nifti1Image(np.ones((3, 4, 5, 1), np.float32), np.eye(4))
    nibabel.save(image, tmp_path / "v.nii")
    assert read_nifti(tmp_path / "v.nii", "SUVbw").grid.shape == (5, 4, 3)
