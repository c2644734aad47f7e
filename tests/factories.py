"""One factory for every model, with a trait for every status that tests need. No test shares a row with another."""

import hashlib
import uuid
from datetime import UTC, date, datetime
from typing import Any

import factory
from factory.django import DjangoModelFactory

from studyportal.clinical.models import Baseline, Lesion, ReferenceStandard
from studyportal.clinical.rules import ReferenceStatus, TargetCondition, Unit
from studyportal.core.models import AuditEvent, StatusChange, User
from studyportal.exports.models import Export, ExportDownload
from studyportal.exports.states import ExportKind, ExportStatus
from studyportal.imaging.models import (
    Arrival,
    ArrivalConflict,
    DerivedVolume,
    Finding,
    ImagingSeries,
    ImagingStudy,
    InjectionEntry,
    OutlineSet,
    PairScreening,
    PatientBinding,
    ScanPair,
)
from studyportal.imaging.rules import SeriesSummary, summary_to_json
from studyportal.imaging.states import (
    ArrivalStatus,
    EntryField,
    Grade,
    PairStatus,
    SeriesRole,
    SeriesStatus,
    VolumeKind,
    Way,
)
from studyportal.outcomes.models import (
    ComparedRelease,
    ComparedSeries,
    CutPair,
    DataCut,
    EvaluationRun,
    IndexScore,
    IndexTest,
    Measurement,
    ReleaseComparison,
    ResultRow,
    RunFile,
)
from studyportal.outcomes.states import ComparisonStatus, CutStatus, IndexTestKind, RunStatus
from studyportal.participants.models import (
    Consent,
    CriterionAnswer,
    Disposition,
    EligibilityAssessment,
    Participant,
)
from studyportal.participants.rules import Answer, Sex, Verdict
from studyportal.participants.states import ParticipantStatus
from studyportal.protocol.models import ProtocolVersion
from studyportal.protocol.selectors import packaged_text
from studyportal.protocol.states import ProtocolVersionStatus
from studyportal.sites.models import Membership, Site
from studyportal.sites.rules import SITE_ROLES, Role
from studyportal.sites.states import SiteStatus
from studyportal.syntheses.models import (
    JobAttempt,
    ModelRelease,
    PrimaryRelease,
    SynthesisBatch,
    SynthesisJob,
    SyntheticSeries,
)
from studyportal.syntheses.states import JobStatus, PrimaryStatus, ReleaseStatus, SyntheticStatus
from synthesis.registry import packaged_releases
from tests.factories_queries import DataQueryFactory, QueryMessageFactory  # noqa: F401 taken from here by tests

MOMENT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
DAY = date(2026, 2, 3)
SUMMARY = summary_to_json(
    SeriesSummary(
        modality="CT", slices=101, stated_slices=None, spacing_mm=(3.0, 1.0, 1.0),
        z_range_mm=(0.0, 300.0), frame_of_reference_uid="2.25.1", study_uid="2.25.2",
        series_uid="2.25.3", series_date="20260203", acquisition_date="20260203",
        manufacturer="Acme", model="One", kernel="B40", slice_thickness_mm=3.0, units="",
        corrected_image=(), tracer="", half_life_s=None, dose_bq=None, weight_kg=None,
        uptake_minutes=None, suv_rule="", suv_factor=None, suv_disagreement=0.0, suv_refusals=(),
        suv_findings=(), remarks=(),
    )
)  # fmt: skip


def digest(text: object) -> str:
    """A digest that differs wherever the text does."""
    return hashlib.sha256(str(text).encode()).hexdigest()


def unique_digest(prefix: str) -> Any:
    return factory.Sequence(lambda number: digest(f"{prefix} {number}"))


def unique_uid() -> Any:
    return factory.LazyFunction(lambda: f"2.25.{uuid.uuid4().int}")


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence("person{}".format)
    password = factory.django.Password("correct horse battery")
    display_name = factory.LazyAttribute(lambda person: person.username.capitalize())


