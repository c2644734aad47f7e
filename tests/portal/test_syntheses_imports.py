"""Releases from elsewhere: a zip becomes a candidate, or is refused in words and leaves nothing."""

import io
import shutil
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from studyportal.core.errors import Refused
from studyportal.core.selectors import acts_on, history_of
from studyportal.sites.rules import Role
from studyportal.syntheses.models import ModelRelease
from studyportal.syntheses.selectors import description_of, folder_of, gate_of
from studyportal.syntheses.services import (
    hand_out_release,
    import_release,
    move_release,
    register_release,
    release_process,
)
from studyportal.syntheses.states import ReleaseStatus
from synthesis.registry import CARD, DESCRIPTION, WEIGHTS, load_release
from tests.factories import ModelReleaseFactory, SynthesisJobFactory
from tests.portal.scenes import person, released
from tests.synthesis.makers import PASSING, untrained_release

pytestmark = pytest.mark.django_db


def operator():
    return person(Role.SYNTHESIS_OPERATOR)


def zipped(folder: Path, **more: bytes) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in (DESCRIPTION, WEIGHTS, CARD):
            archive.write(folder / name, name)
        for name, content in more.items():
            archive.writestr(name, content)
    return stream


def left_in_store() -> list[str]:
    store = Path(settings.RELEASES_DIR)
    return sorted(path.name for path in store.iterdir()) if store.exists() else []


def test_a_zip_becomes_a_candidate_in_the_store(study, model_folder):
    release = import_release(archive=zipped(model_folder), by=operator())

    assert release.status == ReleaseStatus.CANDIDATE
    assert load_release(folder_of(release), release.digest).card == release.card
    assert left_in_store() == [release.digest]
    assert acts_on("modelrelease", release.pk).get().verb == "register_release"


def test_the_same_release_from_folder_and_zip_is_one_row(study, model_folder):
    rows = [
        register_release(folder=model_folder, by=operator()),
        import_release(archive=zipped(model_folder), by=operator()),
    ]
    assert rows[0] == rows[1]
    assert history_of("model release", rows[0].pk).count() == 1


def test_what_was_damaged_in_the_store_is_replaced_by_the_whole_one(study, model_folder):
    place = Path(settings.RELEASES_DIR) / load_release(model_folder).digest
    shutil.copytree(model_folder, place)
    (place / CARD).write_text("another card", encoding="utf-8")
    release = import_release(archive=zipped(model_folder), by=operator())
    assert load_release(folder_of(release), release.digest)


def spoiled(folder: Path, tmp_path: Path, name: str, old: bytes, new: bytes) -> Path:
    copy = tmp_path / "spoiled"
    shutil.copytree(folder, copy)
    content = (copy / name).read_bytes()
    assert old in content
    (copy / name).write_bytes(content.replace(old, new, 1))
    return copy


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        (CARD, b"untrained", b"wonderful", "MODEL_CARD.md of release was changed"),
        (DESCRIPTION, b"schema = 2", b"schema = 1", "schema 1. This version reads schema 2"),
        (DESCRIPTION, b"neighbours", b"neighbors", "Unknown key domain.neighbors"),
    ],
)
def test_a_release_that_is_not_what_it_says_is_refused_and_leaves_nothing(
    study, model_folder, tmp_path, name, old, new, sentence
):
    folder = spoiled(model_folder, tmp_path, name, old, new)
    for act in (
        lambda: import_release(archive=zipped(folder), by=operator()),
        lambda: register_release(folder=folder, by=operator()),
    ):
        with pytest.raises(Refused, match=sentence):
            act()
    assert not ModelRelease.objects.exists()
    assert left_in_store() == []


def test_a_file_more_is_refused_and_leaves_nothing(study, model_folder):
    with pytest.raises(Refused, match="pickled weights can run code"):
        import_release(archive=zipped(model_folder, **{"model.pt": b"x"}), by=operator())
    assert left_in_store() == []


