"""Images of reading sessions."""

from studyportal.reading.selectors import case_by_id
from studyportal.reading.services import prepare_case as prepare
from studyportal.tasks.dispatch import portal_task


@portal_task(
    over_every_site="cases of a session are drawn from every site, and their images are made before anybody reads"
)
def prepare_case(case_id: str) -> None:
    """Idempotent: an image that was made is left alone."""
    prepare(case=case_by_id(case_id))
