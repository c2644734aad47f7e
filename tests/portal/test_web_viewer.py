"""The viewer's addresses: layers, volumes that stay with their site, and drawing through the browser's requests."""

import base64
import gzip

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from studyportal.core.storage import path_of, store_bytes
from studyportal.imaging.models import DerivedVolume
from studyportal.imaging.selectors import (
    RECIPE,
    accepted_series,
    difference_origin,
    latest_outlines,
)
from studyportal.imaging.services import masks_of
from studyportal.imaging.states import SeriesRole, VolumeKind
from studyportal.sites.rules import Action, Role, may
from studyportal.syntheses.services import derive_pair
from studyportal.tasks import dispatch
from tests import factories as make
from tests.portal.scenes import small_phantom
from tests.portal.viewer_scenes import outlined_pair, stored

pytestmark = pytest.mark.django_db


def signed_in(role, site):
    client = Client()
    client.force_login(make.MembershipFactory(role=role, site=site).user)
    return client


def at(name, pair, *more):
    return reverse(f"web:{name}", args=[pair.pk, *more])


def complete_pair():
    """CT, PET and a synthetic PET, of which only the CT was made ready for the viewer."""
    make.ProtocolVersionFactory()
    synthetic = make.SyntheticSeriesFactory()
    source = accepted_series(synthetic.job.pair, SeriesRole.SOURCE)
    make.ImagingSeriesFactory(pair=synthetic.job.pair, role=SeriesRole.REFERENCE, accepted=True)
    volume = store_bytes(gzip.compress(b"voxels"))
    for kind in (VolumeKind.CT, VolumeKind.CT_QUICK):
        make.DerivedVolumeFactory(
            kind=kind, origin_sha256=source.manifest_sha256, sha256=volume.sha256, recipe=RECIPE
        )
    return synthetic.job.pair, volume.sha256


def test_the_layers_say_what_is_there_and_what_is_still_being_made(monkeypatch):
    pair, digest = complete_pair()
    client = signed_in(Role.MONITOR, pair.participant.site)
    answer = client.get(at("viewer_layers", pair)).json()
    ct, pet, synthetic = answer["layers"]
    assert answer["pending"]
    assert ct["volume"]["url"] == at("viewer_volume", pair, digest)
    assert (pet["volume"], synthetic["difference"]) == (None, None)
    assert [layer["synthetic"] for layer in answer["layers"]] == [False, False, True]

    sent = []
    monkeypatch.setattr(dispatch, "derive_pair", sent.append)
    assert client.post(at("viewer_prepare", pair)).status_code == 204
    assert sent == [pair.pk]


