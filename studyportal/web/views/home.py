"""The home of each role, the dashboard, the table of roles."""

from collections.abc import Mapping

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from studyportal.core import clock
from studyportal.core.language import said
from studyportal.dashboards import selectors
from studyportal.outcomes.selectors import headline_results, latest_completed_run
from studyportal.outcomes.services import note_look
from studyportal.outcomes.states import Seen
from studyportal.protocol.selectors import active_protocol
from studyportal.queries.rules import AgeBand
from studyportal.queries.selectors import counts_by_age
from studyportal.sites.rules import ACTION_WORDS, PERMISSIONS, ROLE_NAMES, Action, Role
from studyportal.sites.selectors import may, roles_of
from studyportal.web.answers import acting
from studyportal.web.charts import cumulative_chart
from studyportal.web.help import TOPICS, help_text, help_title
from studyportal.web.query_words import AGE_WORDS
from studyportal.web.words import STATUS_WORDS

# The first role of this order that a person holds decides where they begin.
_HOMES: Mapping[Role, str] = {
    Role.COORDINATOR: "web:worklist",
    Role.DATA_MANAGER: "web:pairs",
    Role.MONITOR: "web:pairs",
    Role.SYNTHESIS_OPERATOR: "web:jobs",
    Role.STATISTICIAN: "web:cuts",
    Role.STUDY_PI: "web:dashboard",
    Role.SITE_PI: "web:dashboard",
    Role.ADMINISTRATOR: "web:people",
    Role.READER: "web:reading_list",
}


def home(request: HttpRequest) -> HttpResponse:
    """Each role begins where its work is."""
    roles = roles_of(request.user)
    return redirect(next((page for role, page in _HOMES.items() if role in roles), "web:welcome"))


def welcome(request: HttpRequest) -> HttpResponse:
    """Say honestly that there is nothing to do here yet."""
    return render(request, "web/welcome.html", {"reader": Role.READER in roles_of(request.user)})


def role_table(request: HttpRequest) -> HttpResponse:
    """Who may do what: the very table that the portal asks."""
    rows = [
        (said(words), [action in PERMISSIONS[role] for role in Role])
        for action, words in ACTION_WORDS.items()
    ]
    return render(
        request,
        "web/role_table.html",
        {"roles": [said(name) for name in ROLE_NAMES.values()], "rows": rows},
    )


def help_page(request: HttpRequest, topic: str) -> HttpResponse:
    """One page of help."""
    text = help_text(topic)
    if text is None:
        raise Http404
    topics = [
        (help_title(name), reverse("web:help", args=[name]))
        for name in sorted(set(TOPICS.values()))
    ]
    return render(request, "web/help.html", {"text": text, "topics": topics})


def dashboard(request: HttpRequest) -> HttpResponse:
    """Recruitment, pairs and jobs of the sites one may see; outcomes only for those with that right."""
    user = request.user
    sites = selectors.recruitment(user)
    open_outcomes = may(user, Action.SEE_OUTCOMES)
    run = latest_completed_run() if open_outcomes else None
    headlines = list(headline_results(run)) if run else []
    if run and headlines:
        note_look(cut=run.cut, what=Seen.HEADLINE, by=acting(request))
    pairs = selectors.pair_counts(user)
    return render(
        request,
        "web/dashboard.html",
        {
            "protocol": active_protocol(),
            "sites": sites,
            "target": sum(site.target for site in sites),
            "enrolled": sum(site.enrolled for site in sites),
            "screened": sum(site.screened for site in sites),
            "ready": sum(site.pairs_ready for site in sites),
            "chart": cumulative_chart(selectors.enrolment_curve(user), until=clock.today()),
            "participants": selectors.participant_counts(user),
            "pair_statuses": list(STATUS_WORDS["pair"]),
            "pairs": [
                (site, [counts.get(s, 0) for s in STATUS_WORDS["pair"]])
                for site, counts in pairs.items()
            ],
            "jobs": selectors.job_counts(user),
            "query_ages": [AGE_WORDS[band] for band in AgeBand],
            "queries": counts_by_age(user, today=clock.today()),
            "open_outcomes": open_outcomes,
            "run": run,
            "headlines": headlines,
        },
    )
