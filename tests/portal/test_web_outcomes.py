"""What a statistician sees of a completed run, in the browser."""

import hashlib

import pytest
from django.test import Client
from django.urls import reverse

from studyportal.exports.selectors import downloads_of
from studyportal.exports.services import build_export, request_export
from studyportal.outcomes.selectors import files_of, results_of
from studyportal.outcomes.services import analyse_run, plan_run
from studyportal.sites.rules import Role
from tests.portal.scenes import measured_cut, person
from tests.portal.signed_in import signed_in

pytestmark = pytest.mark.django_db


def test_a_completed_run_shows_its_results_its_report_and_gives_its_export(
    study, phantom, model_folder
):
    by = person(Role.STATISTICIAN)
    run = analyse_run(
        evaluation_run=plan_run(cut=measured_cut(phantom, model_folder, seeds=(1, 2)), by=by)
    )
    export = build_export(export=request_export(run=run, by=by))
    client, outsider = signed_in(by), Client()
    outsider.force_login(person(Role.COORDINATOR))
    page = reverse("web:run", args=[run.pk])

    first_look = client.get(page).content.decode()
    flow = client.get(page, {"endpoint": "participant_flow"}).content.decode()
    assert "SSIM" in first_look
    assert "Participant flow" not in first_look.partition("<tbody>")[2]
    counts = results_of(run).filter(endpoint="participant_flow", statistic="screened")
    assert f'<td class="num">{counts.get(subgroup="all").value:.0f}</td>' in flow

    for file in files_of(run):
        answer = client.get(reverse("web:run_file", args=[run.pk, file.name]))
        assert hashlib.sha256(answer.getvalue()).hexdigest() == file.sha256
        if file.name.endswith((".html", ".svg")):  # what a browser would run must not
            assert "'self'" not in answer.headers["Content-Security-Policy"].partition("script")[2]
            assert "sandbox" in answer.headers["Content-Security-Policy"]

    download = reverse("web:download_export", args=[export.pk])
    taken = client.post(download)
    assert hashlib.sha256(taken.getvalue()).hexdigest() == export.archive_sha256
    assert downloads_of(export).count() == 1

    assert outsider.get(page).status_code == 403
    assert outsider.post(download).status_code == 403
