"""Which right each endpoint asks for: one table, `address.act` → right. An endpoint that is not in it answers nobody."""

from collections.abc import Mapping
from enum import StrEnum

from studyportal.sites.rules import Action


class Access(StrEnum):
    """Endpoints that ask for no right of the study."""

    ANYONE = "anyone"
    SIGNED_IN = "signed_in"


RIGHTS: Mapping[str, Action | Access] = {
    "token.create": Access.ANYONE,
    "token.destroy": Access.SIGNED_IN,
    "schema.get": Access.SIGNED_IN,
    "not-found.any": Access.SIGNED_IN,
    "sites.list": Access.SIGNED_IN,
    "sites.retrieve": Access.SIGNED_IN,
    "participants.list": Action.SEE_PARTICIPANTS,
    "participants.retrieve": Action.SEE_PARTICIPANTS,
    "participants.create": Action.SCREEN_PARTICIPANT,
    "participants.enrol": Action.SCREEN_PARTICIPANT,
    "participants.record_consent": Action.SCREEN_PARTICIPANT,
    "participants.withdraw": Action.SCREEN_PARTICIPANT,
    "withdrawals.list": Action.SEE_PARTICIPANTS,
    "withdrawals.retrieve": Action.SEE_PARTICIPANTS,
    "declined.list": Action.SEE_PARTICIPANTS,
    "declined.retrieve": Action.SEE_PARTICIPANTS,
    "declined.create": Action.SCREEN_PARTICIPANT,
    "scan-pairs.list": Action.SEE_IMAGES,
    "scan-pairs.retrieve": Action.SEE_IMAGES,
    "scan-pairs.accept_finding": Action.ACCEPT_FINDING,
    "scan-pairs.judge_artefacts": Action.ACCEPT_FINDING,
    "scan-pairs.exclude": Action.ACCEPT_FINDING,
    "series.list": Action.SEE_IMAGES,
    "series.retrieve": Action.SEE_IMAGES,
    "uploads.list": Action.UPLOAD_IMAGES,
    "uploads.retrieve": Action.UPLOAD_IMAGES,
    "uploads.create": Action.UPLOAD_IMAGES,
    "uploads.files": Action.UPLOAD_IMAGES,
    "uploads.complete": Action.UPLOAD_IMAGES,
    "data-queries.list": Action.SEE_QUERIES,
    "data-queries.retrieve": Action.SEE_QUERIES,
    "data-queries.create": Action.RAISE_QUERY,
    "data-queries.answer_query": Action.ANSWER_QUERY,
    "data-queries.close": Action.CLOSE_QUERY,
    "data-queries.reopen": Action.CLOSE_QUERY,
    "model-releases.list": Action.SEE_SYNTHESES,
    "model-releases.retrieve": Action.SEE_SYNTHESES,
    "model-releases.import_release": Action.REGISTER_RELEASE,
    "model-releases.move": Action.REGISTER_RELEASE,
    "model-releases.name_primary": Action.NAME_PRIMARY_RELEASE,
    "synthesis-jobs.list": Action.SEE_SYNTHESES,
    "synthesis-jobs.retrieve": Action.SEE_SYNTHESES,
    "synthesis-jobs.create": Action.REQUEST_SYNTHESIS,
    "synthesis-jobs.batch": Action.REQUEST_SYNTHESIS,
    "synthesis-jobs.cancel": Action.CANCEL_SYNTHESIS,
    "synthesis-jobs.retry": Action.REQUEST_SYNTHESIS,
    "reading-sessions.list": Action.RUN_READINGS,
    "reading-sessions.retrieve": Action.RUN_READINGS,
    "reading-sessions.progress": Action.RUN_READINGS,
    "reading-list.list": Action.READ_CASES,
    "data-cuts.list": Action.SEE_OUTCOMES,
    "data-cuts.retrieve": Action.SEE_OUTCOMES,
    "data-cuts.create": Action.FREEZE_CUT,
    "evaluation-runs.list": Action.SEE_OUTCOMES,
    "evaluation-runs.retrieve": Action.SEE_OUTCOMES,
    "evaluation-runs.create": Action.RUN_EVALUATION,
    "evaluation-runs.results": Action.SEE_OUTCOMES,
    "release-comparisons.list": Action.SEE_OUTCOMES,
    "release-comparisons.retrieve": Action.SEE_OUTCOMES,
    "release-comparisons.create": Action.RUN_EVALUATION,
    "exports.list": Action.EXPORT,
    "exports.retrieve": Action.EXPORT,
    "exports.create": Action.EXPORT,
    "exports.pairs": Action.EXPORT,
    "exports.clinical": Action.EXPORT,
    "exports.download": Action.EXPORT,
}

# Acts for which whoever came by a session of the browser showed who they are within the last minutes, as the pages
# ask it. A token was obtained with password and code and is asked for nothing more.
ASK_AGAIN = frozenset({"exports.create", "exports.pairs", "exports.clinical", "exports.download"})
