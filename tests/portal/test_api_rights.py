"""Every endpoint of the API against every role: the table of rights, walked cell by cell."""

import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import get_resolver
from rest_framework.test import APIClient

from studyportal.api.permissions import RIGHTS, Access
from studyportal.core import clock
from studyportal.core.storage import store_bytes
from studyportal.imaging.selectors import quarantine_of
from studyportal.imaging.states import SeriesRole
from studyportal.sites.models import Site
from studyportal.sites.rules import PERMISSIONS, Action, Role
from studyportal.syntheses.services import release_process
from studyportal.syntheses.states import ReleaseStatus
from synthesis.registry import CARD, DESCRIPTION, WEIGHTS, packaged_releases
from tests import factories as make

pytestmark = pytest.mark.django_db
MISSING = "00000000-0000-4000-8000-000000000000"
PLAN = (resources.files("evaluation") / "plans" / "nct07243873.toml").read_text("utf-8")


@dataclass(frozen=True)
class Call:
    """One request that succeeds for whoever holds the right."""

    method: str
    address: str
    body: dict[str, Any] | None = None
    status: int = 200
    form: str = "json"

    def by(self, user: Any = None) -> Any:
        client = APIClient()
        if user is not None:
            client.force_authenticate(user)
        if self.method == "get":
            return client.get(f"/api/v1/{self.address}")
        return getattr(client, self.method)(
            f"/api/v1/{self.address}", self.body or {}, format=self.form
        )


@dataclass(frozen=True)
class Case:
    """How to call an endpoint; `of_site` when the object belongs to a site."""

    call: Callable[[Site], Call]
    of_site: bool = False
    answers: dict[str, str] = field(default_factory=dict)


def screening(site: Site) -> dict[str, Any]:
    today = clock.today().isoformat()
    met, not_met, unknown = "met", "not_met", "unknown"
    return {
        "site": site.code,
        "sex": "F",
        "age_years": 61,
        "screening_date": today,
        "consent_date": today,
        "consent_version": "1.0",
        "answers": {
            **dict.fromkeys(("INC-01", "INC-02", "INC-03"), met),
            "EXC-01": not_met,
            **dict.fromkeys(("EXC-02", "EXC-03", "EXC-04"), unknown),
        },
    }


def participant(site: Site, **traits: Any) -> Any:
    return make.ParticipantFactory(site=site, **traits)


def consenting(site: Site) -> Any:
    return make.ConsentFactory(participant=participant(site, eligible=True)).participant


def consent_call(site: Site) -> Call:
    body = {"version": "1.0", "signed_on": make.DAY.isoformat()}
    return Call("post", f"participants/{participant(site).pk}/consents/", body)


def withdraw_call(site: Site) -> Call:
    body = {"scope": "remove", "withdrawn_on": clock.today().isoformat()}
    return Call("post", f"participants/{consenting(site).pk}/withdraw/", body, status=202)


def withdrawn(site: Site) -> Any:
    return make.WithdrawalFactory(participant=participant(site, discontinued=True))


def declining(site: Site) -> dict[str, Any]:
    return {
        "site": site.code,
        "declined_on": clock.today().isoformat(),
        "reason": "no_time",
        "submission": str(uuid.uuid4()),
    }


def pair(site: Site, **traits: Any) -> Any:
    return make.ScanPairFactory(participant__site=site, **traits)


def finding_call(site: Site) -> Call:
    row = make.FindingFactory(pair=pair(site, query_open=True, complete=True))
    body = {"finding": str(row.pk), "reason": "The clock was wrong."}
    return Call("post", f"scan-pairs/{row.pair_id}/accept-finding/", body)


def complete_call(site: Site) -> Call:
    series = make.ImagingSeriesFactory(pair=pair(site))
    folder = quarantine_of(series.pk)
    folder.mkdir(parents=True)
    (folder / make.digest("slice")).write_bytes(b"slice")
    return Call("post", f"uploads/{series.pk}/complete/", {"announced": 1}, status=202)


def files_call(site: Site) -> Call:
    series = make.ImagingSeriesFactory(pair=pair(site))
    body = {"files": [SimpleUploadedFile(f"{n}.dcm", b"slice %d" % n) for n in range(2)]}
    return Call("post", f"uploads/{series.pk}/files/", body, form="multipart")


