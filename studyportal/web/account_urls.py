"""The pages of django-allauth that this portal offers, below /account/; sign-up is not among them."""

from allauth.account import views as account
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.webauthn import views as keys
from allauth.socialaccount import views as social
from allauth.socialaccount.providers.openid_connect import views as hospital
from django.views.generic import RedirectView

from studyportal.web.accounts import views
from studyportal.web.permissions import account_page

_to_sign_in = RedirectView.as_view(pattern_name="web:login", query_string=True)

urlpatterns = [
    account_page("sign-in/", _to_sign_in, "account_login"),
    account_page("sign-out/", account.logout, "account_logout"),
    account_page("closed/", account.account_inactive, "account_inactive"),
    account_page("confirm/", account.reauthenticate, "account_reauthenticate"),
    account_page("password/", views.change_password, "account_change_password"),
    account_page("password/forgotten/", account.password_reset, "account_reset_password"),
    account_page(
        "password/forgotten/sent/", account.password_reset_done, "account_reset_password_done"
    ),
    account_page(
        r"^password/new/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.new_password,
        "account_reset_password_from_key",
        regular=True,
    ),
    account_page(
        "password/new/done/",
        account.password_reset_from_key_done,
        "account_reset_password_from_key_done",
    ),
    account_page("security/", factors.index, "mfa_index"),
    account_page("code/", factors.authenticate, "mfa_authenticate"),
    account_page("confirm/code/", factors.reauthenticate, "mfa_reauthenticate"),
    account_page("security/app/", views.activate_app, "mfa_activate_totp"),
    account_page("security/app/off/", views.deactivate_app, "mfa_deactivate_totp"),
    account_page("security/recovery/", recovery.view_recovery_codes, "mfa_view_recovery_codes"),
    account_page(
        "security/recovery/new/", views.generate_recovery_codes, "mfa_generate_recovery_codes"
    ),
    account_page(
        "security/recovery/file/",
        recovery.download_recovery_codes,
        "mfa_download_recovery_codes",
    ),
    account_page("security/keys/", keys.list_webauthn, "mfa_list_webauthn"),
    account_page("security/keys/add/", views.add_key, "mfa_add_webauthn"),
    account_page("confirm/key/", keys.reauthenticate_webauthn, "mfa_reauthenticate_webauthn"),
    account_page("security/keys/<int:pk>/remove/", views.remove_key, "mfa_remove_webauthn"),
    account_page("security/keys/<int:pk>/name/", keys.edit_webauthn, "mfa_edit_webauthn"),
    account_page("sign-in/key/", keys.login_webauthn, "mfa_login_webauthn"),
    account_page("oidc/<str:provider_id>/", hospital.login, "openid_connect_login"),
    account_page("oidc/<str:provider_id>/back/", hospital.callback, "openid_connect_callback"),
    account_page("oidc-left/", social.login_cancelled, "socialaccount_login_cancelled"),
    account_page("oidc-broken/", social.login_error, "socialaccount_login_error"),
]
