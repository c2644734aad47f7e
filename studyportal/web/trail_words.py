"""The audit trail in sentences: what happened, by what way, and what a value says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from studyportal.core.language import said
from studyportal.dashboards.trail import Change, TrailRow, is_person
from studyportal.web.field_words import field_word, status_word, value_word

LABEL_WORDS: Mapping[str, str | Promise] = {
    "act": gettext_lazy("act"),
    "move": gettext_lazy("status"),
    "insert": gettext_lazy("entered"),
    "update": gettext_lazy("changed"),
    "delete": gettext_lazy("removed"),
    "begin": gettext_lazy("stood before the trail"),
    "password_changed": gettext_lazy("password changed"),
    "redaction": gettext_lazy("redacted"),
}
LABEL_TONES: Mapping[str, str] = {
    "act": "done",
    "move": "running",
    "insert": "waiting",
    "update": "needs-you",
    "delete": "errored",
    "redaction": "errored",
}
KIND_WORDS: Mapping[str, str | Promise] = {
    "core.auditevent": gettext_lazy("Act"),
    "core.statuschange": gettext_lazy("Status change"),
    "core.redaction": gettext_lazy("Redaction"),
    "core.user": gettext_lazy("Person"),
    "core.usergroup": gettext_lazy("Group of a person"),
    "core.userpermission": gettext_lazy("Permission of a person"),
    "protocol.protocolversion": gettext_lazy("Protocol version"),
    "sites.site": gettext_lazy("Site"),
    "sites.membership": gettext_lazy("Role of a person"),
    "sites.datalock": gettext_lazy("Data lock"),
    "sites.invitation": gettext_lazy("Invitation"),
    "sites.accessreview": gettext_lazy("Access review"),
    "queries.dataquery": gettext_lazy("Data query"),
    "queries.querymessage": gettext_lazy("Message of a query"),
    "participants.participant": gettext_lazy("Participant"),
    "participants.consent": gettext_lazy("Consent"),
    "participants.eligibilityassessment": gettext_lazy("Eligibility assessment"),
    "participants.criterionanswer": gettext_lazy("Answer to a criterion"),
    "participants.disposition": gettext_lazy("Disposition"),
    "participants.consentversion": gettext_lazy("Consent version"),
    "participants.declined": gettext_lazy("Refusal of a person"),
    "participants.eligibilityoverride": gettext_lazy("Override of eligibility"),
    "participants.withdrawal": gettext_lazy("Withdrawal"),
    "participants.withdrawalstep": gettext_lazy("Step of a withdrawal"),
    "clinical.lesion": gettext_lazy("Lesion"),
    "clinical.referencestandard": gettext_lazy("Reference standard"),
    "clinical.baseline": gettext_lazy("Baseline"),
    "clinical.form": gettext_lazy("Form"),
    "clinical.lesionrow": gettext_lazy("Row of the lesions"),
    "clinical.specimenrow": gettext_lazy("Row of the pathology"),
    "clinical.noderow": gettext_lazy("Row of the nodal stations"),
    "clinical.organrow": gettext_lazy("Row of the distant sites"),
    "clinical.staging": gettext_lazy("Staging"),
    "clinical.treatmentrow": gettext_lazy("Row of the treatment"),
    "clinical.followup": gettext_lazy("Follow-up"),
    "clinical.conclusion": gettext_lazy("Conclusion"),
    "clinical.secondentry": gettext_lazy("Second entry"),
    "clinical.reconciliation": gettext_lazy("Reconciliation"),
    "clinical.signature": gettext_lazy("Signature"),
    "clinical.formunlock": gettext_lazy("Unlocking of a form"),
    "clinical.samplingplan": gettext_lazy("Sampling plan"),
    "clinical.sampledparticipant": gettext_lazy("Draw of a participant"),
    "imaging.patientbinding": gettext_lazy("Tie to a hospital's patient"),
    "imaging.scanpair": gettext_lazy("Scan pair"),
    "imaging.imagingstudy": gettext_lazy("Imaging study"),
    "imaging.imagingseries": gettext_lazy("Imaging series"),
    "imaging.finding": gettext_lazy("Finding"),
    "imaging.outlineset": gettext_lazy("Outlines"),
    "imaging.derivedvolume": gettext_lazy("Volume for the viewer"),
    "imaging.injectionentry": gettext_lazy("Entry about an injection"),
    "imaging.pairscreening": gettext_lazy("Screening of images"),
    "imaging.arrival": gettext_lazy("Arrival"),
    "imaging.arrivalconflict": gettext_lazy("Conflict of arrivals"),
    "syntheses.modelrelease": gettext_lazy("Model release"),
    "syntheses.primaryrelease": gettext_lazy("Primary release"),
    "syntheses.synthesisbatch": gettext_lazy("Batch of syntheses"),
    "syntheses.synthesisjob": gettext_lazy("Synthesis job"),
    "syntheses.jobattempt": gettext_lazy("Attempt of a job"),
    "syntheses.syntheticseries": gettext_lazy("Synthetic series"),
    "reading.readingsession": gettext_lazy("Reading session"),
    "reading.readingarm": gettext_lazy("Arm of a reading session"),
    "reading.sessionreader": gettext_lazy("Reader of a session"),
    "reading.readingcase": gettext_lazy("Case of a reading session"),
    "reading.casevolume": gettext_lazy("Image of a case"),
    "reading.read": gettext_lazy("Read of a case"),
    "reading.readcall": gettext_lazy("Call of a read"),
    "outcomes.resultopening": gettext_lazy("Opening of results"),
    "outcomes.indextest": gettext_lazy("Index test"),
    "outcomes.indexscore": gettext_lazy("Score of a reader"),
    "outcomes.datacut": gettext_lazy("Data cut"),
    "outcomes.cutpair": gettext_lazy("Pair in a cut"),
    "outcomes.measurement": gettext_lazy("Measurement"),
    "outcomes.evaluationrun": gettext_lazy("Evaluation run"),
    "outcomes.resultrow": gettext_lazy("Result"),
    "outcomes.runfile": gettext_lazy("File of a report"),
    "outcomes.releasecomparison": gettext_lazy("Comparison of releases"),
    "outcomes.comparedrelease": gettext_lazy("Compared release"),
    "outcomes.comparedseries": gettext_lazy("Compared series"),
    "exports.export": gettext_lazy("Export"),
    "exports.exportdownload": gettext_lazy("Download of an export"),
}
_SHORT = 80  # letters of a value inside a sentence
_IN_SENTENCE = 6  # fields named in a sentence; the rest is counted


def kind_word(model: type[models.Model]) -> str:
    """What a row of this model is called."""
    return str(KIND_WORDS.get(model._meta.label_lower, str(model._meta.verbose_name).capitalize()))


def label_word(label: str) -> str:
    """What became of a row."""
    return str(LABEL_WORDS.get(label, label.replace("_", " ")))


def sentence(row: TrailRow, people: Mapping[Any, str]) -> str:
    """What happened, as a sentence of a protocol clerk."""
    if row.label == "act":
        return said(str(row.record.get("sentence", "")))
    if row.label == "move":
        machine = str(row.record.get("machine", ""))
        return _("%(kind)s: %(before)s → %(after)s.") % {
            "kind": capfirst(said(machine)),
            "before": _status(row.record.get("origin"), machine) or _("new"),
            "after": _status(row.record.get("target"), machine),
        }
    if row.label == "redaction":
        field = row.record.get("field", "")
        return _("A personal detail in “%(field)s” of an event was redacted.") % {"field": field}
    return _changed(row, people)


def _changed(row: TrailRow, people: Mapping[Any, str]) -> str:
    kind = kind_word(row.model)
    if row.label == "delete":
        return _("%(kind)s removed.") % {"kind": kind}
    if row.label == "password_changed":
        return _("The password was changed.")
    shown = "; ".join(change_text(change, people) for change in row.changes[:_IN_SENTENCE])
    more = len(row.changes) - _IN_SENTENCE
    if more > 0:
        shown += ngettext("; %(n)s more field", "; %(n)s more fields", more) % {"n": more}
    frame = {
        "insert": _("%(kind)s entered: %(changes)s."),
        "begin": _("%(kind)s as it stood when the trail began: %(changes)s."),
    }.get(row.label, _("%(kind)s changed: %(changes)s."))
    return frame % {"kind": kind, "changes": shown or _("nothing that is kept here")}


def change_text(change: Change, people: Mapping[Any, str]) -> str:
    """One field before and after."""
    name = field_word(change.field)
    if change.hidden:
        return _("%(field)s (value hidden from your roles)") % {"field": name}
    after = value_text(change.field, change.after, people)
    if change.before in (None, ""):
        return f"{name} {after}"
    return f"{name} {value_text(change.field, change.before, people)} → {after}"


def value_text(field: models.Field[Any, Any], value: Any, people: Mapping[Any, str]) -> str:
    """A value as people read it; long ones are cut."""
    if value is None or value == "":
        return _("empty")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if is_person(field):
        return people.get(value, str(value))
    if isinstance(value, dict | list):
        return ngettext("%(n)s entry", "%(n)s entries", len(value)) % {"n": len(value)}
    if isinstance(field, models.DateField):  # of moments, too
        with suppress(ValidationError):  # a redacted one
            return _moment_text(field.to_python(value))
    if word := value_word(field, str(value)):
        return word
    text = said(str(value)) if isinstance(field, models.TextField) else str(value)
    if field.remote_field is not None:
        text = text[:8]
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"


def _moment_text(moment: date | datetime) -> str:
    if isinstance(moment, datetime):
        return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}"
    return moment.isoformat()


def people_in(rows: Iterable[TrailRow]) -> set[Any]:
    """Keys of the people whose names stand in values."""
    return {
        value
        for row in rows
        for change in row.changes
        if is_person(change.field)
        for value in (change.before, change.after)
        if value is not None
    }


def who(row: TrailRow) -> str:
    """Who acted."""
    if row.person is not None:
        return str(row.person)
    if row.context or row.label in ("act", "move"):
        return _("the portal")
    return _("nobody who signed in")


def way(row: TrailRow) -> str:
    """By what way it came into the database."""
    context = row.context
    if context.get("url"):
        return f"{context.get('method', '')} {context['url']}".strip()
    if context.get("task"):
        return _("task %(name)s") % {"name": context["task"]}
    if context.get("command"):
        return _("command %(name)s") % {"name": context["command"]}
    if row.label in ("act", "move", "redaction") or row.link is None:
        return ""
    application = row.link.application or _("an unnamed program")
    return _("SQL as %(role)s by %(application)s") % {
        "role": row.link.database_role,
        "application": application,
    }


def _status(value: object, machine: str) -> str:
    return status_word(str(value), of=machine) if value else ""
