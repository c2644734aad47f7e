"""Reading sessions for those who run them: progress without results; results once a session is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from studyportal.core.errors import Reason, Refused
from studyportal.core.language import said
from studyportal.outcomes.selectors import arms_are_open, cut_with_reads
from studyportal.outcomes.services import note_look, open_reading_session, take_out_reads
from studyportal.outcomes.states import Seen
from studyportal.reading.rules import Kind
from studyportal.reading.selectors import (
    case_in,
    cases_of,
    design_of,
    left_out_of,
    packaged_design,
    possible_readers,
    progress_of,
    reader_in,
    results_of,
    session_for,
    sessions_visible_to,
    turing_of,
    unprepared_cases,
)
from studyportal.reading.services import (
    begin_consensus,
    close_session,
    exclude_case,
    open_reads,
    reopen_for_reader,
    withdraw_reader,
)
from studyportal.reading.states import SessionStatus
from studyportal.sites.rules import Action
from studyportal.sites.selectors import holds_for_study, may
from studyportal.tasks import dispatch
from studyportal.web.answers import Attempt, acting, do, found, say_refusal
from studyportal.web.reading_words import question_rows, reader_rows

if TYPE_CHECKING:
    from studyportal.reading.models import ReadingSession

DESIGNS = ("diagnostic", "turing")


class OpenForm(forms.Form):
    """A new session: its name, its people and its design."""

    name = forms.CharField(max_length=80, label=gettext_lazy("Name"))
    readers = forms.MultipleChoiceField(
        label=gettext_lazy("Readers"), widget=forms.CheckboxSelectMultiple
    )
    adjudicator = forms.ChoiceField(label=gettext_lazy("Adjudicator"), required=False)
    design = forms.CharField(label=gettext_lazy("Design (TOML)"), widget=forms.Textarea)

    def __init__(self, *args: object, people: list[object], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # as Django takes them
        choices = [(one.username, str(one)) for one in people]  # type: ignore[attr-defined]
        self.fields["readers"].choices = choices  # type: ignore[attr-defined]
        self.fields["adjudicator"].choices = [("", "–"), *choices]  # type: ignore[attr-defined]
        self.fields["name"].widget.attrs["class"] = "form-control"
        self.fields["adjudicator"].widget.attrs["class"] = "form-select"
        self.fields["design"].widget.attrs.update({"class": "form-control font-monospace", "rows": 18, "spellcheck": "false"})  # fmt: skip

    def take(self, refusal: Refused) -> None:
        """Every reason of a refusal stands at the field it speaks of."""
        for reason in refusal.reasons:
            place = reason.where if reason.where in self.fields else None
            self.add_error(place, said(Reason(reason.id, reason.sentence)))


@require_GET
def readings(request: HttpRequest) -> HttpResponse:
    """Every session that the person may see."""
    runs = holds_for_study(request.user, Action.RUN_READINGS)
    rows = sessions_visible_to(request.user)
    return render(request, "web/readings.html", {"sessions": rows, "runs": runs})


def reading_open(request: HttpRequest) -> HttpResponse:
    """Open a session from one of the designs that ship, as changed here."""
    people = possible_readers()
    kind = request.GET.get("design", DESIGNS[0])
    text = packaged_design(kind if kind in DESIGNS else DESIGNS[0])
    form = OpenForm(request.POST or None, people=list(people), initial={"design": text})
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        named = {person.username: person for person in people}
        with Attempt(form.take) as tried:
            session = open_reading_session(
                name=typed["name"],
                design_text=typed["design"],
                readers=[named[name] for name in typed["readers"]],
                adjudicator=named.get(typed["adjudicator"]),
                by=acting(request),
            )
        if tried.succeeded:
            for case in unprepared_cases(session):
                dispatch.prepare_case(case.pk)
            messages.success(request, _("“%(name)s” is open.") % {"name": session.name})
            return redirect("web:reading_session", session.pk)
    status = 422 if form.is_bound else 200
    return render(
        request, "web/reading_open.html", {"form": form, "designs": DESIGNS}, status=status
    )


@require_GET
def reading_session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Progress and quality of a session, its cases, and the proof of its allocation; results only once closed."""
    session = found(session_for(request.user, session_id))
    design, closed = design_of(session), session.status == SessionStatus.CLOSED
    sees_results = closed and may(request.user, Action.SEE_OUTCOMES)
    sees_cases = may(request.user, Action.SEE_PARTICIPANTS)
    return render(
        request,
        "web/reading_session.html",
        {
            "session": session,
            "design": design,
            "progress": progress_of(session),
            "cases": cases_of(session) if sees_cases else [],
            "left_out": left_out_of(session) if sees_cases else [],
            "unprepared": len(unprepared_cases(session)),
            "open_reads": open_reads(session),
            "runs": holds_for_study(request.user, Action.RUN_READINGS),
            "closed": closed,
            "sees_results": sees_results,
        },
    )


