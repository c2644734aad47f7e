"""A client of somebody who has just shown who they are, as after signing in by hand."""

import time

from django.test import Client

from studyportal.core.models import User


def signed_in(user: User, client: Client | None = None) -> Client:
    """Return the client, signed in with a proof of now, which exports and acts on accounts ask for."""
    client = client or Client()
    client.force_login(user)
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time(), "reauthenticated": True}
    ]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client
