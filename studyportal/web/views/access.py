"""The access review: who has access to what, what to look at, and the reviews that were kept."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from studyportal.core import clock
from studyportal.dashboards.access import access_csv
from studyportal.sites.rules.access import findings, role_words
from studyportal.sites.selectors import access_facts, access_reviews, review_is_due
from studyportal.sites.services import review_access
from studyportal.web.account_forms import ReviewForm
from studyportal.web.answers import Attempt, acting


@require_http_methods(["GET", "POST"])
def review(request: HttpRequest) -> HttpResponse:
    """Show everybody's access with what to look at; keep the review with a note."""
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with Attempt(form.take) as tried:
            review_access(note=form.cleaned_data["note"], by=acting(request))
        if tried.succeeded:
            return redirect("web:access_review")
    now = clock.now()
    rows = [(facts, findings(facts, now=now)) for facts in access_facts()]
    return render(
        request,
        "web/access_review.html",
        {
            "form": form,
            "rows": [(facts, role_words(facts.roles), found) for facts, found in rows],
            "to_look_at": sum(1 for _, found in rows if found),
            "due": review_is_due(),
            "kept": access_reviews(request.user)[:8],
        },
        status=422 if form.errors else 200,
    )


@require_GET
def review_file(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 a view
    """The same list as CSV."""
    answer = HttpResponse(access_csv(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="access-{clock.today()}.csv"'
    return answer
