"""The viewer in a real browser: left is left, values are the measured ones, and what is drawn is what is kept."""

import os
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from django.db import connections
from PIL import Image

from evaluation.imaging import read_series
from studyportal.core.storage import store_bytes
from studyportal.imaging.models import ImagingSeries
from studyportal.imaging.selectors import accepted_series, latest_outlines
from studyportal.imaging.services import GrowthRequest, grow_region, masks_of
from studyportal.imaging.states import SeriesRole
from studyportal.sites.rules import Role
from studyportal.syntheses.services import derive_pair
from tests import factories as make
from tests.browser.conftest import BUILT, CHROMIUM
from tests.browser.test_journey import overflow, sign_in
from tests.portal.scenes import write_small_phantom
from tests.portal.viewer_scenes import outlined_pair, stored

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# WebGL 2 without a graphics card.
SOFTWARE_GL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")


@pytest.fixture
def page() -> Iterator[object]:
    """A page of the size of a telephone: one picture at a time."""
    if not CHROMIUM:
        pytest.skip("Chromium is not installed here")
    if not (BUILT / "viewer.js").is_file():
        pytest.skip("the browser parts are not built; run manage.py build_assets")
    from playwright.sync_api import sync_playwright

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    complaints: list[str] = []
    with sync_playwright() as player:
        browser = player.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking", *SOFTWARE_GL],
        )
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" else None,
        )
        page.set_default_timeout(60_000)
        yield page
        browser.close()
        connections.close_all()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")
    refused = [said for said in complaints if "status of 422" in said]
    assert complaints == refused
    assert len(refused) <= 1  # the correction without a reason


@pytest.fixture
def phantom(tmp_path):
    """Folder with CT, PET and outlines of the small phantom of a seed."""

    def folder(seed: int = 3):
        path = tmp_path / f"phantom-{seed}"
        return path if path.exists() else write_small_phantom(seed, path)

    return folder


def scene(phantom):
    """A pair with CT, PET, outlines and a synthetic PET, ready for the viewer, and a data manager."""
    make.ProtocolVersionFactory()
    pair = outlined_pair(phantom())
    make.ImagingSeriesFactory(pair=pair, accepted=True, manifest_sha256=stored(phantom() / "CT"))
    reference = accepted_series(pair, SeriesRole.REFERENCE)
    reference.suv = {"rule": "gml", "factor": 1.0, "alternatives": {}, "disagreement": 0.0}
    reference.suv |= dict.fromkeys(("decay_seconds", "weight_kg", "dose_bq"))
    reference.suv |= {"injection_time": "", "reference_time": ""}
    reference.save()
    job = make.SynthesisJobFactory(pair=pair, succeeded=True, source__pair=make.ScanPairFactory())
    make.SyntheticSeriesFactory(job=job, manifest_sha256=stored(phantom(4) / "PET"))
    picture = BytesIO()
    Image.new("L", (8, 8)).save(picture, "PNG")
    ImagingSeries.objects.update(preview_sha256=store_bytes(picture.getvalue()).sha256)
    derive_pair(pair=pair)
    by = make.person(Role.DATA_MANAGER)
    return pair, by


def read(page, name):
    return page.locator(f"[data-read={name}]").inner_text()


def point(page, right_anterior_up):
    page.evaluate("place => window.pairViewer.moveTo(place)", list(right_anterior_up))


