"""Releases, jobs and synthetic series."""

import uuid

import factory
from factory.django import DjangoModelFactory

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
from tests.factories.common import MOMENT, unique_digest, unique_uid
from tests.factories.imaging import ImagingSeriesFactory, ScanPairFactory
from tests.factories.sites import ProtocolVersionFactory, UserFactory


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
