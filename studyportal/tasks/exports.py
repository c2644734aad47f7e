"""Building of exports."""

from studyportal.exports import services
from studyportal.exports.selectors import every_export
from studyportal.tasks.dispatch import portal_task

_WHY = "an export holds what the person who asked for it may see, which was settled then"


@portal_task(over_every_site=_WHY)
def build(export_id: str) -> None:
    """Idempotent: only a requested export is built, and one worker takes it."""
    services.build_export(export=every_export().get(pk=export_id))
