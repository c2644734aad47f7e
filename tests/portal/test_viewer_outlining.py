"""Regions drawn in the portal: proposed by the evaluation's own method, kept as DICOM SEG, none overwritten."""

import gzip
import uuid

import numpy as np
import pydicom
import pytest

from evaluation.imaging import Grid, read_segmentation, read_series, sul_factor
from evaluation.metabolic import percist_threshold
from studyportal.core.errors import NotAllowed, Refused, StaleState
from studyportal.core.models import AuditEvent
from studyportal.core.storage import path_of
from studyportal.imaging import rules
from studyportal.imaging.selectors import latest_outlines, outlines_of, stored_paths
from studyportal.imaging.services import (
    DrawnRegion,
    GrowthRequest,
    derive_labels,
    draw_outline,
    drop_outline,
    grow_region,
    masks_of,
)
from studyportal.sites.rules import Action, Role, may
from tests import factories as make
from tests.portal.scenes import small_phantom
from tests.portal.viewer_scenes import outlined_pair

pytestmark = pytest.mark.django_db
GRID = Grid((4, 5, 6), (3.0, 2.0, 2.0), (-5.0, 4.0, 7.0))


def drawing(mask, grid):
    return rules.nifti_bytes(mask.astype(np.uint8), grid, slope=1.0, unit="label")


def drawn(region, mask, grid, *, reason=""):
    return DrawnRegion(region, drawing(mask, grid), "at least 41% of SUVmax", reason)


def place_of(grid, mask):
    middle = np.argwhere(mask).mean(axis=0)
    x, y, z = (grid.affine() @ [*middle[::-1], 1.0])[:3]
    return (x, y, z)


def test_a_drawn_region_is_kept_as_a_segmentation_beside_the_others(phantom):
    pair = outlined_pair(phantom())
    by = make.person(Role.DATA_MANAGER)
    before = latest_outlines(pair)
    grid = small_phantom(3).pet.grid
    mask = np.zeros(grid.shape, dtype=bool)
    mask[10:13, 40:44, 30:35] = True

    kept = draw_outline(pair=pair, drawn=drawn("lesion:9", mask, grid), based_on=before.pk, by=by)
    assert latest_outlines(pair) == kept
    assert (kept.supersedes, kept.drawn_by) == (before, by)
    assert masks_of(before).keys() == masks_of(kept).keys() - {"lesion:9"}
    entry = next(row for row in kept.regions if row["region"] == "lesion:9")
    assert (entry["voxels"], entry["by"]) == (60, by.username)

    (file,) = stored_paths(kept.series.manifest_sha256)
    pet = pydicom.dcmread(stored_paths(kept.reference.manifest_sha256)[0])
    read = read_segmentation(file, grid, frame_of_reference_uid=pet.FrameOfReferenceUID)
    masks = {segment.label: segment.mask for segment in read.values()}
    assert np.array_equal(masks["lesion:9"], mask)
    for name, other in masks_of(before).items():
        assert np.array_equal(masks[name], other)
    header = pydicom.dcmread(file)
    assert (header.PatientID, header.StudyInstanceUID) == (pet.PatientID, pet.StudyInstanceUID)
    said = {s.SegmentLabel: s.SegmentDescription for s in header.SegmentSequence}
    assert said["lesion:9"] == "at least 41% of SUVmax"
    assert said["lesion:1"] == "method not stated"
    row = derive_labels(outlines=kept)
    content = gzip.decompress(path_of(row.sha256).read_bytes())
    labels = np.frombuffer(content, np.uint8, offset=352).reshape(grid.shape)
    for name, other in masks_of(kept).items():
        if not name.startswith("organ:"):  # a lesion lies over the organ it is in
            assert (labels[other] == row.facts["regions"].index(name) + 1).all()
    act = AuditEvent.objects.get(verb="draw_outlines")
    assert "lesion:9 was drawn: at least 41% of SUVmax" in act.sentence

    for name in ("tumour", "lesion:0", "organ:" + "x" * 40):
        with pytest.raises(Refused, match="Name the region"):
            draw_outline(pair=pair, drawn=drawn(name, mask, grid), based_on=kept.pk, by=by)
    with pytest.raises(Refused, match="Nothing is drawn"):
        nothing = drawn("lesion:8", np.zeros_like(mask), grid)
        draw_outline(pair=pair, drawn=nothing, based_on=kept.pk, by=by)
    with pytest.raises(StaleState, match="Somebody else"):  # they still saw the earlier set
        drop_outline(pair=pair, region="lesion:9", reason="no", based_on=before.pk, by=by)
    with pytest.raises(Refused, match="Say why it is corrected"):
        draw_outline(pair=pair, drawn=drawn("lesion:9", mask, grid), based_on=kept.pk, by=by)
    mask[10] = False
    again = drawn("lesion:9", mask, grid, reason="The lower slice is the diaphragm.")
    corrected = draw_outline(pair=pair, drawn=again, based_on=kept.pk, by=by)
    assert masks_of(corrected)["lesion:9"].sum() == 40
    assert masks_of(kept)["lesion:9"].sum() == 60
    dropped = drop_outline(
        pair=pair, region="lesion:9", reason="Is bowel.", based_on=corrected.pk, by=by
    )
    assert masks_of(dropped).keys() == masks_of(before).keys()
    assert next(row.change for row in outlines_of(pair)).endswith("taken away. Is bowel.")
    assert outlines_of(pair).count() == 4


