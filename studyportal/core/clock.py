"""The only place that reads the time, so that tests can stop it and rules can stay pure."""

from datetime import date, datetime

from django.utils import timezone


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return timezone.now()  # noqa: TID251 the one permitted call


def today() -> date:
    """Return today's date in the study's time zone."""
    return timezone.localdate()
