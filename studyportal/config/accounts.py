"""Settings of signing in: passwords, second factors, lock-out, sessions, the hospital's identity provider, mail.

`settings` takes every name from here; the libraries read them under these names.
"""

import os
from datetime import timedelta
from urllib.parse import urlsplit

from studyportal.config.environment import (
    DEMO,
    PRODUCTION,
    flag,
    listed,
    number,
    required,
    secret,
)

ACCOUNT_APPS = (
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "axes",
)

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: it refuses whoever is locked out
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    # Passwords of earlier installations; each becomes Argon2 when its owner signs in.
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.NumericPasswordValidator"},
]
LOGIN_URL = "web:login"
LOGIN_REDIRECT_URL = "web:home"
LOGOUT_REDIRECT_URL = "web:login"

# Whoever's roles see participant data signs in with a second factor. Production cannot switch this off.
SECOND_FACTOR = PRODUCTION or flag("STUDYPORTAL_SECOND_FACTOR", default=not DEMO)
# Password or code again before an export, a signature or an unlock, unless it was given so recently.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
SESSION_IDLE_SECONDS = number("STUDYPORTAL_SESSION_IDLE_SECONDS", 30 * 60)
SESSION_ABSOLUTE_SECONDS = number("STUDYPORTAL_SESSION_ABSOLUTE_SECONDS", 8 * 3600)
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_SECONDS
SESSION_COOKIE_HTTPONLY = True
API_TOKEN_DAYS = number("STUDYPORTAL_API_TOKEN_DAYS", 90)
INVITATION_DAYS = number("STUDYPORTAL_INVITATION_DAYS", 7)

# django-allauth: sign-in, second factors, reset of a forgotten password.
ACCOUNT_ADAPTER = "studyportal.web.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*"]
ACCOUNT_SESSION_REMEMBER = False  # no "remember me": the cookie goes with the browser
ACCOUNT_EMAIL_VERIFICATION = "none"  # an address is verified by the invitation that went to it
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a changed password or factor is told to its owner
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_FORMS = {
    "login": "studyportal.web.accounts.forms.SignInForm",
    "reset_password_from_key": "studyportal.web.accounts.forms.NewPasswordForm",
}
ACCOUNT_RATE_LIMITS = {
    "login_failed": "5/15m/key",  # wrong codes; wrong passwords are counted by django-axes
}
# How many proxies stand before the portal; the address of a person is read behind them.
TRUSTED_PROXIES = number("STUDYPORTAL_TRUSTED_PROXIES", 1 if PRODUCTION else 0)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES

MFA_ADAPTER = "studyportal.web.accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "StudyPortal"
MFA_TOTP_TOLERANCE = 1  # a clock that is half a minute off still works
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION  # http on the own machine
MFA_FORMS = {
    "authenticate": "studyportal.web.accounts.forms.CodeForm",
    "add_webauthn": "studyportal.web.accounts.forms.KeyForm",
}

# django-axes: five wrong passwords for one person from one address lock that pair for a quarter of an hour.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ACCESS_FAILURE_LOG = True
AXES_HANDLER = "studyportal.web.accounts.lock_out.RecordedLockOut"
AXES_CLIENT_IP_CALLABLE = "studyportal.web.accounts.lock_out.client_address"
AXES_USERNAME_CALLABLE = "studyportal.web.accounts.lock_out.one_spelling"
AXES_LOCKOUT_CALLABLE = "studyportal.web.accounts.lock_out.locked_page"
AXES_USERNAME_FORM_FIELD = "login"
AXES_VERBOSE = False

# Limits, used codes and locks are counted for all processes of an installation together.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "portal_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# OpenID Connect: the hospital's identity provider says who somebody is; roles and second factors stay here.
OIDC_ISSUER = os.environ.get("STUDYPORTAL_OIDC_ISSUER", "").rstrip("/")
OIDC_NAME = os.environ.get("STUDYPORTAL_OIDC_NAME", "Hospital account")
SOCIALACCOUNT_ADAPTER = "studyportal.web.accounts.adapters.HospitalIdentityAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = (
    True  # only verified addresses, and only people who were invited
)
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 20
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_OPENID_CONNECT_URL_PREFIX = ""
SOCIALACCOUNT_PROVIDERS = (
    {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [
                {
                    "provider_id": "hospital",
                    "name": OIDC_NAME,
                    "client_id": required(
                        "STUDYPORTAL_OIDC_CLIENT_ID",
                        "STUDYPORTAL_OIDC_ISSUER is set; name its client.",
                    ),
                    "secret": secret("STUDYPORTAL_OIDC_CLIENT_SECRET"),
                    "settings": {"server_url": OIDC_ISSUER},
                }
            ],
        }
    }
    if OIDC_ISSUER
    else {}
)
# A form that leads to the provider is a form action, which the Content-Security-Policy must allow.
OIDC_ORIGINS = [
    *([f"{urlsplit(OIDC_ISSUER).scheme}://{urlsplit(OIDC_ISSUER).netloc}"] if OIDC_ISSUER else []),
    *listed("STUDYPORTAL_OIDC_ORIGINS"),
]

# Mail: to the console unless a server is named.
EMAIL_HOST = os.environ.get("STUDYPORTAL_SMTP_HOST", "")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
EMAIL_PORT = number("STUDYPORTAL_SMTP_PORT", 587)
EMAIL_HOST_USER = os.environ.get("STUDYPORTAL_SMTP_USER", "")
EMAIL_HOST_PASSWORD = secret("STUDYPORTAL_SMTP_PASSWORD")
EMAIL_USE_TLS = not flag("STUDYPORTAL_SMTP_PLAIN")
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = os.environ.get("STUDYPORTAL_MAIL_FROM", "studyportal@localhost")
