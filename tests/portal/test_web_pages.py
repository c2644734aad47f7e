"""What pages do: parse, ask, call one service, answer; a refusal keeps what was typed."""

import hashlib
import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from studyportal.core import clock
from studyportal.imaging.models import Finding, ImagingSeries
from studyportal.imaging.services import check_series
from studyportal.imaging.states import SeriesRole
from studyportal.participants.models import Participant
from studyportal.participants.rules import Answer
from studyportal.protocol.models import ProtocolVersion
from studyportal.sites.rules import Role
from studyportal.syntheses.models import SynthesisJob
from tests import factories as make
from tests.portal.web_study import (
    PASSWORD,
    enrolled,
    phantom_folder,
    ready_pair,
    released_model,
    screened,
    sent,
    small_study,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    return small_study()


def client_of(study, role=Role.COORDINATOR) -> Client:
    client = Client()
    client.force_login(study.people[role])
    return client


def screening(study, **changes):
    day = (clock.today() - timedelta(days=1)).isoformat()
    return {
        "site": study.sites["SPH"].pk,
        "sex": "F",
        "age_years": "63",
        "screening_date": day,
        "consent_date": day,
        "consent_version": "1.0",
        "INC-01": "met",
        "INC-02": "met",
        "INC-03": "met",
        "EXC-01": "not_met",
        **changes,
    }


def test_a_person_signs_in_and_is_brought_to_the_worklist(study):
    client = Client()
    typed = {"login": "coordinator", "password": PASSWORD}
    answer = client.post(reverse("web:login"), typed, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("web:worklist")
    assert b"Nobody has been screened yet" in answer.content


def test_screening_an_eligible_person_leads_to_the_button_that_enrols(study):
    client = client_of(study)
    answer = client.post(reverse("web:screen"), screening(study), follow=True)
    participant = Participant.objects.get()
    assert answer.redirect_chain[-1][0] == reverse("web:participant", args=[participant.pk])
    assert participant.status == "eligible"
    assert reverse("web:enrol", args=[participant.pk]).encode() in answer.content
    client.post(reverse("web:enrol", args=[participant.pk]))
    participant.refresh_from_db()
    assert participant.status == "enrolled"


def test_a_refused_screening_keeps_what_was_typed_and_says_it_at_the_field(study):
    typed = screening(study, consent_date="", consent_version="", age_years="63")
    answer = client_of(study).post(reverse("web:screen"), typed)
    assert answer.status_code == 422
    assert not Participant.objects.exists()
    body = answer.content.decode()
    assert 'value="63"' in body
    assert 'href="#at-consent_date"' in body
    assert answer.context["form"].errors["consent_date"] == [
        "INC-02 is met, yet there is no date of consent."
    ]


def test_a_missing_age_is_said_at_the_age(study):
    answer = client_of(study).post(reverse("web:screen"), screening(study, age_years=""))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["age_years"]


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "Eligible"),
        ({"EXC-01": "met"}, "Not eligible"),
        ({"INC-01": "unknown"}, "Not decided yet"),
    ],
)
def test_the_verdict_follows_the_answers_before_anything_is_saved(study, changes, verdict):
    answer = client_of(study).post(reverse("web:screen_verdict"), screening(study, **changes))
    assert f">{verdict}<" in answer.content.decode()
    assert not Participant.objects.exists()


def test_the_verdict_names_a_contradiction(study):
    typed = screening(study, age_years="12")
    answer = client_of(study).post(reverse("web:screen_verdict"), typed)
    assert "yet the age is 12" in answer.content.decode()


def test_criteria_left_open_are_answered_later_and_consent_is_kept(study):
    participant = screened(study.sites["SPH"], study.coordinator, INC_02=Answer.UNKNOWN)
    day = (clock.today() - timedelta(days=2)).isoformat()
    typed = {
        "consent_date": day,
        "consent_version": "1.0",
        "INC-01": "met",
        "INC-02": "met",
        "INC-03": "met",
        "EXC-01": "not_met",
    }
    client_of(study).post(reverse("web:criteria", args=[participant.pk]), typed)
    participant.refresh_from_db()
    assert participant.status == "eligible"
    assert participant.consents.get().signed_on.isoformat() == day


def test_answers_that_contradict_the_consent_are_refused_and_nothing_is_kept(study):
    participant = screened(study.sites["SPH"], study.coordinator, INC_02=Answer.UNKNOWN)
    typed = {"INC-01": "met", "INC-02": "met", "INC-03": "met", "EXC-01": "not_met"}
    answer = client_of(study).post(reverse("web:criteria", args=[participant.pk]), typed)
    assert answer.status_code == 422
    assert "consent_date" in answer.context["form"].errors
    assert participant.assessments.count() == 1