def test_a_volume_is_streamed_once_and_then_kept_by_the_browser():
    pair, digest = complete_pair()
    client = signed_in(Role.COORDINATOR, pair.participant.site)
    answer = client.get(at("viewer_volume", pair, digest))
    assert answer.streaming
    assert b"".join(answer) == path_of(digest).read_bytes()
    assert "immutable" in answer["Cache-Control"]
    assert "Content-Encoding" not in answer
    again = client.get(at("viewer_volume", pair, digest), headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304


def test_another_sites_volumes_and_files_that_are_no_volumes_do_not_exist():
    pair, digest = complete_pair()
    other, _ = complete_pair()
    elsewhere = signed_in(Role.COORDINATOR, other.participant.site)
    assert elsewhere.get(at("viewer_volume", pair, digest)).status_code == 404
    assert elsewhere.get(at("viewer_layers", pair)).status_code == 404
    own = signed_in(Role.COORDINATOR, pair.participant.site)
    secret = store_bytes(b"an export of another study").sha256
    for name in (secret, "0" * 64, "x"):
        assert own.get(at("viewer_volume", pair, name)).status_code == 404


@pytest.mark.parametrize("role", Role)
def test_who_sees_images_sees_the_viewer_and_who_outlines_has_the_tools(role):
    pair, digest = complete_pair()
    pet = accepted_series(pair, SeriesRole.REFERENCE)
    pet.suv = {"rule": "gml", "factor": 1.0, "alternatives": {}, "disagreement": 0.0}
    pet.suv |= dict.fromkeys(("decay_seconds", "weight_kg", "dose_bq"))
    pet.suv |= {"injection_time": "", "reference_time": ""}
    pet.save()
    client = signed_in(role, pair.participant.site)
    sees, draws = may(role, Action.SEE_IMAGES), may(role, Action.OUTLINE_LESIONS)
    for address in (at("viewer_layers", pair), at("viewer_volume", pair, digest)):
        answer = client.get(address)
        assert answer.status_code == (200 if sees else 403)
        b"".join(answer)  # a stream that is read to its end is closed
    for name in ("outline_grow", "outline_draw", "outline_drop"):
        assert client.post(at(name, pair)).status_code == (422 if draws else 403)
    page = client.get(at("pair", pair))
    assert (b"data-outlining" in page.content) == draws
    if sees:
        assert b"research use only" in page.content
        assert b"data-viewer-pictures" in page.content


def test_a_pet_without_suv_offers_no_suv_scale_and_no_outlining():
    pair, _ = complete_pair()
    page = signed_in(Role.DATA_MANAGER, pair.participant.site).get(at("pair", pair))
    assert b"SUV 0\xe2\x80\x9320" not in page.content.split(b"<dialog")[0]
    assert b"data-outlining" not in page.content


def test_a_lesion_is_proposed_corrected_kept_and_taken_away_through_the_page(phantom):
    pair = outlined_pair(phantom())
    make.ProtocolVersionFactory()
    client = signed_in(Role.SITE_PI, pair.participant.site)
    shown = client.get(at("outline_region", pair), {"name": "lesion:1"}).json()
    content = gzip.decompress(base64.b64decode(shown["mask"]))
    lesion = masks_of(latest_outlines(pair))["lesion:1"]
    assert np.array_equal(
        np.frombuffer(content, np.uint8, offset=352).reshape(lesion.shape), lesion
    )

    x, y, z = np.argwhere(lesion).mean(axis=0)[::-1]
    place = small_phantom(3).pet.grid.affine() @ [x, y, z, 1]
    asked = {"x": place[0], "y": place[1], "z": place[2], "method": "41", "reach": 30}
    grown = client.post(at("outline_grow", pair), asked).json()
    assert (grown["voxels"] > 0, grown["unit"]) == (True, "SUVbw")
    missing = client.post(at("outline_grow", pair), {**asked, "method": "fixed"})
    assert missing.json()["detail"] == "A number is missing: threshold."

    sent = {
        "drawing": SimpleUploadedFile("d.nii.gz", base64.b64decode(grown["mask"])),
        "region": "lesion:7",
        "method": grown["method"],
        "based_on": str(latest_outlines(pair).pk),
    }
    kept = client.post(at("outline_draw", pair), sent)
    assert kept.status_code == 201
    assert masks_of(latest_outlines(pair))["lesion:7"].sum() == grown["voxels"]
    page = client.get(at("pair", pair)).content.decode()
    assert "lesion:7 was drawn: at least 41% of SUVmax" in page

    dropped = {"region": "lesion:7", "reason": "Is bowel.", "based_on": kept.json()["id"]}
    assert client.post(at("outline_drop", pair), dropped).status_code == 201
    stale = client.post(at("outline_drop", pair), dropped)
    assert (stale.status_code, "Somebody else" in stale.json()["detail"]) == (422, True)


def test_every_volume_of_a_pair_is_made_by_one_task(phantom):
    pair = outlined_pair(phantom())
    job = make.SynthesisJobFactory(pair=pair, succeeded=True)
    synthetic = make.SyntheticSeriesFactory(job=job, manifest_sha256=stored(phantom(4) / "PET"))
    source = accepted_series(pair, SeriesRole.SOURCE)
    source.manifest_sha256 = stored(phantom() / "CT")
    source.save()
    derive_pair(pair=pair)
    reference = accepted_series(pair, SeriesRole.REFERENCE).manifest_sha256
    made = set(DerivedVolume.objects.values_list("kind", "origin_sha256"))
    assert made == {
        ("ct", source.manifest_sha256),
        ("ct_quick", source.manifest_sha256),
        ("pet", reference),
        ("projections", reference),
        ("pet", synthetic.manifest_sha256),
        ("projections", synthetic.manifest_sha256),
        ("difference", difference_origin(reference, synthetic.manifest_sha256)),
        ("labels", latest_outlines(pair).masks_sha256),
    }
    assert not DerivedVolume.objects.filter(sha256="").exists()
    client = signed_in(Role.MONITOR, pair.participant.site)
    assert client.get(at("viewer_layers", pair)).json()["pending"] is False
