"""Which administration page needs which right: one table. A model that is not in it is not shown to anybody."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest

from studyportal.sites.rules import Action
from studyportal.sites.selectors import may

SHOWN: Mapping[str, Action] = {
    "core.user": Action.MANAGE_PEOPLE,
    "core.auditevent": Action.SEE_AUDIT,
    "core.statuschange": Action.SEE_AUDIT,
    "sites.site": Action.MANAGE_PEOPLE,
    "sites.membership": Action.MANAGE_PEOPLE,
    "protocol.protocolversion": Action.MANAGE_PROTOCOL,
    "queries.dataquery": Action.SEE_QUERIES,
    "queries.querymessage": Action.SEE_QUERIES,
    "participants.participant": Action.SEE_PARTICIPANTS,
    "participants.consent": Action.SEE_PARTICIPANTS,
    "participants.eligibilityassessment": Action.SEE_PARTICIPANTS,
    "participants.disposition": Action.SEE_PARTICIPANTS,
    "participants.consentversion": Action.SEE_PARTICIPANTS,
    "participants.declined": Action.SEE_PARTICIPANTS,
    "participants.eligibilityoverride": Action.SEE_PARTICIPANTS,
    "participants.withdrawal": Action.SEE_PARTICIPANTS,
    "clinical.form": Action.SEE_PARTICIPANTS,
    "clinical.baseline": Action.SEE_PARTICIPANTS,
    "clinical.formunlock": Action.SEE_PARTICIPANTS,
    "clinical.samplingplan": Action.SEE_PARTICIPANTS,
    "clinical.sampledparticipant": Action.SEE_PARTICIPANTS,
    "clinical.signature": Action.SEE_PARTICIPANTS,
    "clinical.treatmentrow": Action.SEE_PARTICIPANTS,
    "clinical.followup": Action.SEE_PARTICIPANTS,
    "clinical.secondentry": Action.SEE_REFERENCE,
    "clinical.reconciliation": Action.SEE_REFERENCE,
    "clinical.lesionrow": Action.SEE_REFERENCE,
    "clinical.specimenrow": Action.SEE_REFERENCE,
    "clinical.noderow": Action.SEE_REFERENCE,
    "clinical.organrow": Action.SEE_REFERENCE,
    "clinical.staging": Action.SEE_REFERENCE,
    "clinical.conclusion": Action.SEE_REFERENCE,
    "clinical.lesion": Action.SEE_REFERENCE,
    "clinical.referencestandard": Action.SEE_REFERENCE,
    "imaging.scanpair": Action.SEE_IMAGES,
    "imaging.imagingstudy": Action.SEE_IMAGES,
    "imaging.imagingseries": Action.SEE_IMAGES,
    "imaging.injectionentry": Action.SEE_IMAGES,
    "imaging.pairscreening": Action.SEE_IMAGES,
    "imaging.finding": Action.SEE_IMAGES,
    "imaging.outlineset": Action.SEE_REFERENCE,
    "imaging.arrival": Action.SORT_INBOX,
    "imaging.arrivalconflict": Action.SORT_INBOX,
    "syntheses.modelrelease": Action.SEE_SYNTHESES,
    "syntheses.primaryrelease": Action.SEE_SYNTHESES,
    "syntheses.synthesisbatch": Action.SEE_SYNTHESES,
    "syntheses.synthesisjob": Action.SEE_SYNTHESES,
    "syntheses.jobattempt": Action.SEE_SYNTHESES,
    "syntheses.syntheticseries": Action.SEE_SYNTHESES,
    # Not what was read or drawn: that is sealed until a session is closed.
    "reading.readingsession": Action.RUN_READINGS,
    "reading.readingarm": Action.RUN_READINGS,
    "reading.readingcase": Action.RUN_READINGS,
    "reading.sessionreader": Action.RUN_READINGS,
    "outcomes.datacut": Action.SEE_OUTCOMES,
    "outcomes.cutpair": Action.SEE_OUTCOMES,
    "outcomes.evaluationrun": Action.SEE_OUTCOMES,
    "outcomes.indextest": Action.SEE_OUTCOMES,
    "outcomes.resultopening": Action.SEE_OUTCOMES,
    "outcomes.runfile": Action.SEE_OUTCOMES,
    "exports.export": Action.EXPORT,
    "exports.exportdownload": Action.EXPORT,
}


class Administration(AdminSite):
    """The administration pages: for staff who manage people, and of each model what their roles let them see."""

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return bool(user.is_active and user.is_staff and may(user, Action.MANAGE_PEOPLE))

    def may_see(self, request: HttpRequest, model: type[Model]) -> bool:
        """Whether the person's roles show rows of this model."""
        right = SHOWN.get(model._meta.label_lower)
        return right is not None and self.has_permission(request) and may(request.user, right)

    def register(self, model_or_iterable: Any, *args: Any, **options: Any) -> None:
        """Add the models that have a row above; packages bring pages, such as of tokens, that nobody needs here."""
        models = (
            model_or_iterable if isinstance(model_or_iterable, Iterable) else [model_or_iterable]
        )
        listed = [model for model in models if model._meta.label_lower in SHOWN]
        super().register(listed, *args, **options)
