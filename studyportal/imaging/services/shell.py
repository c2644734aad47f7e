"""The shell of intake: whatever a hostile file breaks, its series ends with a sentence."""

import logging
import traceback

from studyportal.core.limited import ChildBroke, ChildEnded
from studyportal.core.services import advance
from studyportal.imaging import rules
from studyportal.imaging.models import ImagingSeries
from studyportal.imaging.states import IMAGING_SERIES, SeriesStatus

_log = logging.getLogger(__name__)


def start_validating(series: ImagingSeries) -> None:
    """The series is being validated, from the start where the worker that had it stopped half way."""
    if series.status != SeriesStatus.RECEIVED:
        advance(series, IMAGING_SERIES, SeriesStatus.RECEIVED, by=None, reason="its worker stopped")
    advance(series, IMAGING_SERIES, SeriesStatus.VALIDATING, by=None)


def broken(series: ImagingSeries, error: Exception) -> rules.Finding:
    """The finding of a series that broke its intake; what broke and where is logged."""
    if isinstance(error, ChildEnded) or getattr(error, "kind", "") == "MemoryError":
        _log.error("intake of series %s went beyond its limits", series.pk)
        return rules.located_finding(rules.Located(rules.reason("too_costly", "")))
    # The error's message may quote a header, so it is not logged.
    where = "".join(traceback.format_tb(error.__traceback__))
    kind = type(error).__name__
    if isinstance(error, ChildBroke):
        kind, where = error.kind, error.where
    _log.error("intake of series %s broke: %s\n%s", series.pk, kind, where)
    return rules.Finding(
        id="intake_broke",
        grade="exclude",
        values={},
        sentence="The files could not be read to the end. The fault was logged; send the series again or ask for help.",
    )