def test_a_lesion_is_found_measured_outlined_and_kept(live_server, page, phantom):
    pair, by = scene(phantom)
    image = read_series(phantom() / "PET").suv_volume()
    to_index = np.linalg.inv(image.grid.affine())
    sign_in(page, live_server.url, by.username)
    page.goto(f"{live_server.url}/pairs/{pair.pk}/")
    page.locator("[data-viewer][data-state=ready]").wait_for()
    page.locator("[data-viewer][data-complete]").wait_for()
    assert not page.locator("[data-viewer-pictures]").is_visible()
    assert overflow(page) <= 0

    # The right of an axial picture is the patient's left, its top the front.
    page.locator("[data-tab=pet]").click()
    canvas = page.locator("[data-panel=pet][data-ready] canvas")
    box = canvas.bounding_box()
    canvas.click(position={"x": box["width"] * 0.62, "y": box["height"] * 0.42})
    mm = page.evaluate("[...window.pairViewer.mm]")
    middle = image.grid.affine() @ [*(np.array(image.grid.shape[::-1]) / 2), 1]
    assert -mm[0] > middle[0] + 10  # x grows to the left in DICOM
    assert -mm[1] < middle[1] - 10  # y grows to the back
    x, y, z = np.rint(to_index @ [-mm[0], -mm[1], mm[2], 1])[:3].astype(int)
    assert read(page, "pet") == f"{image.array[z, y, x]:.2f} SUV"
    assert " L " in read(page, "place")

    page.keyboard.press("4")
    assert page.locator("[data-panel=pet] [data-scale]").inner_text() == "0 … 20 SUV"
    page.keyboard.press("ArrowUp")
    assert page.evaluate("window.pairViewer.mm[2]") == pytest.approx(mm[2] + 9.8, abs=0.1)
    page.locator("[data-tab=synthetic]").click()
    page.locator("[data-panel=synthetic] .image__banner").wait_for()

    # What is proposed on the server is drawn, and comes back voxel by voxel.
    lesion = masks_of(latest_outlines(pair))["lesion:1"]
    centre = image.grid.affine() @ [*np.argwhere(lesion).mean(axis=0)[::-1], 1]
    page.get_by_text("Outline a lesion").click()
    page.get_by_text("The synthetic PET is hidden").wait_for()
    point(page, (-centre[0], -centre[1], centre[2]))
    page.fill("[name=region]", "lesion:8")
    page.get_by_role("button", name="Propose at the crosshair").click()
    page.get_by_text(" ml, ").wait_for()
    page.get_by_role("button", name="Keep the region").click()
    page.get_by_text("lesion:8 is kept.").wait_for()
    asked = GrowthRequest(tuple(centre[:3]), "41", 40.0)
    expected = grow_region(pair=pair, request=asked, by=by).mask.array
    assert np.array_equal(masks_of(latest_outlines(pair))["lesion:8"], expected)

    # The brush adds where it is drawn, and a correction asks for a reason.
    page.locator("[data-outlining] tr", has_text="lesion:8").get_by_text("Correct").click()
    page.locator("[data-outlining-mode=brush][aria-pressed=true]").wait_for()
    canvas.click(position={"x": box["width"] * 0.7, "y": box["height"] * 0.5})
    mm = page.evaluate("[...window.pairViewer.mm]")
    page.get_by_role("button", name="Keep the region").click()
    page.get_by_text("Say why it is corrected").wait_for()
    page.fill("[name=reason]", "The pleura belongs to it.")
    page.get_by_role("button", name="Keep the region").click()
    page.get_by_text("lesion:8 is kept.").wait_for()
    corrected = masks_of(latest_outlines(pair))["lesion:8"]
    x, y, z = np.rint(to_index @ [-mm[0], -mm[1], mm[2], 1])[:3].astype(int)
    assert corrected[z, y, x]
    assert not expected[z, y, x]
    assert corrected[expected].all()
    assert "corrected with the brush. The pleura" in latest_outlines(pair).change


def test_with_a_graphics_card_niivue_draws_and_measures_the_same(live_server, page, phantom):
    pair, by = scene(phantom)
    image = read_series(phantom() / "PET").suv_volume()
    sign_in(page, live_server.url, by.username)
    page.evaluate("localStorage.setItem('viewer.drawing', 'card')")
    page.goto(f"{live_server.url}/pairs/{pair.pk}/")
    page.locator("[data-viewer][data-drawing=card][data-complete]").wait_for()
    page.locator("[data-tab=pet]").click()
    page.locator("[data-panel=pet][data-ready] canvas").click(position={"x": 220, "y": 150})
    mm = page.evaluate("[...window.pairViewer.mm]")
    index = np.linalg.inv(image.grid.affine()) @ [-mm[0], -mm[1], mm[2], 1]
    x, y, z = np.rint(index)[:3].astype(int)
    assert read(page, "pet") == f"{image.array[z, y, x]:.2f} SUV"