class StatusChangeFactory(DjangoModelFactory):
    class Meta:
        model = StatusChange

    at = MOMENT
    machine = "scan pair"
    object_id = factory.LazyFunction(uuid.uuid4)
    target = "awaiting_images"
    by = factory.SubFactory(UserFactory)


class AuditEventFactory(DjangoModelFactory):
    class Meta:
        model = AuditEvent

    at = MOMENT
    by = factory.SubFactory(UserFactory)
    verb = "screen_participant"
    object_type = "participant"
    object_id = factory.LazyFunction(lambda: str(uuid.uuid4()))
    site_code = "SPH"
    sentence = "SPH-00001 was screened: eligible."


class ProtocolVersionFactory(DjangoModelFactory):
    """The packaged protocol, in force; a draft of another version with the trait."""

    class Meta:
        model = ProtocolVersion
        django_get_or_create = ("registry_number", "version")

    registry_number = "NCT07243873"
    version = "1.0"
    title = "Synthetic PET From CT"
    text = factory.LazyFunction(packaged_text)
    sha256 = factory.LazyAttribute(lambda row: digest(row.version + row.text))
    status = ProtocolVersionStatus.ACTIVE
    loaded_at = MOMENT

    class Params:
        draft = factory.Trait(
            status=ProtocolVersionStatus.DRAFT, version=factory.Sequence("2.{}".format)
        )


class SiteFactory(DjangoModelFactory):
    class Meta:
        model = Site
        django_get_or_create = ("code",)

    code = factory.Sequence("S{:02}".format)
    name = factory.LazyAttribute(lambda site: f"Hospital {site.code}")
    name_zh = factory.LazyAttribute(lambda site: f"{site.code}医院")
    city = "Shanghai"
    province = "Shanghai"
    target = 100
    status = SiteStatus.RECRUITING

    class Params:
        planned = factory.Trait(status=SiteStatus.PLANNED)
        closed = factory.Trait(status=SiteStatus.CLOSED)


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    role = Role.COORDINATOR
    site = factory.SubFactory(SiteFactory)
    began_at = MOMENT

    class Params:
        study_wide = factory.Trait(role=Role.STATISTICIAN, site=None)
        ended = factory.Trait(ended_at=MOMENT)


def person(role: Role, site: Site | None = None) -> User:
    """A person with one role: at the site when it is a role of sites, else in the whole study."""
    if role in SITE_ROLES and site is None:
        site = SiteFactory()
    return MembershipFactory(role=role, site=site if role in SITE_ROLES else None).user


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


class PatientBindingFactory(DjangoModelFactory):
    class Meta:
        model = PatientBinding

    participant = factory.SubFactory(ParticipantFactory)
    patient_key = unique_digest("patient")


class ScanPairFactory(DjangoModelFactory):
    """A pair that waits for images unless a trait says otherwise."""

    class Meta:
        model = ScanPair
        skip_postgeneration_save = True

    participant = factory.SubFactory(ParticipantFactory)
    status = PairStatus.AWAITING_IMAGES
    opened_at = MOMENT

    class Params:
        checking = factory.Trait(status=PairStatus.CHECKING)
        ready = factory.Trait(status=PairStatus.READY, settled_at=MOMENT)
        query_open = factory.Trait(status=PairStatus.QUERY_OPEN, settled_at=MOMENT)
        excluded = factory.Trait(
            status=PairStatus.EXCLUDED, settled_at=MOMENT, exclusion_reason="Artefacts of metal."
        )
        complete = factory.Trait(
            source=factory.RelatedFactory(
                "tests.factories.ImagingSeriesFactory", "pair", accepted=True
            ),
            reference=factory.RelatedFactory(
                "tests.factories.ImagingSeriesFactory",
                "pair",
                accepted=True,
                role=SeriesRole.REFERENCE,
            ),
        )


class ImagingStudyFactory(DjangoModelFactory):
    class Meta:
        model = ImagingStudy

    participant = factory.SubFactory(ParticipantFactory)
    study_uid = unique_uid()