def job_call(site: Site) -> Call:
    body = {
        "pair": str(pair(site, ready=True, complete=True).pk),
        "release": str(make.ModelReleaseFactory().pk),
        "seed": 7,
    }
    return Call("post", "synthesis-jobs/", body, status=202)


def import_call(site: Site) -> Call:
    """A zip of the packaged release under its own name: its weights are known to fit."""
    release = packaged_releases()[0]
    release_process._FITTING.add(release.digest)
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path in (release.folder / name for name in (DESCRIPTION, WEIGHTS, CARD)):
            archive.write(path, path.name)
    body = {"archive": SimpleUploadedFile("release.zip", stream.getvalue())}
    return Call("post", "model-releases/import/", body, status=201, form="multipart")


def job(site: Site, **traits: Any) -> Any:
    return make.SynthesisJobFactory(pair=pair(site, ready=True), **traits)


def batch_call(site: Site) -> Call:
    pair(site, ready=True, complete=True)
    body = {"release": str(make.ModelReleaseFactory().pk), "seed": 3}
    return Call("post", "synthesis-jobs/batch/", body, status=202)


def cut_call(site: Site) -> Call:
    row = make.SyntheticSeriesFactory(job__pair=pair(site, ready=True))
    make.PrimaryReleaseFactory(release=row.job.release)
    make.ImagingSeriesFactory(pair=row.job.pair, role=SeriesRole.REFERENCE, accepted=True)
    body = {"name": "First cut", "release": str(row.job.release_id), "plan": PLAN}
    return Call("post", "data-cuts/", body, status=201)


def download_call(site: Site) -> Call:
    stored = store_bytes(b"PK zip")
    row = make.ExportFactory(ready=True, archive_sha256=stored.sha256, size=stored.size)
    return Call("get", f"exports/{row.pk}/download/")


def comparison_call(site: Site) -> Call:
    """Two releases with a series of the one pair of a cut."""
    own = make.CutPairFactory()
    other = make.SyntheticSeriesFactory(job__pair=own.pair, job__source=own.source)
    releases = [str(own.cut.release_id), str(other.job.release_id)]
    body = {"cut": str(own.cut_id), "releases": releases}
    return Call("post", "release-comparisons/", body, status=202)


def listed(name: str) -> Case:
    return Case(lambda site: Call("get", f"{name}/"))


def shown(name: str, row: Callable[[Site], Any], *, of_site: bool = True) -> Case:
    return Case(lambda site: Call("get", f"{name}/{row(site).pk}/"), of_site=of_site)


def posted(
    name: str,
    verb: str,
    row: Callable[[Site], Any],
    body: dict[str, Any] | None = None,
    *,
    of_site: bool = True,
    status: int = 200,
) -> Case:
    return Case(
        lambda site: Call("post", f"{name}/{row(site).pk}/{verb}/", body, status=status),
        of_site=of_site,
    )


def created(name: str, body: Callable[[Site], dict[str, Any]], *, status: int) -> Case:
    return Case(lambda site: Call("post", f"{name}/", body(site), status=status))


