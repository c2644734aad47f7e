from enum import StrEnum

from studyportal.core.states import machine


class CutStatus(StrEnum):
    OPEN = "open"
    FROZEN = "frozen"
    LOCKED = "locked"


class RunStatus(StrEnum):
    PLANNED = "planned"
    RUNNING = "running"
    COMPLETED = "completed"
    ERRORED = "errored"
    SUPERSEDED = "superseded"


class ComparisonStatus(StrEnum):
    PLANNED = "planned"
    RUNNING = "running"
    COMPLETED = "completed"
    ERRORED = "errored"


class IndexTestKind(StrEnum):
    READER = "reader"
    QUANTITATIVE = "quantitative"
    CLASSIFIER = "classifier"


class PointKind(StrEnum):
    FINAL = "final"
    QUALITY = "quality"


class Seen(StrEnum):
    """What somebody saw of a cut, as the trail names it."""

    HEADLINE = "headline_results"
    ROWS = "result_rows"
    ROWS_API = "result_rows_by_the_API"
    FILE = "a_file_of_the_report"
    FIGURES = "figures_of_the_report"
    COMPARISON = "a_comparison_of_releases"
    COMPARISON_CSV = "a_comparison_of_releases_as_a_table"
    COMPARISON_API = "a_comparison_of_releases_by_the_API"
    READS = "answers_of_a_reading_session_by_arm"
    MEASUREMENTS = "measurements_of_a_pair"


class OpeningStatus(StrEnum):
    ASKED = "asked"
    OPENED = "opened"
    DECLINED = "declined"


DATA_CUT = machine("data cut", CutStatus, CutStatus.OPEN, open="frozen", frozen="locked", locked="")

EVALUATION_RUN = machine(
    "evaluation run",
    RunStatus,
    RunStatus.PLANNED,
    planned="running errored",
    running="completed errored",
    completed="superseded",
    errored="superseded",
    superseded="",
)

RELEASE_COMPARISON = machine(
    "release comparison",
    ComparisonStatus,
    ComparisonStatus.PLANNED,
    planned="running errored",
    running="completed errored",
    completed="",
    errored="",
)

RESULT_OPENING = machine(
    "result opening",
    OpeningStatus,
    OpeningStatus.ASKED,
    asked="opened declined",
    opened="",
    declined="",
)
