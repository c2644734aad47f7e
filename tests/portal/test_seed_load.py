"""What `seed_load` makes up is what the rules and the trail accept, and the order of the worklist is that of the rules."""

from datetime import date

import pytest
from django.core.management import CommandError, call_command

from studyportal.cli.loading.people import person
from studyportal.clinical.models import RECORDS, Form
from studyportal.clinical.rules import FORMS
from studyportal.clinical.selectors import draw_is_the_same, plan_in_force
from studyportal.clinical.services import Book, Sheet, Staff, findings_of, seed_forms
from studyportal.clinical.services.seeding import SOURCE
from studyportal.core import clock
from studyportal.core.errors import Refused
from studyportal.core.models import AuditEvent
from studyportal.dashboards.selectors import missing_of, waiting_participants, worklist
from studyportal.participants.models import Participant
from studyportal.sites.rules import Role
from tests import factories as make
from tests.portal.seeded_study import keep, seeded_study
from tests.portal.web_study import small_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    study = small_study()
    keep(study, 12)
    return study


def staff(study):
    manager, monitor = study.people[Role.DATA_MANAGER], study.people[Role.MONITOR]
    return Staff(study.coordinator, monitor, manager)


def test_everybody_who_is_enrolled_has_all_nine_forms_and_nothing_stands_in_the_way(study):
    enrolled = Participant.objects.filter(enrolled_on__isnull=False)
    assert enrolled.count() == 12
    for participant in enrolled:
        assert set(participant.forms.values_list("kind", flat=True)) == set(FORMS)
        assert participant.reference_standards.exists()
    assert all(model.objects.exists() for model in RECORDS.values())
    for form in Form.objects.exclude(status="draft"):
        assert [one.text.en for one in findings_of(form) if one.stands_in_the_way] == []


def test_what_is_made_up_says_so(study):
    assert set(Form.objects.values_list("source", flat=True)) == {SOURCE}
    acts = AuditEvent.objects.filter(verb__in=("screen_participant", "complete_form"))
    assert acts.exists()
    assert not acts.exclude(sentence__endswith="Made up for a demonstration.").exists()


def test_the_same_seed_makes_the_same_people(study):
    facts = [
        person("SPH", 3, seed=seed, enrolled=True, today=clock.today()).seed for seed in (1, 1, 2)
    ]
    assert facts[0] == facts[1] != facts[2]


def test_the_database_orders_the_worklist_as_the_rules_do(study):
    make.ScanPairFactory(participant=make.ParticipantFactory(site=study.sites["SEH"]), ready=True)
    for role in (Role.COORDINATOR, Role.DATA_MANAGER):
        user = study.people[role]
        rows = list(worklist(user))
        assert len(rows) == len(worklist(user)) == len({row.code for row in rows})
        steps = [row.missing for row in rows]
        assert steps == [missing_of(user, row.id).missing for row in rows]
        urgencies = [
            (
                0 if row.mine else 2 if row.missing.step in ("complete", "ended") else 1,
                row.missing.since or date.max,
                row.code,
            )
            for row in rows
        ]
        assert urgencies == sorted(urgencies)
        assert waiting_participants(user) == sum(row.mine for row in rows)


def test_an_impossible_form_is_refused_and_nothing_of_it_is_kept(study, settings):
    settings.DEMO = True
    participant = make.ParticipantFactory(site=study.sites["SPH"])
    days = (participant.enrolled_on, participant.enrolled_on)
    sheet = Sheet("staging", {"": {"staged_on": "2031-01-01", "side": "right"}}, days)
    with pytest.raises(Refused, match="lies in the future"):
        seed_forms(site=participant.site, books=[Book(participant, [sheet])], staff=staff(study))
    assert not Form.objects.filter(participant=participant).exists()


def test_outside_a_demonstration_nobody_is_made_up(study, settings):
    settings.DEMO = False
    with pytest.raises(CommandError, match="demonstration only"):
        call_command("seed_load")
    with pytest.raises(Refused, match="demonstration only"):
        seed_forms(site=study.sites["SPH"], books=[], staff=staff(study))


def test_a_study_with_participants_is_not_filled(study, settings):
    settings.DEMO = True
    with pytest.raises(CommandError, match="only an empty study"):
        call_command("seed_load")


def test_the_plan_of_a_site_draws_them_as_it_would_draw_others():
    seeded = seeded_study(participants=4)
    assert draw_is_the_same(plan_in_force(seeded.study.sites["SPH"]))
