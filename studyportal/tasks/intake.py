"""Intake of received series and of the inbox, and the volumes that the viewer shows of a pair."""

from studyportal.imaging import services
from studyportal.imaging.selectors import every_pair, every_series
from studyportal.imaging.states import SeriesStatus
from studyportal.syntheses.services import derive_pair as derive
from studyportal.tasks import dispatch
from studyportal.tasks.dispatch import portal_task

_WHY = "images of any site wait in the same queue"


@portal_task(over_every_site=_WHY)
def check_series(series_id: str) -> None:
    """Idempotent: only a received series is touched, and files are addressed by digest."""
    series = services.check_series(series=every_series().get(pk=series_id))
    if series.status == SeriesStatus.ACCEPTED:
        dispatch.derive_pair(series.pair_id)
        dispatch.screen_pair(series.pair_id)


@portal_task(over_every_site=_WHY)
def derive_pair(pair_id: str) -> None:
    """Idempotent: a volume that was made is not made again."""
    derive(pair=every_pair().get(pk=pair_id))


@portal_task(over_every_site=_WHY)
def screen_pair(pair_id: str) -> None:
    """Idempotent: images that were screened are not screened again."""
    services.screen_pair(pair=every_pair().get(pk=pair_id))


@portal_task(over_every_site=_WHY)
def read_inbox() -> None:
    """Idempotent: one process reads the spool at a time, and an arrival is assigned once."""
    services.read_spool()
    for series in services.settle_inbox():
        dispatch.check_series(series.pk)
