"""Versions of the consent form, who signed which, and who must sign again."""

import dataclasses
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from studyportal.clinical.services import enter_baseline
from studyportal.core import clock
from studyportal.core.errors import NotAllowed, Refused
from studyportal.dashboards.rules import Step
from studyportal.dashboards.selectors import worklist
from studyportal.imaging.rules import date_offset, summary_from_json
from studyportal.imaging.selectors import study_key
from studyportal.imaging.services import open_series, settling
from studyportal.imaging.states import SeriesRole
from studyportal.participants.models import Consent, ConsentVersion
from studyportal.participants.rules import (
    Answer,
    Language,
    Offer,
    Signature,
    need_of,
    offer_faults,
    signature_faults,
)
from studyportal.participants.selectors import consent_needed
from studyportal.participants.services import (
    complete_screening,
    declare_consent_version,
    enrol_participant,
    record_consent,
    screen_participant,
)
from studyportal.participants.states import ParticipantStatus
from studyportal.sites.rules import Role
from tests import factories as make
from tests.portal.scenes import SCREENED_ON, enrolled, facts, person, site

pytestmark = pytest.mark.django_db
FIRST = Offer("1.0", Language.CHINESE, date(2025, 12, 1), date(2026, 2, 1), False, None)
SECOND = Offer("2.0", Language.CHINESE, date(2026, 2, 1), None, True, date(2026, 3, 1))
ENGLISH = Offer("2.0", Language.ENGLISH, date(2026, 2, 10), None, False, None)
TODAY = date(2026, 4, 1)


def offer(version="2.0", **changes) -> Offer:
    told = {
        "language": Language.CHINESE, "valid_from": clock.today(), "valid_until": None,
        "requires_reconsent": True, "reconsent_by": None,
    }  # fmt: skip
    return Offer(version=version, **{**told, **changes})


def declared(version="2.0", *, at="SPH", **changes) -> ConsentVersion:
    return declare_consent_version(
        site=site(at), offer=offer(version, **changes), by=person(Role.STUDY_PI)
    )


@pytest.mark.parametrize(
    ("signature", "told"),
    [
        (Signature("1.0", "zh", date(2025, 12, 1)), []),
        (Signature("1.0", "zh", date(2026, 1, 31)), []),
        (Signature("1.0", "zh", date(2026, 2, 1)), ["consent_replaced"]),
        (Signature("1.0", "zh", date(2025, 11, 30)), ["consent_before_approval"]),
        (Signature("2.0", "zh", date(2026, 2, 1)), []),
        (Signature("2.0", "en", date(2026, 2, 1)), ["consent_before_approval"]),
        (Signature("1.0", "en", date(2026, 1, 2)), ["consent_language"]),
        (Signature("2.0", "", date(2026, 2, 2)), ["consent_language"]),
        (Signature("2.0", "zh", date(2026, 4, 2)), ["consent_future"]),
        (Signature("3.0", "zh", date(2026, 3, 1)), ["consent_version"]),
        (Signature("0.9", "", date(2026, 3, 1)), []),
    ],
)
def test_a_signature_must_fit_a_version_of_its_day_and_language(signature, told):
    faults = signature_faults(
        signature, offers=[FIRST, SECOND, ENGLISH], of_protocol=["0.9"], today=TODAY
    )
    assert [fault.id for fault in faults] == told


@pytest.mark.parametrize(
    ("signed", "today", "needed"),
    [
        (["1.0"], date(2026, 1, 31), None),
        (["1.0"], date(2026, 2, 1), "2.0"),
        (["1.0", "2.0"], TODAY, None),
        ([], TODAY, None),
        (["0.9"], TODAY, "2.0"),
    ],
)
def test_whoever_signed_an_earlier_version_must_sign_the_newest_that_asks_for_it(
    signed, today, needed
):
    need = need_of(signed, [FIRST, SECOND, ENGLISH], today=today)
    assert (need.version if need else None) == needed


def test_a_need_stops_collecting_from_its_last_day_on_and_not_before():
    need = need_of(["1.0"], [FIRST, SECOND], today=TODAY)
    assert not need.blocks(date(2026, 2, 28))
    assert need.blocks(date(2026, 3, 1))


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (Offer("3.0", Language.CHINESE, date(2026, 5, 1), None, True, date(2026, 6, 1)), []),
        (Offer("2.0", Language.CHINESE, date(2026, 5, 1), None, False, None), ["version_exists"]),
        (Offer("3.0", Language.CHINESE, date(2026, 2, 1), None, False, None), ["version_order"]),
        (Offer("", Language.CHINESE, date(2026, 5, 1), None, False, None), ["version_name"]),
        (Offer("3", Language.CHINESE, date(2026, 5, 1), None, False, date(2026, 6, 1)), ["reconsent_by"]),
        (Offer("3", Language.CHINESE, date(2026, 5, 1), None, True, date(2026, 4, 1)), ["reconsent_by"]),
    ],
)  # fmt: skip
def test_a_version_that_contradicts_itself_or_the_ones_before_is_not_declared(new, told):
    assert [fault.id for fault in offer_faults(new, former=[FIRST, SECOND])] == told


def test_a_newer_version_ends_the_one_before_in_its_language_and_site_only(study):
    first = declared("1.1", valid_from=clock.today() - timedelta(days=9))
    english = declared("1.1", language=Language.ENGLISH)
    elsewhere = declared("1.1", at="SEH", valid_from=clock.today() - timedelta(days=9))
    declared("2.0")
    for row in (first, english, elsewhere):
        row.refresh_from_db()
    assert first.valid_until == clock.today()
    assert english.valid_until is elsewhere.valid_until is None


