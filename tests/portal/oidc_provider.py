"""A small identity provider in a process of its own: django-allauth's provider part, one person, one client.

`python -m tests.portal.oidc_provider EMAIL REDIRECT_URI` prints its port and serves until it is ended.
"""

import sys
import tempfile
from pathlib import Path
from types import ModuleType
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

CLIENT, SECRET, SUBJECT = "studyportal", "secret-of-the-client", "wang.li"


def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def configure(folder: Path) -> None:
    settings.configure(
        SECRET_KEY="of the provider alone",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="addresses_of_the_provider",
        USE_TZ=True,
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "idp.sqlite3")}
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
            "django.contrib.messages", "allauth", "allauth.account", "allauth.idp.oidc",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "tests.portal.oidc_provider.somebody_is_signed_in",
            "allauth.account.middleware.AccountMiddleware",
        ],
        AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        IDP_OIDC_PRIVATE_KEY=private_key(),
        SILENCED_SYSTEM_CHECKS=["*"],
    )  # fmt: skip
    django.setup()
    from django.urls import include, path

    addresses = ModuleType("addresses_of_the_provider")
    addresses.urlpatterns = [path("", include("allauth.idp.urls"))]
    sys.modules[addresses.__name__] = addresses


def somebody_is_signed_in(get_response):
    """The hospital has already recognised its employee, by whatever means it has."""
    from django.contrib.auth import get_user_model

    def middleware(request):
        request.user = get_user_model().objects.get()
        return get_response(request)

    return middleware


def fill(email: str, redirect_uri: str) -> None:
    from allauth.account.models import EmailAddress
    from allauth.idp.oidc.models import Client
    from django.contrib.auth import get_user_model

    user = get_user_model().objects.create_user(SUBJECT, email)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    client = Client(
        id=CLIENT,
        name="StudyPortal",
        scopes="openid\nprofile\nemail",
        redirect_uris=redirect_uri,
        skip_consent=True,
    )
    client.set_secret(SECRET)
    client.save()


class Quiet(WSGIRequestHandler):
    def log_message(self, *args) -> None:
        pass


def main(email: str, redirect_uri: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        configure(Path(folder))
        from django.core.management import call_command
        from django.core.wsgi import get_wsgi_application

        call_command("migrate", verbosity=0)
        fill(email, redirect_uri)
        with make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet) as server:
            print(server.server_port, flush=True)
            server.serve_forever()


if __name__ == "__main__":
    sys.modules["tests.portal.oidc_provider"] = sys.modules["__main__"]
    main(*sys.argv[1:])
