"""The way in and out: signing in, the personas of the demonstration, accepting an invitation."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.account.views import LoginView
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from studyportal.core.models import User
from studyportal.core.services import choose_digest
from studyportal.sites.selectors import demonstration_personas, invitation_by_digest
from studyportal.sites.services import accept_invitation, digest_of
from studyportal.web.account_forms import AccountForm
from studyportal.web.answers import Attempt, acting, do, found


class SignIn(LoginView):
    """User name and password, a passkey, the hospital's account; in the demonstration one click."""

    template_name = "web/sign_in.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**kwargs),
            "personas": demonstration_personas() if settings.DEMO else [],
            "demonstration": settings.DEMO,
            "second_factor": settings.SECOND_FACTOR,
            "hospital": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        }


@login_not_required
@never_cache
@require_POST
def persona(request: HttpRequest) -> HttpResponse:
    """Sign in as a person of the demonstration. Any other installation has no such address."""
    if not settings.DEMO:
        raise Http404
    known = {one.username: one for one in demonstration_personas()}
    return _enter(request, found(known.get(request.POST.get("username", ""))), way="persona")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """The session is over."""
    get_adapter(request).logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@require_POST
def digest(request: HttpRequest) -> HttpResponse:
    """The person is written to about what waits for them as often as they chose."""
    wanted, by = request.POST.get("digest", ""), acting(request)
    return do(
        request,
        lambda: choose_digest(digest=wanted, by=by),
        said=_("Your choice is kept."),
        then="mfa_index",
    )


@method_decorator(
    (login_not_required, never_cache, sensitive_post_parameters("password", "again")),
    name="dispatch",
)
class Invitation(View):
    """Whoever was invited chooses a user name and a password, and is signed in."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._page(request, token, AccountForm())

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        form = AccountForm(request.POST)
        if form.is_valid():
            with Attempt(form.take) as tried:
                user = accept_invitation(
                    token=token,
                    username=form.cleaned_data["username"],
                    display_name=form.cleaned_data["display_name"],
                    password=form.cleaned_data["password"],
                )
            if tried.succeeded:
                get_adapter(request).logout(request)
                return _enter(request, user, way="invitation")
        return self._page(request, token, form, status=422)

    def _page(
        self, request: HttpRequest, token: str, form: AccountForm, *, status: int = 200
    ) -> HttpResponse:
        invitation = invitation_by_digest(digest_of(token))
        open_still = invitation is not None and invitation.is_open
        return render(
            request,
            "web/invitation.html",
            {"form": form, "invitation": invitation, "open": open_still},
            status=status if open_still else 410,
        )


def _enter(request: HttpRequest, user: User, *, way: str) -> HttpResponse:
    """Sign the person in like a password does: the second factor is asked for where there is one."""
    record_authentication(request, user, way)
    return perform_login(request, Login(user=user))
