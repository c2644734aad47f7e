"""Outlines: masks on the grid of the reference PET, or refused with a sentence."""

import numpy as np
import pytest

from evaluation.imaging import Segment, Volume, read_series, write_nifti
from studyportal.imaging.models import Finding
from studyportal.imaging.rules import region_names
from studyportal.imaging.selectors import (
    latest_outlines,
    pair_of,
    stored_paths,
)
from studyportal.imaging.services import (
    masks_of,
)
from studyportal.imaging.states import PairStatus, SeriesRole, SeriesStatus
from tests.portal.scenes import (
    enrolled,
    ready_pair,
    small_phantom,
    taken_in,
)

# Bytes of quarantine are removed once the transaction has been committed.
pytestmark = pytest.mark.django_db(transaction=True)
CT, PET, OUTLINES = SeriesRole.SOURCE, SeriesRole.REFERENCE, SeriesRole.OUTLINES


def test_outlines_that_come_before_the_pet_wait_for_it(study, phantom):
    participant = enrolled()
    waiting = taken_in(participant, OUTLINES, phantom() / "LESIONS" / "seg.dcm")
    assert waiting.status == SeriesStatus.RECEIVED
    taken_in(participant, PET, phantom() / "PET")
    waiting.refresh_from_db()

    assert waiting.status == SeriesStatus.ACCEPTED
    assert latest_outlines(pair_of(participant)) is not None


def test_masks_have_the_voxels_that_were_drawn(study, phantom):
    pair = ready_pair(phantom(), outlines=True)
    outlines = latest_outlines(pair)
    masks = masks_of(outlines)
    shape = read_series(stored_paths(outlines.reference.manifest_sha256)).grid.shape

    drawn = {region.label: region.mask for region in small_phantom(3).regions if region.mask.any()}
    assert set(masks) == set(drawn)
    for name, mask in masks.items():
        assert mask.shape == shape
        assert np.array_equal(mask, drawn[name])
    listed = {region["region"]: region["voxels"] for region in outlines.regions}
    assert listed == {name: int(mask.sum()) for name, mask in drawn.items()}


def test_outlines_of_other_images_are_refused_and_do_not_block_the_pair(study, phantom):
    participant = enrolled()
    taken_in(participant, CT, phantom() / "CT")
    taken_in(participant, PET, phantom() / "PET")
    refused = taken_in(participant, OUTLINES, phantom(4) / "LESIONS" / "seg.dcm")
    pair = pair_of(participant)

    assert refused.status == SeriesStatus.QUARANTINED
    assert pair.status == PairStatus.READY
    assert "other images" in Finding.objects.get(series=refused).sentence


@pytest.mark.parametrize(
    "content", [b"", b"outlines", bytes(4096), b"\0" * 128 + b"DICM" + b"\xff" * 64]
)
def test_outlines_that_cannot_be_read_end_with_a_sentence(study, phantom, tmp_path, content):
    (tmp_path / "outlines").write_bytes(content)
    participant = enrolled()
    taken_in(participant, PET, phantom() / "PET")
    series = taken_in(participant, OUTLINES, tmp_path / "outlines")

    assert series.status == SeriesStatus.QUARANTINED
    assert len(Finding.objects.get(series=series).sentence) > 20


def test_a_ct_in_the_place_of_outlines_is_told_to_hold_none(study, phantom):
    participant = enrolled()
    taken_in(participant, PET, phantom() / "PET")
    series = taken_in(participant, OUTLINES, min((phantom() / "CT").iterdir()))
    assert Finding.objects.get(series=series).sentence.startswith("The file holds no outlines")


def test_outlines_do_not_keep_a_pair_from_waiting_for_its_pet(study, phantom):
    participant = enrolled()
    taken_in(participant, CT, phantom() / "CT")
    series = taken_in(participant, OUTLINES, phantom() / "LESIONS" / "seg.dcm")
    assert (series.status, pair_of(participant).status) == (
        SeriesStatus.RECEIVED,
        PairStatus.AWAITING_IMAGES,
    )


def test_outlines_as_a_nifti_label_map_are_masks_on_the_pet(study, phantom, tmp_path):
    pair = small_phantom(3)
    first, second = [region.mask for region in pair.regions if region.mask.any()][:2]
    labels = np.where(first, 1, np.where(second, 2, 0))
    write_nifti(Volume(labels.astype(np.int16), pair.pet.grid, "mask"), tmp_path / "labels.nii.gz")
    participant = enrolled()
    taken_in(participant, PET, phantom() / "PET")
    series = taken_in(participant, OUTLINES, tmp_path / "labels.nii.gz")

    assert series.status == SeriesStatus.ACCEPTED
    masks = masks_of(latest_outlines(pair_of(participant)))
    assert np.array_equal(masks["lesion:1"], first)
    assert np.array_equal(masks["lesion:2"], second & ~first)


def segments(*labels: str) -> dict[int, Segment]:
    one = np.ones((1, 1, 1), dtype=np.bool_)
    return {n: Segment(n, label, one, "test") for n, label in enumerate(labels, start=1)}


@pytest.mark.parametrize(
    ("labels", "option", "regions"),
    [
        (("lesion:1", "node:4R", "organ:liver"), "", {"lesion:1", "node:4R", "organ:liver"}),
        (("GTV_Mass", "GTV_Edema"), "", {"lesion:1", "lesion:2"}),
        (("GTV_Mass", "GTV_Edema"), "GTV_Mass", {"lesion:1"}),
        (("GTV", "lesion:1"), "", {"lesion:1", "lesion:2"}),
        (("GTV",), "another", set()),
        (("node:" + "x" * 500,), "", {"lesion:1"}),
        (("lesion:0", "lesion:²"), "", {"lesion:1", "lesion:2"}),
    ],
)
def test_regions_keep_known_names_and_others_become_numbered_lesions(labels, option, regions):
    assert set(region_names(segments(*labels), option=option)) == regions