def test_only_those_who_manage_the_protocol_declare_versions(study):
    with pytest.raises(NotAllowed):
        declare_consent_version(site=site("SPH"), offer=offer(), by=person(Role.COORDINATOR))


def test_two_versions_in_force_in_one_language_are_refused_by_the_database(study):
    make.ConsentVersionFactory(site=site("SPH"), version="2.0")
    with pytest.raises(IntegrityError), transaction.atomic():
        make.ConsentVersionFactory(site=site("SPH"), version="3.0")


def test_a_new_version_stops_uploads_and_forms_and_stands_first_on_the_worklist(study):
    participant, elsewhere = enrolled(), enrolled(at="SEH")
    declared()
    by = person(Role.COORDINATOR)
    with pytest.raises(Refused, match=r"Version 2\.0"):
        open_series(participant=participant, role=SeriesRole.SOURCE, by=by)
    with pytest.raises(Refused, match=r"Version 2\.0"):
        enter_baseline(participant=participant, height_cm=170.0, weight_kg=70.0, by=by)
    steps = {row.code: row.missing.step for row in worklist(person(Role.MONITOR))}
    assert steps[participant.code] == Step.RENEW_CONSENT
    assert steps[elsewhere.code] == Step.SEND_CT

    record_consent(
        participant=participant, version="2.0", language="zh", signed_on=clock.today(), by=by
    )

    assert consent_needed(participant) is None
    assert open_series(participant=participant, role=SeriesRole.SOURCE, by=by).pk
    assert worklist(by)[0].missing.step == Step.SEND_CT


def test_until_its_last_day_a_new_version_only_reminds(study):
    participant = enrolled()
    declared(reconsent_by=clock.today() + timedelta(days=1))
    by = person(Role.COORDINATOR)
    assert worklist(by)[0].missing.step == Step.RENEW_CONSENT
    assert open_series(participant=participant, role=SeriesRole.SOURCE, by=by).pk


def test_whoever_did_not_sign_the_new_version_is_not_enrolled(study):
    by = person(Role.COORDINATOR)
    participant = screen_participant(site=site("SPH"), facts=facts(), by=by)
    declared()
    with pytest.raises(Refused, match="must be signed"):
        enrol_participant(participant=participant, by=by)
    assert participant.status == ParticipantStatus.ELIGIBLE


def test_nobody_is_enrolled_without_a_recorded_consent(study):
    participant = make.ParticipantFactory(site=site("SPH"), eligible=True)
    with pytest.raises(Refused, match="Record it before enrolment"):
        enrol_participant(participant=participant, by=person(Role.COORDINATOR))


def test_the_same_signature_twice_is_one_and_another_day_is_refused(study):
    participant = enrolled()
    by = person(Role.COORDINATOR)
    same = {"participant": participant, "version": "1.0", "language": "", "by": by}
    record_consent(signed_on=SCREENED_ON, **same)
    assert Consent.objects.filter(participant=participant).count() == 1
    with pytest.raises(Refused, match="signed on 2026-01-10"):
        record_consent(signed_on=SCREENED_ON + timedelta(days=1), **same)


def test_a_first_consent_after_enrolment_is_refused(study):
    participant = make.ParticipantFactory(site=site("SPH"), enrolled_on=date(2026, 1, 10))
    with pytest.raises(Refused, match="cannot have been signed after that"):
        record_consent(
            participant=participant, version="1.0", language="", signed_on=date(2026, 1, 11),
            by=person(Role.COORDINATOR),
        )  # fmt: skip


def test_a_consent_that_was_missing_at_screening_settles_its_criterion(study):
    by = person(Role.COORDINATOR)
    open_ = facts(consent_date=None, consent_version="", answers={"INC-02": Answer.UNKNOWN})
    participant = screen_participant(site=site("SPH"), facts=open_, by=by)
    assert participant.status == ParticipantStatus.SCREENED
    record_consent(
        participant=participant, version="1.0", language="", signed_on=SCREENED_ON, by=by
    )
    assert participant.status == ParticipantStatus.ELIGIBLE


def test_at_screening_a_declared_version_needs_its_language(study):
    by = person(Role.COORDINATOR)
    declared("1.5", valid_from=SCREENED_ON)
    with pytest.raises(Refused, match="in which language"):
        screen_participant(site=site("SPH"), facts=facts(consent_version="1.5"), by=by)
    told = facts(consent_version="1.5", consent_language="zh")
    participant = screen_participant(site=site("SPH"), facts=told, by=by)
    assert Consent.objects.get(participant=participant).language == "zh"


def test_answers_can_still_be_completed_after_the_signed_version_was_replaced(study):
    by = person(Role.COORDINATOR)
    participant = screen_participant(
        site=site("SPH"), facts=facts(answers={"INC-01": Answer.UNKNOWN}), by=by
    )
    declared("1.0", valid_from=SCREENED_ON)
    complete_screening(
        participant=participant, answers={"INC-01": Answer.MET}, consent_date=None,
        consent_version="", by=by,
    )  # fmt: skip
    assert participant.status == ParticipantStatus.ELIGIBLE


def test_a_scan_from_before_the_first_consent_is_noticed_though_its_stored_date_is_moved(study):
    pair = make.ScanPairFactory(participant=enrolled())
    moved = timedelta(days=date_offset(study_key(), pair.participant.code))

    def image(day: date):
        stored = f"{day + moved:%Y%m%d}"
        return dataclasses.replace(summary_from_json(make.SUMMARY), acquisition_date=stored)

    eve, day = image(SCREENED_ON - timedelta(days=1)), image(SCREENED_ON)
    assert settling._before_consent(pair, CT=eve, PET=day) == ("CT",)
    assert settling._before_consent(pair, CT=day, PET=day) == ()
