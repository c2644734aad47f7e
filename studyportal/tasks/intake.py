"""Intake of received series."""

from studyportal.imaging import services
from studyportal.imaging.selectors import every_series
from studyportal.tasks import dispatch
from studyportal.tasks.dispatch import portal_task


@portal_task
def check_series(series_id: str) -> None:
    """Idempotent: only a received series is touched, and files are addressed by digest."""
    series = every_series().get(pk=series_id)
    services.check_series(series=series)


@portal_task
def read_inbox() -> None:
    """Idempotent: one process reads the spool at a time, and an arrival is assigned once."""
    services.read_spool()
    for series in services.settle_inbox():
        dispatch.check_series(series.pk)
