"""How the installation is: each part with what was seen of it just now."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from kombu.exceptions import OperationalError

from studyportal.core import clock
from studyportal.core.anchors import last_anchor
from studyportal.core.chain import head
from studyportal.imaging.selectors import stored_bytes
from studyportal.syntheses.selectors import synthetic_bytes
from studyportal.tasks.dispatch import app
from studyportal.web.templatetags.portal import megabytes

WELL, POOR, DOWN = "well", "poor", "down"
_DISK_POOR, _DISK_DOWN = 0.10, 0.02
_ANCHOR_OLD = timedelta(days=2)


@dataclass(frozen=True)
class Part:
    """One part of the installation and how it is."""

    name: str | Promise
    state: str
    seen: str


def health() -> list[Part]:
    """Every part but the workers, asked now."""
    parts: list[tuple[str | Promise, Callable[[], tuple[str, str]]]] = [
        (gettext_lazy("Database"), _database),
        (gettext_lazy("Broker"), _broker),
        (gettext_lazy("Disk"), _disk),
        (gettext_lazy("Archive"), _archive),
        (gettext_lazy("Audit trail"), _trail),
    ]
    return [Part(name, *ask()) for name, ask in parts]


def workers() -> Part:
    """The workers, asked now: nobody knows how many there are, so all of a second is waited for them."""
    return Part(gettext_lazy("Workers"), *_workers())


def _database() -> tuple[str, str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('server_version'), rolname, rolsuper OR rolbypassrls "
                "FROM pg_roles WHERE rolname = session_user"
            )
            version, role, passes = cursor.fetchone()
    except DatabaseError as error:
        return DOWN, _("does not answer (%(error)s)") % {"error": type(error).__name__}
    if passes:
        return POOR, _("the portal signs in as %(role)s, who could pass the wall between sites") % {
            "role": role
        }
    return WELL, _("PostgreSQL %(version)s answers") % {"version": version}


def _broker() -> tuple[str, str]:
    if not settings.CELERY_BROKER_URL:
        return DOWN, _("none is named: jobs wait until a broker and workers are started")
    try:
        with app.connection_for_read(connect_timeout=1) as link:
            link.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    except (OperationalError, OSError) as error:
        return DOWN, _("does not answer (%(error)s)") % {"error": type(error).__name__}
    return WELL, _("answers")


def _workers() -> tuple[str, str]:
    if not settings.CELERY_BROKER_URL:
        return DOWN, _("cannot be asked without a broker")
    try:
        # A connection of its own: one of the pool would go back while it still listens for answers, and a process
        # that is forked from this one later waits for them without end.
        with app.connection_for_read(connect_timeout=1) as link:
            queues = app.control.inspect(timeout=1.0, connection=link).active_queues() or {}
    except (OperationalError, OSError) as error:
        return DOWN, _("cannot be asked (%(error)s)") % {"error": type(error).__name__}
    served = {queue["name"] for every in queues.values() for queue in every}
    missing = sorted({"intake", "cpu", "gpu"} - served)
    seen = ngettext("%(n)s worker answers", "%(n)s workers answer", len(queues)) % {
        "n": len(queues)
    }
    if not queues:
        return DOWN, _("no worker answers")
    if missing:
        return POOR, _("%(seen)s; nobody serves %(queues)s") % {
            "seen": seen,
            "queues": ", ".join(missing),
        }
    return WELL, seen


def _disk() -> tuple[str, str]:
    folder = Path(settings.VAR_DIR)
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    share = usage.free / usage.total
    state = DOWN if share < _DISK_DOWN else POOR if share < _DISK_POOR else WELL
    return state, _("%(free)s of %(total)s free") % {
        "free": megabytes(usage.free),
        "total": megabytes(usage.total),
    }


def _trail() -> tuple[str, str]:
    """Whether somebody keeps the end of the chain outside the database, as happens every night."""
    end, kept = head(clock.now()), last_anchor()
    if kept is None:
        state = POOR if end.number else WELL
        return state, _("ends with link %(n)s; no anchor was kept yet") % {"n": end.number}
    state = WELL if clock.now() - kept.at < _ANCHOR_OLD else POOR
    return state, _("ends with link %(n)s; last anchor of %(day)s") % {
        "n": end.number,
        "day": f"{kept.at:%Y-%m-%d}",
    }


def _archive() -> tuple[str, str]:
    return WELL, _("%(images)s of images, %(synthetic)s of synthetic PET") % {
        "images": megabytes(stored_bytes()),
        "synthetic": megabytes(synthetic_bytes()),
    }