@require_GET
def reading_closed(request: HttpRequest) -> HttpResponse:
    """Every closed session, for those who analyse."""
    rows = sessions_visible_to(request.user).filter(status=SessionStatus.CLOSED)
    return render(request, "web/reading_closed.html", {"sessions": rows})


@require_GET
def reading_results(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """What a closed session came to: by question and reader, agreement, disputes, what is left out; by arm once open."""
    session = found(_closed(request, session_id))
    design, by_arm = design_of(session), arms_are_open(session)
    results = results_of(session, by_arm=by_arm)
    if cut := cut_with_reads(session):
        note_look(cut=cut, what=Seen.READS, of=session.name, by=acting(request))
    return render(
        request,
        "web/reading_results.html",
        {
            "session": session,
            "by_arm": by_arm,
            "questions": question_rows(results),
            "readers": reader_rows(results),
            "turing": turing_of(session) if design.kind == Kind.TURING else None,
            "left_out": left_out_of(session),
            "runs": holds_for_study(request.user, Action.RUN_READINGS),
            "takes_out": by_arm and may(request.user, Action.EXPORT),
        },
    )


@require_GET
def reading_export(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """The reads of a closed session as CSV."""
    session = found(_closed(request, session_id))
    with Attempt(lambda refusal: say_refusal(request, refusal)) as tried:
        text = take_out_reads(session=session, by=acting(request))
    if not tried.succeeded:
        return redirect("web:reading_results", session.pk)
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="reads-{session.pk}.csv"'
    return answer


@require_POST
def reading_withdraw(request: HttpRequest, session_id: UUID, reader_id: UUID) -> HttpResponse:
    """A reader leaves."""
    session = found(session_for(request.user, session_id))
    reader = found(reader_in(session, reader_id))
    return do(
        request,
        lambda: withdraw_reader(reader=reader, reason=_reason(request), by=acting(request)),
        said=_("The reader has left; what was submitted stays."),
        then=_page(session_id),
    )


@require_POST
def reading_exclude(request: HttpRequest, session_id: UUID, case_id: UUID) -> HttpResponse:
    """A case is taken out."""
    session = found(session_for(request.user, session_id))
    case = found(case_in(session, case_id))
    return do(
        request,
        lambda: exclude_case(case=case, reason=_reason(request), by=acting(request)),
        said=_("The case is out of the session; its reads stay."),
        then=_page(session_id),
    )


@require_POST
def reading_open_again(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """A submitted case is open to its reader again."""
    session = found(session_for(request.user, session_id))
    code = request.POST.get("code", "")
    return do(
        request,
        lambda: reopen_for_reader(
            session=session, code=code, reason=_reason(request), by=acting(request)
        ),
        said=_("The case is open again; what was submitted stays."),
        then=_page(session_id),
    )


@require_POST
def reading_consensus(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Independent reading is over."""
    session = found(session_for(request.user, session_id))
    return do(
        request,
        lambda: begin_consensus(session=session, by=acting(request)),
        said=_("The consensus has begun."),
        then=_page(session_id),
    )


@require_POST
def reading_close(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """The session is closed, with a reason where cases are still to be read."""
    session = found(session_for(request.user, session_id))
    return do(
        request,
        lambda: close_session(session=session, reason=_reason(request), by=acting(request)),
        said=_("The session is closed."),
        then=_page(session_id),
    )


def _closed(request: HttpRequest, session_id: UUID) -> ReadingSession | None:
    rows = sessions_visible_to(request.user).filter(status=SessionStatus.CLOSED, pk=session_id)
    return rows.first() if may(request.user, Action.SEE_OUTCOMES) else None


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "")


def _page(session_id: UUID) -> str:
    return reverse("web:reading_session", args=[session_id])
