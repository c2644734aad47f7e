"""Participants and their clinical data."""

import uuid

import factory
from factory.django import DjangoModelFactory

from studyportal.clinical.models import (
    Baseline,
    Conclusion,
    FollowUp,
    Form,
    FormUnlock,
    Lesion,
    LesionRow,
    NodeRow,
    OrganRow,
    Reconciliation,
    ReferenceStandard,
    SampledParticipant,
    SamplingPlan,
    SecondEntry,
    Signature,
    SpecimenRow,
    Staging,
    TreatmentRow,
)
from studyportal.clinical.rules import ReferenceStatus, TargetCondition, Unit
from studyportal.clinical.states import FormStatus
from studyportal.participants.models import (
    Consent,
    ConsentVersion,
    CriterionAnswer,
    Declined,
    Disposition,
    EligibilityAssessment,
    EligibilityOverride,
    Participant,
    Withdrawal,
    WithdrawalStep,
)
from studyportal.participants.rules import (
    Answer,
    DeclineReason,
    Language,
    Room,
    Scope,
    Sex,
    Verdict,
    Why,
)
from studyportal.participants.states import OverrideStatus, ParticipantStatus, WithdrawalStatus
from tests.factories.common import DAY, MOMENT, digest
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


class FormFactory(DjangoModelFactory):
    """A draft of the baseline form unless a trait or an argument says otherwise; its rows are made apart."""

    class Meta:
        model = Form

    participant = factory.SubFactory(ParticipantFactory)
    kind = "baseline"
    status = FormStatus.DRAFT
    definition = "1.0"
    source = "page"
    opened_at = MOMENT
    opened_by = factory.SubFactory(UserFactory)
    changed_at = MOMENT
    changed_by = factory.SelfAttribute("opened_by")

    class Params:
        complete = factory.Trait(
            status=FormStatus.COMPLETE,
            completed_at=MOMENT,
            completed_by=factory.SelfAttribute("opened_by"),
        )
        verified = factory.Trait(
            status=FormStatus.VERIFIED,
            completed_at=MOMENT,
            completed_by=factory.SelfAttribute("opened_by"),
            verified_at=MOMENT,
            verified_by=factory.SubFactory(UserFactory),
            verified_scope="whole",
        )


class RecordFactory(DjangoModelFactory):
    """A row of a form of its kind, without answers."""

    class Meta:
        abstract = True


def _form(kind):
    return factory.SubFactory(FormFactory, kind=kind)


class BaselineFactory(RecordFactory):
    class Meta:
        model = Baseline

    form = _form("baseline")
    height_cm = 165.0
    weight_kg = 62.0


class LesionRowFactory(RecordFactory):
    class Meta:
        model = LesionRow

    form, unit = _form("lesions"), "1"


class SpecimenRowFactory(RecordFactory):
    class Meta:
        model = SpecimenRow

    form, unit = _form("pathology"), "1"


class NodeRowFactory(RecordFactory):
    class Meta:
        model = NodeRow

    form, unit = _form("nodes"), "7"


class OrganRowFactory(RecordFactory):
    class Meta:
        model = OrganRow

    form, unit = _form("distant"), "liver"


class StagingFactory(RecordFactory):
    class Meta:
        model = Staging

    form = _form("staging")


class ConclusionFactory(RecordFactory):
    class Meta:
        model = Conclusion

    form = _form("conclusion")


class TreatmentRowFactory(RecordFactory):
    class Meta:
        model = TreatmentRow

    form, unit = _form("treatment"), "1"


class FollowUpFactory(RecordFactory):
    class Meta:
        model = FollowUp

    form = _form("follow_up")


class SignatureFactory(DjangoModelFactory):
    """A signature on a form with the digest of nothing in particular; services make those that agree."""

    class Meta:
        model = Signature

    form = factory.SubFactory(FormFactory, verified=True, status=FormStatus.SIGNED)
    participant = factory.SelfAttribute("form.participant")
    meaning = "approval"
    signed_by = factory.SubFactory(UserFactory)
    signer_name = "Li Na"
    signer_roles = "Site PI"
    signed_at = MOMENT
    way = "password"
    proved_at = MOMENT
    format = 1
    sha256 = digest("form")

    class Params:
        casebook = factory.Trait(form=None, participant=factory.SubFactory(ParticipantFactory))
        voided = factory.Trait(
            voided_at=MOMENT,
            voided_by=factory.SubFactory(UserFactory),
            void_reason="The source was read wrongly.",
        )