SERIES = lambda site: make.ImagingSeriesFactory(pair=pair(site))  # noqa: E731
CASES: dict[str, Case] = {
    "token.destroy": Case(lambda site: Call("delete", "token/", status=204)),
    "schema.get": Case(lambda site: Call("get", "schema/")),
    "not-found.any": Case(lambda site: Call("get", "patients/", status=404)),
    "sites.list": listed("sites"),
    "sites.retrieve": Case(lambda site: Call("get", f"sites/{site.code}/"), of_site=True),
    "participants.list": listed("participants"),
    "participants.retrieve": shown("participants", participant),
    "participants.create": created("participants", screening, status=201),
    "participants.enrol": posted("participants", "enrol", consenting),
    "participants.record_consent": Case(consent_call, of_site=True),
    "participants.withdraw": Case(withdraw_call, of_site=True),
    "withdrawals.list": listed("withdrawals"),
    "withdrawals.retrieve": shown("withdrawals", withdrawn),
    "declined.list": listed("declined"),
    "declined.retrieve": shown("declined", lambda site: make.DeclinedFactory(site=site)),
    "declined.create": created("declined", declining, status=201),
    "scan-pairs.list": listed("scan-pairs"),
    "scan-pairs.retrieve": shown("scan-pairs", pair),
    "scan-pairs.accept_finding": Case(finding_call, of_site=True),
    "scan-pairs.judge_artefacts": posted(
        "scan-pairs",
        "judge-artefacts",
        lambda site: pair(site, ready=True, complete=True),
        {"artefacts": False, "reason": "Free of artefacts."},
    ),
    "scan-pairs.exclude": posted(
        "scan-pairs", "exclude", lambda site: pair(site, ready=True), {"reason": "Metal."}
    ),
    "series.list": listed("series"),
    "series.retrieve": shown("series", SERIES),
    "uploads.list": listed("uploads"),
    "uploads.retrieve": shown("uploads", SERIES),
    "uploads.create": created(
        "uploads",
        lambda site: {"participant": str(participant(site).pk), "role": "source"},
        status=201,
    ),
    "uploads.files": Case(files_call, of_site=True),
    "uploads.complete": Case(complete_call, of_site=True),
    "data-queries.list": listed("data-queries"),
    "data-queries.retrieve": shown("data-queries", lambda site: make.DataQueryFactory(site=site)),
    "data-queries.create": created(
        "data-queries",
        lambda site: {
            "participant": str(participant(site).pk),
            "form": "screening",
            "question": "Is the date right?",
        },
        status=201,
    ),
    "data-queries.answer_query": posted(
        "data-queries", "answer", lambda site: make.DataQueryFactory(site=site), {"text": "Sent."}
    ),
    "data-queries.close": posted(
        "data-queries", "close", lambda site: make.DataQueryFactory(site=site), {"text": "Right."}
    ),
    "data-queries.reopen": posted(
        "data-queries",
        "reopen",
        lambda site: make.DataQueryFactory(site=site, answered=True),
        {"text": "It is not."},
    ),
    "model-releases.list": listed("model-releases"),
    "model-releases.retrieve": shown(
        "model-releases", lambda site: make.ModelReleaseFactory(), of_site=False
    ),
    "model-releases.import_release": Case(import_call),
    "model-releases.move": posted(
        "model-releases",
        "move",
        lambda site: make.ModelReleaseFactory(candidate=True),
        {"target": ReleaseStatus.VALIDATED.value, "reason": "Checked on phantoms."},
        of_site=False,
    ),
    "model-releases.name_primary": posted(
        "model-releases",
        "name-primary",
        lambda site: make.ModelReleaseFactory(),
        {"reason": "Best on held-out phantoms."},
        of_site=False,
    ),
    "synthesis-jobs.list": listed("synthesis-jobs"),
    "synthesis-jobs.retrieve": shown("synthesis-jobs", job),
    "synthesis-jobs.create": Case(job_call),
    "synthesis-jobs.batch": Case(batch_call),
    "synthesis-jobs.cancel": posted("synthesis-jobs", "cancel", job),
    "synthesis-jobs.retry": posted(
        "synthesis-jobs", "retry", lambda site: job(site, errored=True), status=202
    ),
    "reading-sessions.list": listed("reading-sessions"),
    "reading-sessions.retrieve": shown(
        "reading-sessions", lambda site: make.ReadingSessionFactory(), of_site=False
    ),
    "reading-sessions.progress": Case(
        lambda site: Call(
            "get", f"reading-sessions/{make.SessionReaderFactory().session_id}/progress/"
        )
    ),
    "reading-list.list": listed("reading-list"),
    "data-cuts.list": listed("data-cuts"),
    "data-cuts.retrieve": shown("data-cuts", lambda site: make.DataCutFactory(), of_site=False),
    "data-cuts.create": Case(cut_call),
    "evaluation-runs.list": listed("evaluation-runs"),
    "evaluation-runs.retrieve": shown(
        "evaluation-runs", lambda site: make.EvaluationRunFactory(), of_site=False
    ),
    "evaluation-runs.create": created(
        "evaluation-runs", lambda site: {"cut": str(make.DataCutFactory().pk)}, status=202
    ),
    "evaluation-runs.results": Case(
        lambda site: Call("get", f"evaluation-runs/{make.ResultRowFactory().run_id}/results/")
    ),
    "release-comparisons.list": listed("release-comparisons"),
    "release-comparisons.retrieve": shown(
        "release-comparisons", lambda site: make.ReleaseComparisonFactory(), of_site=False
    ),
    "release-comparisons.create": Case(comparison_call),
    "exports.list": listed("exports"),
    "exports.retrieve": shown("exports", lambda site: make.ExportFactory(), of_site=False),
    "exports.create": created(
        "exports",
        lambda site: {"run": str(opened_run().pk)},
        status=202,
    ),
    "exports.pairs": created("exports/pairs", lambda site: {"reason": "To train."}, status=202),
    "exports.clinical": created("exports/clinical", lambda site: {"format": "csv"}, status=202),
    "exports.download": Case(download_call),
}


