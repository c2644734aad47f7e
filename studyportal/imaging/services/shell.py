"""The shell of intake: whatever a hostile file breaks, its series ends with a sentence."""

import logging
import traceback

from studyportal.imaging import rules
from studyportal.imaging.models import ImagingSeries

_log = logging.getLogger(__name__)


def broken(series: ImagingSeries, error: Exception) -> rules.Finding:
    """The finding of a series that broke its intake; what broke and where is logged."""
    # The error's message may quote a header, so it is not logged.
    where = "".join(traceback.format_tb(error.__traceback__))
    _log.error("intake of series %s broke: %s\n%s", series.pk, type(error).__name__, where)
    return rules.Finding(
        id="intake_broke",
        grade="exclude",
        values={},
        sentence="The files could not be read to the end. The fault was logged; send the series again or ask for help.",
    )