def test_a_linked_file_of_a_folder_is_not_followed(study, model_folder, tmp_path):
    copy = tmp_path / "linked"
    shutil.copytree(model_folder, copy)
    (copy / CARD).unlink()
    (copy / CARD).symlink_to(model_folder / CARD)
    with pytest.raises(Refused, match="is no plain file"):
        register_release(folder=copy, by=operator())


def test_weights_of_another_network_are_refused_by_a_process_of_its_own(study, tmp_path):
    release = untrained_release(tmp_path / "r")
    path = release.folder / DESCRIPTION
    path.write_text(path.read_text("utf-8").replace("neighbours = 1", "neighbours = 2"), "utf-8")
    with pytest.raises(Refused, match=r"do not fit its networks: .* where .* is needed"):
        import_release(archive=zipped(release.folder), by=operator())
    assert not ModelRelease.objects.exists()
    assert left_in_store() == []


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import time; time.sleep(9)", "within 0.2 seconds"),
        ("import os; os.abort()", "without an answer"),
        ("import sys; sys.exit('a sentence')", "without an answer"),
        ("import sys; sys.stderr.write('why not'); sys.exit(2)", "why not"),
    ],
)
def test_a_process_that_does_not_answer_is_a_refusal(monkeypatch, code, sentence):
    monkeypatch.setattr(release_process, "_SECONDS", 0.2 if "sleep" in code else 30)
    monkeypatch.setattr(release_process, "_COMMAND", ("-c", code))
    with pytest.raises(Refused, match=sentence):
        release_process.run_synthesis("check")


# the gate


def test_a_release_that_fails_the_gate_is_not_validated_and_every_reason_is_said(study, tmp_path):
    poor = {**PASSING, "lesions": {**PASSING["lesions"], "model": {"median_recovery": 0.4}}}
    model = untrained_release(tmp_path / "poor", metrics=poor)
    release_process._FITTING.add(model.digest)
    release = register_release(folder=model.folder, by=operator())

    with pytest.raises(Refused) as caught:
        move_release(release=release, target=ReleaseStatus.VALIDATED, reason="x", by=operator())
    assert [reason.id for reason in caught.value.reasons] == ["GATE-01", "GATE-04", "GATE-05"]
    assert "Found: 0.40" in str(caught.value)
    release.refresh_from_db()
    assert release.status == ReleaseStatus.CANDIDATE
    move_release(release=release, target=ReleaseStatus.RETIRED, reason="x", by=operator())


def test_a_release_that_passes_the_gate_is_validated(study, model_folder):
    release = register_release(folder=model_folder, by=operator())
    assert gate_of(release).passed
    move_release(release=release, target=ReleaseStatus.VALIDATED, reason="good", by=operator())
    assert release.status == ReleaseStatus.VALIDATED


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("name = 1")])
def test_nothing_is_known_of_a_release_whose_description_is_gone_or_changed(
    study, model_folder, spoil
):
    release = register_release(folder=model_folder, by=operator())
    spoil(folder_of(release) / DESCRIPTION)
    assert description_of(release) is None
    assert {row.standing for row in gate_of(release).criteria} == {"not_known"}
    with pytest.raises(Refused, match="The table counts no foci"):
        move_release(release=release, target=ReleaseStatus.VALIDATED, reason="x", by=operator())


def test_the_packaged_release_passes_the_gate_on_its_own_figures(study):
    packaged = ModelReleaseFactory(candidate=True)
    assert gate_of(packaged).passed
    move_release(release=packaged, target=ReleaseStatus.VALIDATED, reason="x", by=operator())
    assert packaged.status == ReleaseStatus.VALIDATED


# entrances


