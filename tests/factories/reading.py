"""Reading sessions, their cases, readers and reads."""

import uuid
from importlib import resources

import factory
from factory.django import DjangoModelFactory

from studyportal.imaging.states import SeriesRole
from studyportal.reading.models import (
    CaseVolume,
    Read,
    ReadCall,
    ReadingArm,
    ReadingCase,
    ReadingSession,
    SessionReader,
)
from studyportal.reading.rules import digest_of
from studyportal.reading.states import Layer, ReaderPart, ReadKind, ReadStatus, SessionStatus
from tests.factories.common import MOMENT, unique_digest
from tests.factories.imaging import ImagingSeriesFactory, ScanPairFactory
from tests.factories.sites import ProtocolVersionFactory, UserFactory

DESIGN = (resources.files("studyportal.reading") / "designs" / "diagnostic.toml").read_text("utf-8")


class ReadingSessionFactory(DjangoModelFactory):
    """A session whose readers read on their own."""

    class Meta:
        model = ReadingSession

    name = factory.LazyFunction(lambda: f"Session {uuid.uuid4().hex[:8]}")
    status = SessionStatus.INDEPENDENT
    protocol_version = factory.SubFactory(ProtocolVersionFactory)
    design_text = DESIGN
    design_digest = factory.LazyAttribute(lambda row: digest_of(row.design_text))
    allocation_sha256 = unique_digest("allocation")
    proof = factory.LazyFunction(list)
    candidates = 40
    opened_at = MOMENT
    opened_by = factory.SubFactory(UserFactory)

    class Params:
        ended = factory.Trait(closed_at=MOMENT, closed_by=factory.SubFactory(UserFactory))
        closed = factory.Trait(
            status=SessionStatus.CLOSED, closed_at=MOMENT, closed_by=factory.SubFactory(UserFactory)
        )


class ReadingArmFactory(DjangoModelFactory):
    class Meta:
        model = ReadingArm
        django_get_or_create = ("session", "code")

    session = factory.SubFactory(ReadingSessionFactory)
    code = "ct"
    place = 0


class ReadingCaseFactory(DjangoModelFactory):
    class Meta:
        model = ReadingCase

    session = factory.SubFactory(ReadingSessionFactory)
    pair = factory.SubFactory(ScanPairFactory, ready=True)
    purpose = ReadKind.INDEPENDENT
    stratum = "SPH/positive"
    source = factory.SubFactory(
        ImagingSeriesFactory, pair=factory.SelfAttribute("..pair"), accepted=True
    )
    reference = factory.SubFactory(
        ImagingSeriesFactory,
        pair=factory.SelfAttribute("..pair"),
        accepted=True,
        role=SeriesRole.REFERENCE,
    )

    class Params:
        excluded = factory.Trait(excluded_at=MOMENT, exclusion_reason="Artefacts of metal.")


class CaseVolumeFactory(DjangoModelFactory):
    class Meta:
        model = CaseVolume

    case = factory.SubFactory(ReadingCaseFactory)
    layer = Layer.CT
    sha256 = unique_digest("volume")
    facts = factory.LazyFunction(lambda: {"unit": "HU"})
    made_at = MOMENT


class SessionReaderFactory(DjangoModelFactory):
    class Meta:
        model = SessionReader

    session = factory.SubFactory(ReadingSessionFactory)
    person = factory.SubFactory(UserFactory)
    code = factory.LazyFunction(lambda: f"R{uuid.uuid4().hex[:6]}")
    part = ReaderPart.READER

    class Params:
        left = factory.Trait(withdrawn_at=MOMENT, withdrawal_reason="Ill.")


class ReadFactory(DjangoModelFactory):
    """A read that waits unless a trait or a status says otherwise."""

    class Meta:
        model = Read

    reader = factory.SubFactory(SessionReaderFactory)
    case = factory.SubFactory(ReadingCaseFactory, session=factory.SelfAttribute("..reader.session"))
    arm = factory.SubFactory(ReadingArmFactory, session=factory.SelfAttribute("..reader.session"))
    status = ReadStatus.ASSIGNED
    kind = ReadKind.INDEPENDENT
    code = factory.LazyFunction(lambda: f"{uuid.uuid4().int % 16**10:010X}")
    period = 0
    block = 1
    place = 1
    started_at = factory.LazyAttribute(
        lambda row: None if row.status == ReadStatus.ASSIGNED else MOMENT
    )
    submitted_at = factory.LazyAttribute(
        lambda row: MOMENT if row.status == ReadStatus.SUBMITTED else None
    )

    class Params:
        ended = factory.Trait(started_at=MOMENT, submitted_at=MOMENT)
        in_progress = factory.Trait(status=ReadStatus.IN_PROGRESS)
        submitted = factory.Trait(status=ReadStatus.SUBMITTED)


class ReadCallFactory(DjangoModelFactory):
    class Meta:
        model = ReadCall

    read = factory.SubFactory(ReadFactory, submitted=True)
    question = "nodal"
    unit = "participant"
    unit_id = ""
    score = 4.0
    call = "positive"
