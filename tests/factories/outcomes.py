"""Cuts, measurements, runs and comparisons."""

from importlib import resources

import factory
from factory.django import DjangoModelFactory

from studyportal.clinical.rules import TargetCondition, Unit
from studyportal.imaging.states import (
    SeriesRole,
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
    ResultOpening,
    ResultRow,
    RunFile,
)
from studyportal.outcomes.states import (
    ComparisonStatus,
    CutStatus,
    IndexTestKind,
    OpeningStatus,
    PointKind,
    RunStatus,
)
from tests.factories.common import MOMENT, digest, unique_digest
from tests.factories.imaging import ImagingSeriesFactory, ScanPairFactory
from tests.factories.participants import ParticipantFactory
from tests.factories.sites import ProtocolVersionFactory, UserFactory
from tests.factories.syntheses import ModelReleaseFactory, SyntheticSeriesFactory


def packaged_plan() -> str:
    return resources.files("evaluation").joinpath("plans", "nct07243873.toml").read_text("utf-8")


class IndexTestFactory(DjangoModelFactory):
    class Meta:
        model = IndexTest

    code = factory.Sequence("test_{}".format)
    kind = IndexTestKind.QUANTITATIVE
    definition = factory.LazyFunction(lambda: {"quantity": "suv_max", "cutoff": {"malignancy": 2}})
    digest = unique_digest("index test")
    registered_at = MOMENT

    class Params:
        locked = factory.Trait(locked_at=MOMENT, locked_by=factory.SubFactory(UserFactory))


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
    plan_text = factory.LazyFunction(packaged_plan)
    plan_digest = digest("plan")
    tables_sha256 = digest("tables")
    frozen_at = MOMENT
    frozen_by = factory.SubFactory(UserFactory)

    class Params:
        open = factory.Trait(
            status=CutStatus.OPEN, frozen_at=None, frozen_by=None, tables_sha256=""
        )
        locked = factory.Trait(status=CutStatus.LOCKED)


class ResultOpeningFactory(DjangoModelFactory):
    """A final analysis that one person asked to open unless a trait says otherwise."""

    class Meta:
        model = ResultOpening

    cut = factory.SubFactory(DataCutFactory)
    point = "final"
    title = "Final analysis"
    kind = PointKind.FINAL
    status = OpeningStatus.ASKED
    why = "The last participant was followed up."
    asked_at = MOMENT
    asked_by = factory.SubFactory(UserFactory)

    class Params:
        decided = factory.Trait(decided_at=MOMENT, decided_by=factory.SubFactory(UserFactory))
        opened = factory.Trait(status=OpeningStatus.OPENED, decided=True)


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