class FormUnlockFactory(DjangoModelFactory):
    """An unlocking that waits for a second person unless the trait says otherwise."""

    class Meta:
        model = FormUnlock

    form = factory.SubFactory(FormFactory, verified=True, status=FormStatus.LOCKED)
    status = "asked"
    why = "A date was read wrongly."
    asked_at = MOMENT
    asked_by = factory.SubFactory(UserFactory)

    class Params:
        decided = factory.Trait(
            decided_why="Agreed.", decided_at=MOMENT, decided_by=factory.SubFactory(UserFactory)
        )
        granted = factory.Trait(status="granted", decided=True)


class SamplingPlanFactory(DjangoModelFactory):
    class Meta:
        model = SamplingPlan

    site = factory.SubFactory(SiteFactory)
    share_percent = 20
    critical = factory.LazyFunction(lambda: ["pathology.result"])
    seed = 7
    reason = "As the monitoring plan says."
    made_at = MOMENT
    made_by = factory.SubFactory(UserFactory)

    class Params:
        superseded = factory.Trait(superseded_at=MOMENT)


class SampledParticipantFactory(DjangoModelFactory):
    class Meta:
        model = SampledParticipant

    plan = factory.SubFactory(SamplingPlanFactory)
    participant = factory.SubFactory(ParticipantFactory, site=factory.SelfAttribute("..plan.site"))
    number = factory.Sequence(lambda number: number + 1)
    whole = True
    drawn_at = MOMENT


class SecondEntryFactory(DjangoModelFactory):
    class Meta:
        model = SecondEntry

    form = factory.SubFactory(FormFactory, complete=True)
    answers = {"": {"weight_kg": "62.0", "glucose_mmol_l": "5.4"}}
    entered_at = MOMENT
    entered_by = factory.SubFactory(UserFactory)


class ReconciliationFactory(DjangoModelFactory):
    class Meta:
        model = Reconciliation

    form = factory.SubFactory(FormFactory, complete=True)
    field = "weight_kg"
    first = chosen = "62.0"
    second = "26.0"
    reason = "The source says 62.0 kg."
    settled_at = MOMENT
    settled_by = factory.SubFactory(UserFactory)


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
    certainty = "definite"
    rule = "M1"
    source = "resection"
    entered_at = MOMENT
    entered_by = factory.SubFactory(UserFactory)

    class Params:
        nodal = factory.Trait(
            condition=TargetCondition.NODAL_METASTASIS,
            unit=Unit.PARTICIPANT,
            lesion=None,
            rule="N1",
        )


class ConsentVersionFactory(DjangoModelFactory):
    class Meta:
        model = ConsentVersion

    site = factory.SubFactory(SiteFactory)
    version = "2.0"
    language = Language.CHINESE
    valid_from = DAY
    declared_at = MOMENT
    declared_by = factory.SubFactory(UserFactory)

    class Params:
        to_sign_again = factory.Trait(requires_reconsent=True)


class DeclinedFactory(DjangoModelFactory):
    class Meta:
        model = Declined

    site = factory.SubFactory(SiteFactory)
    declined_on = DAY
    reason = DeclineReason.NO_TIME
    submission = factory.LazyFunction(uuid.uuid4)
    recorded_at = MOMENT
    recorded_by = factory.SubFactory(UserFactory)


class EligibilityOverrideFactory(DjangoModelFactory):
    """An override that waits for the second person unless a trait says otherwise."""

    class Meta:
        model = EligibilityOverride

    participant = factory.SubFactory(ParticipantFactory, screen_failed=True)
    status = OverrideStatus.ASKED
    criteria = factory.LazyFunction(lambda: ["EXC-01"])
    because = "The other tumour was cured twenty years ago."
    asked_at = MOMENT
    asked_by = factory.SubFactory(UserFactory)

    class Params:
        granted = factory.Trait(
            status=OverrideStatus.GRANTED,
            decided_because="Agreed.",
            decided_at=MOMENT,
            decided_by=factory.SubFactory(UserFactory),
        )


class WithdrawalFactory(DjangoModelFactory):
    class Meta:
        model = Withdrawal

    participant = factory.SubFactory(ParticipantFactory, discontinued=True)
    scope = Scope.REMOVE
    status = WithdrawalStatus.RECORDED
    withdrawn_on = DAY
    why = Why.NOT_SAID
    recorded_at = MOMENT
    recorded_by = factory.SubFactory(UserFactory)
    carried_out_at = MOMENT

    class Params:
        stopped = factory.Trait(scope=Scope.STOP_COLLECTING)
        carried_out = factory.Trait(status=WithdrawalStatus.CARRIED_OUT)


class WithdrawalStepFactory(DjangoModelFactory):
    class Meta:
        model = WithdrawalStep

    withdrawal = factory.SubFactory(WithdrawalFactory)
    room = Room.IMAGING
    place = 2