class ImagingSeriesFactory(DjangoModelFactory):
    """A CT that is being received unless traits and role say otherwise."""

    class Meta:
        model = ImagingSeries

    pair = factory.SubFactory(ScanPairFactory)
    role = SeriesRole.SOURCE
    status = SeriesStatus.RECEIVING
    opened_at = MOMENT
    sent_by = factory.SubFactory(UserFactory)

    class Params:
        received = factory.Trait(
            status=SeriesStatus.RECEIVED, received_files=3, received_digest=unique_digest("in")
        )
        accepted = factory.Trait(
            status=SeriesStatus.ACCEPTED,
            received_files=3,
            stored_files=3,
            stored_bytes=3000,
            received_digest=unique_digest("in"),
            manifest_sha256=unique_digest("manifest"),
            series_uid=unique_uid(),
            settled_at=MOMENT,
            summary=SUMMARY,
        )
        quarantined = factory.Trait(status=SeriesStatus.QUARANTINED, settled_at=MOMENT)


class FindingFactory(DjangoModelFactory):
    class Meta:
        model = Finding

    pair = factory.SubFactory(ScanPairFactory, query_open=True)
    rule = "uptake_minutes"
    grade = Grade.EXCLUDE
    sentence = "The uptake lasted 120 minutes; the protocol allows 50 to 75."
    found_at = MOMENT

    class Params:
        accepted = factory.Trait(
            accepted_at=MOMENT,
            accepted_by=factory.SubFactory(UserFactory),
            accepted_reason="The clock of the scanner was wrong; the sheet says 60 minutes.",
        )


class InjectionEntryFactory(DjangoModelFactory):
    class Meta:
        model = InjectionEntry

    series = factory.SubFactory(ImagingSeriesFactory, role=SeriesRole.REFERENCE, accepted=True)
    field = EntryField.WEIGHT_KG
    number = 71.5
    stated = "715"
    reason = "The injection sheet says 71.5 kg."
    entered_at = MOMENT
    entered_by = factory.SubFactory(UserFactory)

    class Params:
        taken_back = factory.Trait(number=None, withdrawn=True)


class PairScreeningFactory(DjangoModelFactory):
    class Meta:
        model = PairScreening

    pair = factory.SubFactory(ScanPairFactory, ready=True)
    origin_sha256 = factory.Sequence(lambda n: f"{n:064x}")
    recipe = 1
    seconds = 6.5
    peak_megabytes = 800.0
    made_at = MOMENT


class OutlineSetFactory(DjangoModelFactory):
    class Meta:
        model = OutlineSet

    pair = factory.SubFactory(ScanPairFactory, ready=True)
    series = factory.SubFactory(
        ImagingSeriesFactory,
        pair=factory.SelfAttribute("..pair"),
        role=SeriesRole.OUTLINES,
        accepted=True,
    )
    reference = factory.SubFactory(
        ImagingSeriesFactory,
        pair=factory.SelfAttribute("..pair"),
        role=SeriesRole.REFERENCE,
        accepted=True,
    )
    masks_sha256 = unique_digest("masks")
    regions = factory.LazyFunction(lambda: [{"region": "lesion:1", "voxels": 40, "volume_ml": 2.0}])
    made_at = MOMENT


class DerivedVolumeFactory(DjangoModelFactory):
    class Meta:
        model = DerivedVolume

    kind = VolumeKind.PET
    origin_sha256 = unique_digest("origin")
    recipe = 1
    sha256 = unique_digest("volume")
    made_at = MOMENT

    class Params:
        refused = factory.Trait(sha256="", reason="The slices are not axial.")


class ArrivalFactory(DjangoModelFactory):
    """A CT that waits for its participant unless a trait says otherwise."""

    class Meta:
        model = Arrival

    site = factory.SubFactory(SiteFactory)
    status = ArrivalStatus.WAITING
    way = Way.C_STORE
    sender = "PACS"
    patient_key = unique_digest("patient")
    study_key = factory.LazyFunction(lambda: uuid.uuid4().hex)
    series_key = factory.LazyFunction(lambda: uuid.uuid4().hex)
    modality = "CT"
    files = 3
    size = 3000
    first_at = MOMENT
    last_at = MOMENT

    class Params:
        collecting = factory.Trait(status=ArrivalStatus.COLLECTING)
        assigned = factory.Trait(
            status=ArrivalStatus.ASSIGNED, series=factory.SubFactory(ImagingSeriesFactory)
        )
        discarded = factory.Trait(status=ArrivalStatus.DISCARDED, reason="Sent by mistake.")


