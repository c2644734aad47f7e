"""The steps of a participant's way as people read them, and the page where each is taken."""

from collections.abc import Mapping

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from studyportal.dashboards.rules import Step
from studyportal.dashboards.selectors import WorkRow

STEP_WORDS: Mapping[Step, str | Promise] = {
    Step.ANSWER_CRITERIA: _("Criteria to answer"),
    Step.RECORD_CONSENT: _("Consent to record"),
    Step.ENROL: _("Enrolment"),
    Step.RENEW_CONSENT: _("New consent form to sign"),
    Step.SEND_CT: _("CT to send"),
    Step.SEND_PET: _("PET to send"),
    Step.MEND_FINDING: _("Images to mend"),
    Step.JUDGE_ARTEFACTS: _("Artefacts to judge"),
    Step.ENTER_REFERENCE: _("Forms on pathology to fill in"),
    Step.WAIT_CHECKS: _("Waits for the image checks"),
    Step.WAIT_SYNTHESIS: _("Waits for the synthetic PET"),
    Step.COMPLETE: _("Nothing: complete"),
    Step.ENDED: _("Nothing: ended"),
}
STEP_BUTTONS: Mapping[Step, str | Promise] = {
    Step.ANSWER_CRITERIA: _("Answer"),
    Step.RECORD_CONSENT: _("Record"),
    Step.ENROL: _("Enrol"),
    Step.RENEW_CONSENT: _("Record"),
    Step.SEND_CT: _("Send CT"),
    Step.SEND_PET: _("Send PET"),
    Step.MEND_FINDING: _("Look"),
    Step.JUDGE_ARTEFACTS: _("Judge"),
    Step.ENTER_REFERENCE: _("Enter"),
}
_AT_THE_PAIR = frozenset({Step.MEND_FINDING, Step.JUDGE_ARTEFACTS})
_AT_THE_CRITERIA = frozenset({Step.ANSWER_CRITERIA, Step.RECORD_CONSENT})
_ANCHORS = {Step.SEND_CT: "ct", Step.SEND_PET: "pet", Step.ENTER_REFERENCE: "forms"}


def place_of(row: WorkRow) -> str:
    """Return the address of the page where the missing step is taken."""
    step = row.missing.step
    if step in _AT_THE_PAIR and row.pair_id:
        return reverse("web:pair", args=[row.pair_id])
    if step in _AT_THE_CRITERIA:
        return reverse("web:criteria", args=[row.id])
    if step == Step.RENEW_CONSENT:
        return reverse("web:consent", args=[row.id])
    anchor = _ANCHORS.get(step, "")
    return reverse("web:participant", args=[row.id]) + (f"#{anchor}" if anchor else "")