def test_the_command_takes_a_folder_a_zip_and_nothing_else(study, model_folder, tmp_path):
    by, said = operator(), io.StringIO()
    path = tmp_path / "release.zip"
    path.write_bytes(zipped(model_folder).getvalue())
    call_command("register_release", str(path), by=by.username, stdout=said)
    call_command("register_release", str(model_folder), by=by.username, stdout=said)

    assert said.getvalue().count("untrained 0 is candidate; SHA-256") == 2
    with pytest.raises(CommandError, match="nothing at"):
        call_command("register_release", str(tmp_path / "gone"), by=by.username)
    path.write_bytes(b"no zip, and long enough to be one")
    with pytest.raises(CommandError, match="no zip"):
        call_command("register_release", str(path), by=by.username)


def test_a_zip_sent_through_the_page_is_a_candidate_or_the_page_says_why_not(study, model_folder):
    client = Client()
    client.force_login(operator())
    page = reverse("web:release_import")

    def send(content: bytes):
        return client.post(page, {"archive": SimpleUploadedFile("release.zip", content)})

    refused = send(b"no zip, and long enough to be one")
    assert refused.status_code == 422
    assert "This is no zip" in refused.content.decode()
    assert client.post(page).status_code == 422
    answer = send(zipped(model_folder).getvalue())
    release = ModelRelease.objects.get()
    assert answer["Location"] == reverse("web:release", args=[release.pk])


def test_the_page_says_which_criteria_stand_in_the_way(study, tmp_path):
    model = untrained_release(tmp_path / "poor", metrics={})
    release_process._FITTING.add(model.digest)
    release = register_release(folder=model.folder, by=operator())
    client = Client()
    client.force_login(operator())
    place = reverse("web:release_move", args=[release.pk])
    answer = client.post(place, {"target": "validated", "reason": "please"})

    assert answer.status_code == 422
    assert "The median recovery of SUVmax lies between" in answer.content.decode()


# what the page shows and hands out


def shown(release, role=Role.SYNTHESIS_OPERATOR):
    client = Client()
    client.force_login(person(role))
    return client.get(reverse("web:release", args=[release.pk])).content.decode()


def test_the_page_shows_figures_beside_controls_digests_and_who_moved_it(study, model_folder):
    release = released(model_folder)
    SynthesisJobFactory(release=release, succeeded=True)
    text = shown(release)

    assert "0.200 (0.180 to 0.220)" in text
    assert text.count("no model") >= 3
    assert release.digest in text
    assert load_release(model_folder).weights_sha256 in text
    assert "for a test" in text
    assert "Syntheses with this release" in text
    assert "12 foci of 6 participants" in text


def test_the_page_of_a_release_whose_folder_was_changed_says_so(study, model_folder):
    release = register_release(folder=model_folder, by=operator())
    (folder_of(release) / DESCRIPTION).write_text("name = 1", encoding="utf-8")
    text = shown(release)
    assert "is gone or was changed" in text
    assert "Download (zip)" not in text


def test_a_release_is_handed_out_as_the_zip_it_could_be_registered_from(study, model_folder):
    release = register_release(folder=model_folder, by=operator())
    client = Client()
    client.force_login(operator())
    place = reverse("web:release_download", args=[release.pk])
    first, second = (client.post(place).getvalue() for _ in range(2))

    assert first == second
    assert import_release(archive=io.BytesIO(first), by=operator()) == release
    assert acts_on("modelrelease", release.pk).filter(verb="hand_out_release").count() == 2
    assert "was downloaded" in shown(release)
    assert client.get(place).status_code == 405


def test_a_changed_release_is_not_handed_out(study, model_folder):
    release = register_release(folder=model_folder, by=operator())
    weights = folder_of(release) / WEIGHTS
    weights.chmod(0o600)
    weights.write_bytes(b"x")
    with pytest.raises(Refused, match="was changed"):
        hand_out_release(release=release, by=operator())


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.STATISTICIAN, Role.STUDY_PI])
def test_only_the_operator_takes_a_release_away(study, role, model_folder):
    release = ModelReleaseFactory(candidate=True)
    client = Client()
    client.force_login(person(role))
    for name in ("release_download", "release_bundle"):
        assert client.post(reverse(f"web:{name}", args=[release.pk])).status_code == 403
    assert "Download (zip)" not in shown(release, role)