def upload(client, participant, role, folder):
    """Send a folder the way the browser does; returns the series."""
    opened = client.post(reverse("web:upload_open", args=[participant.pk, role]))
    series = ImagingSeries.objects.get(pk=opened["Location"].strip("/").split("/")[-1])
    contents = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    rows = [
        {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in contents.items()
    ]
    head = json.dumps({"files": [[row["sha256"], row["size"]] for row in rows]}).encode()
    bodies = {
        "upload_announce": json.dumps({"files": rows}).encode(),
        "upload_files": head + b"\n" + b"".join(contents.values()),
        "upload_complete": b"{}",
    }
    for name, body in bodies.items():
        place = reverse(f"web:{name}", args=[series.pk])
        answer = client.post(place, data=body, content_type="application/octet-stream")
        assert answer.status_code < 300
    assert answer["Location"] == reverse("web:upload", args=[series.pk])
    series.refresh_from_db()
    return series


def test_ct_and_pet_are_uploaded_and_the_verdict_is_said_in_words(study, tmp_path):
    folder = phantom_folder(tmp_path / "phantom")
    client = client_of(study)
    participant = enrolled(study.sites["SPH"], study.coordinator)
    source = upload(client, participant, "source", folder / "CT")
    waiting = client.get(reverse("web:upload", args=[source.pk])).content.decode()
    assert "Being checked." in waiting
    assert "hx-get" in waiting
    check_series(series=source)
    reference = upload(client, participant, "reference", folder / "PET")
    check_series(series=reference)
    said = client.get(reverse("web:upload_verdict", args=[reference.pk])).content.decode()
    assert "hx-get" not in said
    assert re.search(r"PET: \d+ slices", said)
    assert re.search(r"SUV can be computed \(rule .*injected dose \d+\.\d MBq at \d\d:\d\d", said)
    assert "The CT covers 100 % of the PET. Ready." in said


def test_an_upload_that_was_begun_is_gone_on_with(study):
    client = client_of(study)
    participant = enrolled(study.sites["SPH"], study.coordinator)
    first = client.post(reverse("web:upload_open", args=[participant.pk, "source"]))
    second = client.post(reverse("web:upload_open", args=[participant.pk, "source"]))
    assert first["Location"] == second["Location"]
    assert ImagingSeries.objects.count() == 1


def test_an_upload_without_files_is_refused_in_words(study):
    client = client_of(study)
    participant = enrolled(study.sites["SPH"], study.coordinator)
    client.post(reverse("web:upload_open", args=[participant.pk, "source"]))
    series = ImagingSeries.objects.get()
    answer = client.post(reverse("web:upload_complete", args=[series.pk]))
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("No file was received.")


def test_images_of_a_person_who_is_not_enrolled_are_refused_in_words(study):
    client = client_of(study)
    participant = screened(study.sites["SPH"], study.coordinator)
    place = reverse("web:upload_open", args=[participant.pk, "source"])
    answer = client.post(place, follow=True)
    assert "images can be sent after enrolment" in answer.content.decode()


def test_a_refused_series_says_why_and_what_to_send(study, tmp_path):
    participant = enrolled(study.sites["SPH"], study.coordinator)
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    (wrong / "letter.txt").write_text("not an image")
    series = sent(participant, SeriesRole.SOURCE, wrong, study.coordinator)
    said = client_of(study).get(reverse("web:upload", args=[series.pk])).content.decode()
    assert "The CT was refused." in said
    assert Finding.objects.get().sentence in said.replace("&#x27;", "'")


def test_artefacts_are_judged_and_a_judgement_without_words_is_refused(study, tmp_path):
    pair = ready_pair(study.sites["SPH"], study.coordinator, phantom_folder(tmp_path / "p"))
    client = client_of(study, Role.DATA_MANAGER)
    place = reverse("web:judge_artefacts", args=[pair.pk])
    refused = client.post(place, {"artefacts-artefacts": "no", "artefacts-reason": ""})
    assert refused.status_code == 422
    kept = client.post(
        place, {"artefacts-artefacts": "no", "artefacts-reason": "clean"}, follow=True
    )
    assert "free of excluding artefacts" in kept.content.decode()


def test_a_pair_is_excluded_for_a_reason_only(study, tmp_path):
    pair = ready_pair(study.sites["SPH"], study.coordinator, phantom_folder(tmp_path / "p"))
    client = client_of(study, Role.DATA_MANAGER)
    place = reverse("web:exclude_pair", args=[pair.pk])
    assert client.post(place, {"exclude-reason": " "}).status_code == 422
    client.post(place, {"exclude-reason": "The arm moved."})
    pair.refresh_from_db()
    assert (pair.status, pair.exclusion_reason) == ("excluded", "The arm moved.")


def test_the_picture_of_a_series_is_served_from_the_archive(study, tmp_path):
    pair = ready_pair(study.sites["SPH"], study.coordinator, phantom_folder(tmp_path / "p"))
    series = pair.series.get(role="reference")
    answer = client_of(study).get(reverse("web:series_preview", args=[series.pk]))
    assert answer["Content-Type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")


def test_the_list_of_pairs_asks_only_for_pictures_that_are_there(study):
    made, unmade = (
        make.ImagingSeriesFactory(
            accepted=True, preview_sha256=digest, pair__participant__site=study.sites["SPH"]
        )
        for digest in ("a" * 64, "")
    )
    page = client_of(study).get(reverse("web:pairs")).content.decode()
    assert reverse("web:series_preview", args=[made.pk]) in page
    assert reverse("web:series_preview", args=[unmade.pk]) not in page


def test_a_synthesis_is_requested_shown_and_cancelled(study, tmp_path):
    pair = ready_pair(study.sites["SPH"], study.coordinator, phantom_folder(tmp_path / "p"))
    client = client_of(study, Role.SYNTHESIS_OPERATOR)
    typed = {"release": released_model().pk, "seed": "0"}
    client.post(reverse("web:synthesise", args=[pair.pk]), typed)
    job = SynthesisJob.objects.get()
    page = client.get(reverse("web:job", args=[job.pk])).content.decode()
    assert "Place 1 of 1 in the queue. Nothing runs now." in page
    assert "Expected end: not known." in page
    assert "exploratory" in page
    assert 'hx-trigger="every 2s"' in page
    assert "place 1 of 1" in client.get(reverse("web:jobs")).content.decode()
    preview = client.get(reverse("web:synthesise_all"), typed).content.decode()
    assert "Nothing is new" in preview
    client.post(reverse("web:synthesise_all"), typed)
    assert SynthesisJob.objects.count() == 1
    client.post(reverse("web:job_cancel", args=[job.pk]))
    ended = client.get(reverse("web:job_progress", args=[job.pk])).content.decode()
    assert "hx-trigger" not in ended
    assert "Cancelled by" in ended


def test_a_model_card_is_shown_and_nothing_in_it_runs(study):
    release = released_model()
    page = client_of(study).get(reverse("web:release", args=[release.pk])).content.decode()
    assert "<strong>Not for clinical use.</strong>" in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_release_moves_for_a_reason_only(study):
    release = released_model()
    client = client_of(study, Role.SYNTHESIS_OPERATOR)
    place = reverse("web:release_move", args=[release.pk])
    assert client.post(place, {"target": "retired", "reason": ""}).status_code == 422
    assert client.post(place, {"target": "nonsense", "reason": "x"}).status_code == 422
    assert client.post(place, {"target": "candidate", "reason": "x"}).status_code == 422
    client.post(place, {"target": "retired", "reason": "superseded"})
    release.refresh_from_db()
    assert release.status == "retired"


def test_a_cut_without_anything_to_compare_is_refused_and_the_plan_stays_typed(study):
    typed = {"name": "first", "release": released_model().pk, "plan": "nonsense = ["}
    client = client_of(study, Role.STATISTICIAN)
    answer = client.post(reverse("web:freeze"), typed)
    assert answer.status_code == 422
    assert "The analysis plan cannot be used" in answer.content.decode()
    assert "nonsense = [" in answer.content.decode()


def test_pages_that_fail_are_plain(study):
    client = client_of(study)
    answer = client.get("/no-such-page/")
    assert answer.status_code == 404
    assert b"There is nothing here for you" in answer.content


def test_a_picture_that_is_missing_from_the_archive_is_said_in_words(study, tmp_path, settings):
    pair = ready_pair(study.sites["SPH"], study.coordinator, phantom_folder(tmp_path / "p"))
    series = pair.series.get(role="source")
    settings.ARCHIVE_DIR = tmp_path / "another archive"
    answer = client_of(study).get(reverse("web:series_preview", args=[series.pk]))
    assert answer.status_code == 409
    assert "is missing from the archive" in answer.content.decode()


def test_a_form_that_waited_too_long_is_answered_in_words(study):
    client = Client(enforce_csrf_checks=True)
    client.force_login(study.coordinator)
    answer = client.post(reverse("web:screen"), screening(study))
    assert answer.status_code == 403
    assert "This form waited too long" in answer.content.decode()


def test_without_a_protocol_in_force_the_worklist_says_what_to_do(study):
    ProtocolVersion.objects.update(status="superseded")
    answer = client_of(study).get(reverse("web:worklist"))
    assert answer.status_code == 409
    assert "No protocol is in force" in answer.content.decode()