class ArrivalConflictFactory(DjangoModelFactory):
    class Meta:
        model = ArrivalConflict

    arrival = factory.SubFactory(ArrivalFactory)
    instance_key = factory.LazyFunction(lambda: uuid.uuid4().hex)
    kept_sha256 = unique_digest("kept")
    refused_sha256 = unique_digest("refused")
    sender = "PACS"
    found_at = MOMENT

    class Params:
        settled = factory.Trait(
            settled_at=MOMENT,
            settled_by=factory.SubFactory(UserFactory),
            settled_reason="The first images are the right ones.",
        )


class ModelReleaseFactory(DjangoModelFactory):
    """A released model unless a trait says otherwise."""

    class Meta:
        model = ModelRelease

    name = "phantom-unet"
    version = factory.Sequence("1.{}".format)
    family = "pix2pix"
    digest = unique_digest("release")
    weights_sha256 = unique_digest("weights")
    folder = "packaged"
    card = "Trained on simulated phantoms, not for clinical use."
    status = ReleaseStatus.RELEASED
    registered_at = MOMENT

    class Params:
        candidate = factory.Trait(  # of the packaged release, whose files are there to be judged
            status=ReleaseStatus.CANDIDATE,
            folder=factory.LazyFunction(lambda: f"packaged:{packaged_releases()[0].name}"),
            digest=factory.LazyFunction(lambda: packaged_releases()[0].digest),
        )
        validated = factory.Trait(status=ReleaseStatus.VALIDATED)
        retired = factory.Trait(status=ReleaseStatus.RETIRED)


class PrimaryReleaseFactory(DjangoModelFactory):
    """A release that is named for the primary analysis of a protocol version in force."""

    class Meta:
        model = PrimaryRelease

    protocol_version = factory.SubFactory(ProtocolVersionFactory)
    release = factory.SubFactory(ModelReleaseFactory)
    seed = 0
    status = PrimaryStatus.NAMED
    named_because = "It did best on held-out phantoms."
    named_at = MOMENT
    named_by = factory.SubFactory(UserFactory)

    class Params:
        sealed = factory.Trait(status=PrimaryStatus.SEALED)


class SynthesisBatchFactory(DjangoModelFactory):
    class Meta:
        model = SynthesisBatch

    release = factory.SubFactory(ModelReleaseFactory)
    seed = 0
    requested_at = MOMENT
    requested_by = factory.SubFactory(UserFactory)
    new = 2
    existing = 1
    left_out = 0


class SynthesisJobFactory(DjangoModelFactory):
    """A job that waits unless a trait says otherwise."""

    class Meta:
        model = SynthesisJob

    pair = factory.SubFactory(ScanPairFactory, ready=True)
    source = factory.SubFactory(
        ImagingSeriesFactory, pair=factory.SelfAttribute("..pair"), accepted=True
    )
    release = factory.SubFactory(ModelReleaseFactory)
    seed = 0
    status = JobStatus.QUEUED
    requested_at = MOMENT
    requested_by = factory.SubFactory(UserFactory)

    class Params:
        running = factory.Trait(
            status=JobStatus.RUNNING,
            attempts=1,
            token=factory.LazyFunction(uuid.uuid4),
            started_at=MOMENT,
            lease_until=MOMENT,
        )
        succeeded = factory.Trait(status=JobStatus.SUCCEEDED, attempts=1, ended_at=MOMENT)
        refused = factory.Trait(
            status=JobStatus.REFUSED, attempts=1, ended_at=MOMENT, reason="The CT is too short."
        )
        errored = factory.Trait(
            status=JobStatus.ERRORED, attempts=3, ended_at=MOMENT, reason="The worker stopped."
        )
        cancelled = factory.Trait(status=JobStatus.CANCELLED, ended_at=MOMENT)


