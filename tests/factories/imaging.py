"""Images, pairs, findings and arrivals."""

import uuid

import factory
from factory.django import DjangoModelFactory

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
from tests.factories.common import MOMENT, SUMMARY, unique_digest, unique_uid
from tests.factories.participants import ParticipantFactory
from tests.factories.sites import SiteFactory, UserFactory


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
