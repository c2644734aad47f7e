"""Intake of received series."""

from studyportal.imaging import services
from studyportal.imaging.selectors import every_series
from studyportal.tasks.dispatch import portal_task


@portal_task
def check_series(series_id: str) -> None:
    """Idempotent: only a received series is touched, and files are addressed by digest."""
    series = every_series().get(pk=series_id)
    services.check_series(series=series)