class JobAttemptFactory(DjangoModelFactory):
    class Meta:
        model = JobAttempt

    job = factory.SubFactory(SynthesisJobFactory, running=True)
    number = factory.Sequence(lambda number: number % 30_000 + 1)
    token = factory.LazyFunction(uuid.uuid4)
    began_at = MOMENT


class SyntheticSeriesFactory(DjangoModelFactory):
    class Meta:
        model = SyntheticSeries

    job = factory.SubFactory(SynthesisJobFactory, succeeded=True)
    status = SyntheticStatus.QC_PASSED
    series_uid = unique_uid()
    manifest_sha256 = unique_digest("synthetic manifest")
    series_sha256 = unique_digest("synthetic series")
    stored_files = 3
    stored_bytes = 3000
    produced_at = MOMENT

    class Params:
        qc_failed = factory.Trait(
            status=SyntheticStatus.QC_FAILED, faults=["The series is not marked as synthetic."]
        )


class IndexTestFactory(DjangoModelFactory):
    class Meta:
        model = IndexTest

    code = factory.Sequence("test_{}".format)
    kind = IndexTestKind.QUANTITATIVE
    definition = factory.LazyFunction(lambda: {"quantity": "suv_max", "cutoff": {"malignancy": 2}})
    plan_digest = unique_digest("plan")
    locked_at = MOMENT


class IndexScoreFactory(DjangoModelFactory):
    class Meta:
        model = IndexScore

    participant = factory.SubFactory(ParticipantFactory)
    reader = factory.Sequence("R{:02}".format)
    arm = "synthetic"
    condition = TargetCondition.MALIGNANCY
    unit = Unit.LESION
    unit_id = "1"
    score = 4.0
    entered_at = MOMENT
    entered_by = factory.SubFactory(UserFactory)


class DataCutFactory(DjangoModelFactory):
    """A frozen cut unless a trait says otherwise."""

    class Meta:
        model = DataCut

    name = factory.Sequence("cut {}".format)
    status = CutStatus.FROZEN
    protocol_version = factory.SubFactory(ProtocolVersionFactory)
    release = factory.SubFactory(ModelReleaseFactory)
    plan_text = "schema = 1\n"
    plan_digest = digest("plan")
    tables_sha256 = digest("tables")
    frozen_at = MOMENT
    frozen_by = factory.SubFactory(UserFactory)

    class Params:
        open = factory.Trait(
            status=CutStatus.OPEN, frozen_at=None, frozen_by=None, tables_sha256=""
        )
        locked = factory.Trait(status=CutStatus.LOCKED)


class CutPairFactory(DjangoModelFactory):
    class Meta:
        model = CutPair

    cut = factory.SubFactory(DataCutFactory)
    pair = factory.SubFactory(ScanPairFactory, ready=True)
    source = factory.SubFactory(
        ImagingSeriesFactory, pair=factory.SelfAttribute("..pair"), accepted=True
    )
    reference = factory.SubFactory(
        ImagingSeriesFactory,
        pair=factory.SelfAttribute("..pair"),
        role=SeriesRole.REFERENCE,
        accepted=True,
    )
    synthetic = factory.SubFactory(
        SyntheticSeriesFactory,
        job__pair=factory.SelfAttribute("...pair"),
        job__source=factory.SelfAttribute("...source"),
        job__release=factory.SelfAttribute("...cut.release"),
    )
    outlines = None

    class Params:
        measured = factory.Trait(measured_at=MOMENT)


class ReleaseComparisonFactory(DjangoModelFactory):
    """A comparison that waits for its series unless a trait says otherwise."""

    class Meta:
        model = ReleaseComparison

    cut = factory.SubFactory(DataCutFactory)
    status = ComparisonStatus.PLANNED
    planned_at = MOMENT
    planned_by = factory.SubFactory(UserFactory)

    class Params:
        running = factory.Trait(status=ComparisonStatus.RUNNING)
        completed = factory.Trait(
            status=ComparisonStatus.COMPLETED,
            ended_at=MOMENT,
            results_sha256=unique_digest("comparison"),
        )
        errored = factory.Trait(
            status=ComparisonStatus.ERRORED, ended_at=MOMENT, reason="The comparison broke."
        )


