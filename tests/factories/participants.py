"""Participants and their clinical data."""

import factory
from factory.django import DjangoModelFactory

from studyportal.clinical.models import Baseline, Lesion, ReferenceStandard
from studyportal.clinical.rules import ReferenceStatus, TargetCondition, Unit
from studyportal.participants.models import (
    Consent,
    CriterionAnswer,
    Disposition,
    EligibilityAssessment,
    Participant,
)
from studyportal.participants.rules import Answer, Sex, Verdict
from studyportal.participants.states import ParticipantStatus
from tests.factories.common import DAY, MOMENT
from tests.factories.sites import ProtocolVersionFactory, SiteFactory, UserFactory


class ParticipantFactory(DjangoModelFactory):
    """An enrolled participant unless a trait says otherwise."""

    class Meta:
        model = Participant

    site = factory.SubFactory(SiteFactory)
    code = factory.LazyAttributeSequence(lambda row, number: f"{row.site.code}-{number:05}")
    status = ParticipantStatus.ENROLLED
    sex = Sex.FEMALE
    age_years = 61
    screening_date = DAY
    created_at = MOMENT
    created_by = factory.SubFactory(UserFactory)
    enrolled_on = DAY

    class Params:
        screened = factory.Trait(status=ParticipantStatus.SCREENED, enrolled_on=None)
        screen_failed = factory.Trait(status=ParticipantStatus.SCREEN_FAILED, enrolled_on=None)
        eligible = factory.Trait(status=ParticipantStatus.ELIGIBLE, enrolled_on=None)
        completed = factory.Trait(status=ParticipantStatus.COMPLETED)
        discontinued = factory.Trait(status=ParticipantStatus.DISCONTINUED)


class ConsentFactory(DjangoModelFactory):
    class Meta:
        model = Consent

    participant = factory.SubFactory(ParticipantFactory)
    version = "1.0"
    signed_on = DAY

    class Params:
        withdrawn = factory.Trait(withdrawn_on=DAY)


class EligibilityAssessmentFactory(DjangoModelFactory):
    class Meta:
        model = EligibilityAssessment

    participant = factory.SubFactory(ParticipantFactory)
    protocol_version = factory.SubFactory(ProtocolVersionFactory)
    assessed_at = MOMENT
    assessed_by = factory.SubFactory(UserFactory)
    verdict = Verdict.ELIGIBLE


class CriterionAnswerFactory(DjangoModelFactory):
    class Meta:
        model = CriterionAnswer

    assessment = factory.SubFactory(EligibilityAssessmentFactory)
    criterion = "INC-01"
    answer = Answer.MET
    source = "screening"


class DispositionFactory(DjangoModelFactory):
    class Meta:
        model = Disposition

    participant = factory.SubFactory(ParticipantFactory, completed=True)
    kind = "completed"
    on = DAY
    reason = "Every examination of the protocol was made."


class BaselineFactory(DjangoModelFactory):
    class Meta:
        model = Baseline

    participant = factory.SubFactory(ParticipantFactory)
    height_cm = 165.0
    weight_kg = 62.0
    entered_at = MOMENT
    entered_by = factory.SubFactory(UserFactory)


class LesionFactory(DjangoModelFactory):
    class Meta:
        model = Lesion

    participant = factory.SubFactory(ParticipantFactory)
    number = factory.Sequence(lambda number: number % 30_000 + 1)


class ReferenceStandardFactory(DjangoModelFactory):
    """The malignancy of one lesion, or with the trait the nodal status of the participant."""

    class Meta:
        model = ReferenceStandard

    participant = factory.SubFactory(ParticipantFactory)
    condition = TargetCondition.MALIGNANCY
    unit = Unit.LESION
    lesion = factory.SubFactory(
        LesionFactory, participant=factory.SelfAttribute("..participant"), number=1
    )
    unit_id = factory.LazyAttribute(lambda row: str(row.lesion.number) if row.lesion else "")
    status = ReferenceStatus.POSITIVE
    source = "resection"
    entered_at = MOMENT
    entered_by = factory.SubFactory(UserFactory)

    class Params:
        nodal = factory.Trait(
            condition=TargetCondition.NODAL_METASTASIS, unit=Unit.PARTICIPANT, lesion=None
        )