def test_regions_grow_as_the_evaluation_grows_them(phantom):
    pair = outlined_pair(phantom())
    by = make.person(Role.COORDINATOR, pair.participant.site)
    image = read_series(phantom() / "PET").suv_volume()
    masks = masks_of(latest_outlines(pair))
    lesion = masks["lesion:1"]
    highest = image.array[lesion].max()
    at = place_of(image.grid, lesion & (image.array == highest))
    block = np.zeros(image.grid.shape, dtype=bool)
    block[2:8, 40:52, 16:40] = True
    larger = drawn("organ:liver", block, image.grid, reason="The sphere must fit into it.")
    set_with_liver = draw_outline(pair=pair, drawn=larger, based_on=latest_outlines(pair).pk, by=by)
    thresholds = {}
    for method, threshold in (("41", None), ("50", None), ("fixed", 2.5), ("percist", None)):
        asked = GrowthRequest(at, method, 30.0, threshold)
        found = grow_region(pair=pair, request=asked, by=by)
        thresholds[method] = found.threshold
        assert (image.array[found.mask.array] >= found.threshold).all()
        assert (found.mask.array & lesion).any()
    liver = percist_threshold(
        image, block, sul_factor=sul_factor(read_series(phantom() / "PET").header)
    )
    assert thresholds["41"] == pytest.approx(0.41 * highest, rel=0.02)
    assert thresholds["50"] == pytest.approx(thresholds["41"] / 0.41 * 0.5)
    assert thresholds["fixed"] == 2.5
    assert thresholds["percist"] == pytest.approx(liver.in_image_unit)

    with pytest.raises(Refused, match="outside the PET"):
        grow_region(pair=pair, request=GrowthRequest((9e3, 0, 0), "41", 30.0), by=by)
    with pytest.raises(Refused, match="Nothing near"):
        grow_region(pair=pair, request=GrowthRequest(at, "fixed", 30.0, 900.0), by=by)
    drop_outline(
        pair=pair, region="organ:liver", reason="Wrong.", based_on=set_with_liver.pk, by=by
    )
    with pytest.raises(Refused, match="organ:liver first"):
        grow_region(pair=pair, request=GrowthRequest(at, "percist", 30.0), by=by)


@pytest.mark.parametrize("role", Role)
def test_only_roles_with_the_right_outline_and_only_at_their_sites(role):
    here, elsewhere = make.ScanPairFactory(ready=True), make.ScanPairFactory(ready=True)
    by = make.MembershipFactory(role=role, site=here.participant.site).user
    acts = (
        lambda pair: grow_region(pair=pair, request=GrowthRequest((0, 0, 0), "41", 30), by=by),
        lambda pair: draw_outline(
            pair=pair, drawn=DrawnRegion("lesion:1", b"", "brush"), based_on=None, by=by
        ),
        lambda pair: drop_outline(
            pair=pair, region="lesion:1", reason="no", based_on=uuid.uuid4(), by=by
        ),
    )
    for act in acts:
        with pytest.raises(NotAllowed):
            act(elsewhere)
        expected = "no accepted PET" if may(role, Action.OUTLINE_LESIONS) else "do not let you"
        with pytest.raises(Refused, match=expected):
            act(here)


def test_a_drawing_comes_back_as_it_was_sent():
    mask = np.random.default_rng(3).random(GRID.shape) > 0.5
    assert np.array_equal(rules.mask_of_drawing(drawing(mask, GRID), GRID), mask)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "size of the PET"),
        (b"scribble", "no readable file"),
        (gzip.compress(b"\0" * 472, mtime=0), "no readable file|size of the PET"),
        (gzip.compress(bytes(50_000_000), mtime=0), "size of the PET"),
        (drawing(np.ones((4, 5, 7)), Grid((4, 5, 7), (3.0, 2.0, 2.0))), "size of the PET"),
        (drawing(np.ones((5, 4, 6)), Grid((5, 4, 6), (3.0, 2.0, 2.0))), "size of the PET"),
        (drawing(np.ones((4, 5, 6)), Grid((4, 5, 6), (3.0, 2.0, 2.0))), "lie on this PET"),
    ],
)
def test_a_file_that_is_no_drawing_on_this_pet_is_refused(content, sentence):
    with pytest.raises(ValueError, match=sentence):
        rules.mask_of_drawing(content, GRID)
