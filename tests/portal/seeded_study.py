"""A study with whole casebooks, one of them signed, and something behind every page: for walks through all pages."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.test import override_settings
from django.urls import reverse

from studyportal.cli.loading.keeping import Share, keep_people
from studyportal.cli.loading.people import person
from studyportal.clinical.models import Form
from studyportal.clinical.rules import Signing, default_critical
from studyportal.clinical.selectors import casebook_of
from studyportal.clinical.services import (
    Staff,
    complete_form,
    enter_second,
    open_form,
    plan_verification,
    save_answers,
    sign_casebook,
)
from studyportal.core import clock
from studyportal.participants.models import Participant
from studyportal.queries.models import DataQuery
from studyportal.sites.rules import Role
from tests import factories as make
from tests.portal.test_clinical_forms import BASELINE, changes
from tests.portal.web_study import Study, enrolled, small_study


@dataclass(frozen=True)
class SeededStudy:
    """The people, and the parts of addresses that lead to something."""

    study: Study
    objects: dict[str, object]
    entered_twice: tuple[tuple[str, str], ...]  # names and addresses, for the data manager


def seeded_study(*, participants: int = 8) -> SeededStudy:
    """So many participants of SPH with all forms, as `seed_load` makes them, and two who were screened only."""
    study = small_study()
    site = study.sites["SPH"]
    manager = study.people[Role.DATA_MANAGER]
    plan_verification(
        site=site, share_percent=20, critical=default_critical(), reason="By plan.", by=manager
    )
    keep(study, participants)
    signed = _signed(study)
    twice = tuple(_entered_twice(study))  # before the data of the site are frozen
    return SeededStudy(study, _of(signed) | _others(signed, manager), twice)


def keep(study: Study, participants: int, *, seed: int = 1) -> None:
    """Made-up people of SPH stand in the study."""
    site, today = study.sites["SPH"], clock.today()
    staff = Staff(study.coordinator, study.people[Role.MONITOR], study.people[Role.DATA_MANAGER])
    people = [
        person("SPH", number, seed=seed, enrolled=number <= participants, today=today)
        for number in range(1, participants + 3)
    ]
    with override_settings(DEMO=True):
        keep_people(Share(site, participants, staff), people, today=today)


def _signed(study: Study) -> Participant:
    """A participant all of whose forms were verified, and the site PI signed them."""
    participant = (
        Participant.objects.filter(site__code="SPH", scan_pair__status="ready")
        .order_by("code")
        .first()
    )
    for form in Form.objects.filter(participant=participant).exclude(status="verified"):
        Form.objects.filter(pk=form.pk).update(
            status="verified", completed_at=clock.now(), completed_by=study.coordinator,
            verified_at=clock.now(), verified_by=study.people[Role.MONITOR], verified_scope="whole",
        )  # fmt: skip
    DataQuery.objects.filter(participant_code=participant.code).update(status="closed")
    signing = Signing("approval", "password", clock.now(), casebook_of(participant).sha256)
    sign_casebook(participant=participant, signing=signing, by=study.people[Role.SITE_PI])
    return participant


def _entered_twice(study: Study) -> Iterator[tuple[str, str]]:
    """Pages of a form that waits for its second entry, and of one whose two entries differ."""
    by = study.coordinator
    for other in ("crf_second", "crf_reconcile"):
        form = open_form(participant=enrolled(study.sites["SPH"], by), kind="baseline", by=by)
        save_answers(form=form, changes=changes(BASELINE), by=by)
        complete_form(form=form, by=by)
        if other == "crf_reconcile":
            second = {"": BASELINE | {"weight_kg": "75"}}
            enter_second(form=form, answers=second, by=study.people[Role.DATA_MANAGER])
        for name in ("crf", other):
            place = reverse(f"web:{name}", args=[form.participant_id, form.kind, form.occurrence])
            yield f"{name} before {other}" if name == "crf" else name, place


def _of(participant: Participant) -> dict[str, object]:
    pair = participant.scan_pair
    series = pair.series.get(role="source")
    found = {"participant_id": participant.pk, "pair_id": pair.pk, "series_id": series.pk}
    return found | {"kind": "nodes", "occurrence": 1, "code": "SPH", "ending": "json"}


def _others(participant: Participant, manager: object) -> dict[str, object]:
    """What stands behind the other pages."""
    site = participant.site
    release = make.ModelReleaseFactory()
    pair = participant.scan_pair
    source = pair.series.get(role="source")
    query = make.DataQueryFactory(site=site, participant_code=participant.code, by_person=True)
    return {
        "topic": "screening",
        "username": "monitor",
        "query_id": query.pk,
        "job_id": make.SynthesisJobFactory(pair=pair, release=release, source=source).pk,
        "release_id": release.pk,
        "cut_id": make.DataCutFactory(release=release).pk,
        "run_id": make.EvaluationRunFactory(completed=True).pk,
        "session_id": make.ReadingSessionFactory(closed=True).pk,
        "comparison_id": make.ReleaseComparisonFactory().pk,
        "arrival_id": make.ArrivalFactory(site=site).pk,
        "override_id": make.EligibilityOverrideFactory(participant=participant).pk,
        "withdrawal_id": make.WithdrawalFactory(
            participant__site=site, participant__code="SPH-99999", carried_out=True
        ).pk,
        "lock_id": make.DataLockFactory(site=site).pk,
    }