def opened_run():
    cut = make.ResultOpeningFactory(opened=True).cut
    return make.EvaluationRunFactory(completed=True, cut=cut)


RIGHTFUL = [
    (name, role) for name, right in RIGHTS.items() for role in Role
    if right in PERMISSIONS[role] or right == Access.SIGNED_IN
]  # fmt: skip
WRONGFUL = [
    (name, role) for name, right in RIGHTS.items() for role in Role
    if isinstance(right, Action) and right not in PERMISSIONS[role]
]  # fmt: skip


@pytest.fixture
def site() -> Site:
    make.ProtocolVersionFactory()
    return make.SiteFactory()


def test_every_endpoint_stands_in_the_table_of_rights():
    named = set()
    for pattern in get_resolver("studyportal.api.urls").url_patterns:
        view = pattern.callback
        if actions := getattr(view, "actions", None):
            named |= {f"{view.initkwargs['basename']}.{action}" for action in actions.values()}
        else:
            named.add(f"{view.view_class.basename}.{view.view_class.action}")
    assert named == set(RIGHTS)


def test_every_endpoint_has_a_case_here():
    assert set(CASES) == {name for name, right in RIGHTS.items() if right != Access.ANYONE}


@pytest.mark.parametrize("name", CASES)
def test_nobody_passes_without_signing_in(name, site):
    answer = CASES[name].call(site).by()
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize(("name", "role"), RIGHTFUL)
def test_a_role_with_the_right_is_answered(name, role, site):
    call = CASES[name].call(site)
    answer = call.by(make.person(role, site))
    answer.close()  # the file of a download
    assert answer.status_code == call.status, getattr(answer, "data", None)


@pytest.mark.parametrize(("name", "role"), WRONGFUL)
def test_a_role_without_the_right_is_refused(name, role, site):
    answer = CASES[name].call(site).by(make.person(role, site))
    assert answer.status_code == 403
    assert answer.data["type"] == "urn:studyportal:not-allowed"


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.of_site])
def test_another_sites_object_does_not_exist(name, site):
    right = RIGHTS[name]
    role = next(role for role in Role if right in PERMISSIONS[role] or right == Access.SIGNED_IN)
    stranger = make.MembershipFactory(role=role, site=make.SiteFactory()).user
    answer = CASES[name].call(site).by(stranger)
    assert answer.status_code == 404
    assert answer.data["type"] == "urn:studyportal:not-found"


@pytest.mark.parametrize(
    "name", ["participants", "scan-pairs", "series", "uploads", "synthesis-jobs", "sites"]
)
def test_a_list_holds_only_what_the_person_may_see(name, site):
    own, other = job(site), job(make.SiteFactory())
    coordinator = make.person(Role.COORDINATOR, site)
    rows = Call("get", f"{name}/").by(coordinator).data["results"]
    codes = {row.get("site", row["code"] if name == "sites" else None) for row in rows}
    assert codes == {own.pair.participant.site.code} != {other.pair.participant.site.code}


@pytest.mark.parametrize(
    "name", ["model-releases", "data-cuts", "evaluation-runs", "release-comparisons", "exports"]
)
def test_an_id_that_does_not_exist_is_not_found(name, site):
    answer = Call("get", f"{name}/{MISSING}/").by(make.person(Role.STATISTICIAN))
    assert answer.status_code == 404


def test_a_right_at_one_site_is_no_right_at_another_that_one_may_see(site):
    other = make.SiteFactory()
    person = make.person(Role.COORDINATOR, site)
    make.MembershipFactory(user=person, role=Role.MONITOR, site=other)
    answer = Call(
        "post", "uploads/", {"participant": str(participant(other).pk), "role": "source"}
    ).by(person)
    assert answer.status_code == 403
    assert other.code in answer.data["detail"]


def test_an_ended_membership_gives_nothing(site):
    person = make.MembershipFactory(site=site, ended=True).user
    assert Call("get", "participants/").by(person).status_code == 403
