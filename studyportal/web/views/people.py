"""People: invited, given roles, closed; and how the installation is."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from studyportal.core.models import User
from studyportal.core.selectors import acts_on
from studyportal.sites.rules import Role
from studyportal.sites.selectors import (
    every_site,
    open_invitations,
    people_visible_to,
    person_for,
    review_is_due,
    second_factors_of,
)
from studyportal.sites.services import (
    close_account,
    drop_second_factors,
    end_role,
    give_role,
    reopen_account,
    withdraw_invitation,
)
from studyportal.sites.services import invite as invite_somebody
from studyportal.web.account_forms import InviteForm, RoleForm
from studyportal.web.accounts.mails import send_invitation
from studyportal.web.answers import Attempt, acting, do, found, paged, say_refusal
from studyportal.web.health import health, workers

_ACTS_SHOWN = 30


@require_GET
def people(request: HttpRequest) -> HttpResponse:
    """Everybody with their roles, and who was invited."""
    return render(
        request,
        "web/people.html",
        {
            "page": paged(request, people_visible_to(request.user)),
            "invitations": open_invitations(request.user),
            "review_due": review_is_due(),
        },
    )


@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Invite somebody by mail."""
    form = InviteForm(request.POST or None, sites=every_site())
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        with Attempt(form.take) as tried:
            invited = invite_somebody(
                email=typed["email"],
                role=Role(typed["role"]),
                site=typed["site"],
                by=acting(request),
            )
        if tried.succeeded:
            if send_invitation(request, invited):
                messages.success(request, _("The invitation is on its way."))
            else:
                withdraw_invitation(invitation=invited.invitation, by=acting(request))
                messages.error(request, _("The mail server did not take it. Nobody was invited."))
            return redirect("web:people")
    return render(request, "web/invite.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
def withdraw(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Withdraw an invitation that nobody has accepted."""
    row = found(open_invitations(request.user).filter(pk=invitation_id).first())
    return do(
        request,
        lambda: withdraw_invitation(invitation=row, by=acting(request)),
        said=_("The invitation is withdrawn."),
        then=reverse("web:people"),
    )


@require_GET
def person(request: HttpRequest, username: str) -> HttpResponse:
    """One person: roles, second factors, and what happened to the account."""
    row = found(person_for(request.user, username))
    return render(
        request,
        "web/person.html",
        {
            "person": row,
            "form": RoleForm(sites=every_site()),
            "factors": second_factors_of(row),
            "acts": acts_on("user", str(row.pk)).order_by("-at", "-id")[:_ACTS_SHOWN],
        },
    )


@require_POST
def give(request: HttpRequest, username: str) -> HttpResponse:
    """Give the person one more role."""
    row = found(person_for(request.user, username))
    form = RoleForm(request.POST, sites=every_site())
    if not form.is_valid():
        for fault in form.errors.values():
            messages.error(request, str(fault[0]))
        return redirect("web:person", username)
    with Attempt(lambda refusal: say_refusal(request, refusal)) as tried:
        give_role(
            user=row,
            role=Role(form.cleaned_data["role"]),
            site=form.cleaned_data["site"],
            by=acting(request),
        )
    if tried.succeeded:
        messages.success(request, _("The role is given."))
    return redirect("web:person", username)


@require_POST
def end(request: HttpRequest, username: str, membership_id: UUID) -> HttpResponse:
    """End one role of the person."""
    row = found(person_for(request.user, username))
    held = row.current_memberships  # type: ignore[attr-defined]  # the prefetch sets it
    membership = found(next((one for one in held if one.pk == membership_id), None))
    return do(
        request,
        lambda: end_role(membership=membership, reason=_reason(request), by=acting(request)),
        said=_("The role has ended."),
        then=reverse("web:person", args=[username]),
    )


@require_POST
def close(request: HttpRequest, username: str) -> HttpResponse:
    """Close the account; it is never deleted."""
    return _change(request, username, act=close_account, said=_("The account is closed."))


@require_POST
def reopen(request: HttpRequest, username: str) -> HttpResponse:
    """Open a closed account, without roles."""
    return _change(request, username, act=reopen_account, said=_("The account is open."))


@require_POST
def drop_factors(request: HttpRequest, username: str) -> HttpResponse:
    """Take away the second factors of somebody who lost the device."""
    said = _("The second factors are gone; new ones are set up at sign-in.")
    return _change(request, username, act=drop_second_factors, said=said)


@require_GET
def health_page(request: HttpRequest) -> HttpResponse:
    """How each part of the installation is, asked now; the page asks for its slowest part, the workers, by itself."""
    if request.GET.get("part") == "workers":
        return render(request, "web/partials/health_part.html", {"part": workers()})
    everything = request.GET.get("part") == "all"
    context = {
        "parts": [*health(), *([workers()] if everything else [])],
        "asks_on": not everything,
    }
    return render(request, "web/health.html", context)


def _change(
    request: HttpRequest, username: str, *, act: Callable[..., None], said: str
) -> HttpResponse:
    row: User = found(person_for(request.user, username))
    return do(
        request,
        lambda: act(user=row, reason=_reason(request), by=acting(request)),
        said=said,
        then=reverse("web:person", args=[username]),
    )


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "")