class ComparedReleaseFactory(DjangoModelFactory):
    class Meta:
        model = ComparedRelease

    comparison = factory.SubFactory(ReleaseComparisonFactory)
    release = factory.SubFactory(ModelReleaseFactory)
    place = factory.Sequence(lambda number: number % 30_000)


class ComparedSeriesFactory(DjangoModelFactory):
    class Meta:
        model = ComparedSeries

    compared = factory.SubFactory(ComparedReleaseFactory)
    cut_pair = factory.SubFactory(
        CutPairFactory, cut=factory.SelfAttribute("..compared.comparison.cut")
    )
    synthetic = factory.SubFactory(
        SyntheticSeriesFactory,
        job__pair=factory.SelfAttribute("...cut_pair.pair"),
        job__source=factory.SelfAttribute("...cut_pair.source"),
        job__release=factory.SelfAttribute("...compared.release"),
    )


class MeasurementFactory(DjangoModelFactory):
    class Meta:
        model = Measurement

    cut_pair = factory.SubFactory(CutPairFactory, measured=True)
    region = "body"
    image = "pair"
    quantity = factory.Sequence("quantity_{}".format)
    value = 0.9
    method = "SSIM, 7 voxels, data range 20 SUV"
    voxels = 1000
    software = "0.1.0"


class EvaluationRunFactory(DjangoModelFactory):
    """A planned run unless a trait says otherwise."""

    class Meta:
        model = EvaluationRun

    cut = factory.SubFactory(DataCutFactory)
    status = RunStatus.PLANNED
    planned_at = MOMENT
    planned_by = factory.SubFactory(UserFactory)

    class Params:
        running = factory.Trait(status=RunStatus.RUNNING, started_at=MOMENT)
        completed = factory.Trait(
            status=RunStatus.COMPLETED, started_at=MOMENT, ended_at=MOMENT, provenance={"cut": "x"}
        )
        errored = factory.Trait(status=RunStatus.ERRORED, ended_at=MOMENT, reason="It broke.")


class ResultRowFactory(DjangoModelFactory):
    class Meta:
        model = ResultRow

    run = factory.SubFactory(EvaluationRunFactory, completed=True)
    order = factory.Sequence(int)
    endpoint = "ssim"
    family = "primary"
    subgroup = "all"
    statistic = "mean"
    value = 0.91
    lower = 0.90
    upper = 0.92
    level = 0.95
    n = 40
    clusters = 40
    missing = 0
    prespecified = True


class RunFileFactory(DjangoModelFactory):
    class Meta:
        model = RunFile

    run = factory.SubFactory(EvaluationRunFactory, completed=True)
    name = factory.Sequence("tables/table{}.csv".format)
    sha256 = unique_digest("file")
    size = 100


class ExportFactory(DjangoModelFactory):
    """An export that waits unless a trait says otherwise."""

    class Meta:
        model = Export

    run = factory.SubFactory(EvaluationRunFactory, completed=True)
    status = ExportStatus.REQUESTED
    requested_at = MOMENT
    requested_by = factory.SubFactory(UserFactory)

    class Params:
        ready = factory.Trait(
            status=ExportStatus.READY,
            built_at=MOMENT,
            archive_sha256=unique_digest("archive"),
            size=1000,
        )
        errored = factory.Trait(status=ExportStatus.ERRORED, reason="It broke.")
        pairs = factory.Trait(kind=ExportKind.PAIRS, run=None, purpose="To train a model.")


class ExportDownloadFactory(DjangoModelFactory):
    class Meta:
        model = ExportDownload

    export = factory.SubFactory(ExportFactory, ready=True)
    by = factory.SubFactory(UserFactory)
    at = MOMENT
