"""An upload in a real browser: what broke off is gone on with, and a zip that is no zip says why."""

import shutil
import struct
import zipfile

import pytest

from studyportal.imaging.models import ImagingSeries
from studyportal.imaging.services import check_series, uploading
from studyportal.sites.rules import Role
from tests.browser.test_journey import sign_in
from tests.portal.web_study import enrolled, phantom_folder, small_study

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(live_server, chromium):
    """The upload page of a CT, on a telephone."""
    study = small_study()
    participant = enrolled(study.sites["SPH"], study.coordinator)
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.set_default_timeout(20_000)
    sign_in(page, live_server.url, Role.COORDINATOR.value)
    page.goto(f"{live_server.url}/participants/{participant.pk}/")
    page.get_by_role("button", name="Send CT").click()
    page.get_by_text("Drop the folder").wait_for()
    yield page
    context.close()


def test_an_upload_survives_a_lost_server_a_reload_and_a_change_to_a_zip(
    page, tmp_path, monkeypatch
):
    folder = phantom_folder(tmp_path / "phantom") / "CT"
    count = len(list(folder.iterdir()))
    take = uploading._take

    def gone_after_ten(place, stream, **more):
        if len(list(place.glob(".incoming-*"))) == 10 or list(place.glob("[0-9a-f]*")):
            raise OSError("the server is gone")
        return take(place, stream, **more)

    monkeypatch.setattr(uploading, "_take", gone_after_ten)
    page.set_input_files("#folder", folder)
    page.get_by_text("No connection to the server.").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("Paused").wait_for()

    monkeypatch.setattr(uploading, "_take", take)
    page.reload()
    page.get_by_text(f"10 of {count} files arrived before.").wait_for()
    page.get_by_text(f"only the {count - 10} missing files are sent").wait_for()
    taken = []
    monkeypatch.setattr(uploading, "_take", lambda *a, **k: taken.append(k) or take(*a, **k))
    archive = shutil.make_archive(str(tmp_path / "ct"), "zip", folder.parent, "CT")
    page.set_input_files("#files", archive)
    page.get_by_text("Being checked.").wait_for()
    assert len(taken) == count - 10
    series = check_series(series=ImagingSeries.objects.get())
    assert (series.received_files, series.stored_files, series.status) == (count, count, "accepted")


def bad_zips(folder):
    """Zips that must not be opened, each with the words that say why."""

    def written(name, **entries):
        with zipfile.ZipFile(folder / name, "w") as file:
            for entry, content in entries.items():
                file.writestr(zipfile.ZipInfo(entry.replace("_", ".")), content)
        return folder / name

    plain = written("plain.zip", a_dcm=b"first", b_dcm=b"second").read_bytes()
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(folder / "link.zip", "w") as file:
        file.writestr(link, "/etc/passwd")
    # The second entry of the table points at the first file's bytes.
    second = plain.index(b"PK\1\2", plain.index(b"PK\1\2") + 4)
    (folder / "overlap.zip").write_bytes(
        plain[: second + 42] + struct.pack("<I", 0) + plain[second + 46 :]
    )
    locked = bytearray(plain)
    locked[plain.index(b"PK\1\2") + 8] |= 1
    (folder / "locked.zip").write_bytes(locked)
    (folder / "cut.zip").write_bytes(plain[:-30])
    (folder / "damaged.zip").write_bytes(plain.replace(b"second", b"secund"))
    return {
        written("nested.zip", x_zip=b"PK"): "it holds another zip, x.zip",
        folder / "link.zip": "it holds a link, link",
        folder / "overlap.zip": "its entries overlap",
        folder / "locked.zip": "it is protected by a password",
        folder / "cut.zip": "it is cut off or damaged",
        folder / "damaged.zip": "it is cut off or damaged",
    }


def test_a_zip_that_must_not_be_opened_says_why_and_nothing_is_sent(page, tmp_path):
    for path, words in bad_zips(tmp_path).items():
        page.set_input_files("#files", path)
        page.get_by_text(f"{path.name} is no readable zip file: {words}").wait_for()
    page.set_input_files("#files", [])
    assert ImagingSeries.objects.get().status == "receiving"
