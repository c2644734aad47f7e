"""E-mails of the portal: counts and an address, nothing of any participant."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail

from studyportal.core import clock
from studyportal.core.services import claim_digest, return_digest
from studyportal.dashboards.digests import digest_text, due_digests
from studyportal.tasks.dispatch import portal_task

_log = logging.getLogger(__name__)


@portal_task(over_every_site="each person is written to about their own sites, by their own rights")
def send_digests() -> None:
    """Idempotent: who was written to today is not written to again; whom the mail server refused is tried next time."""
    today = clock.today()
    for user, waiting in due_digests(today=today):
        if not claim_digest(user, today=today):
            continue
        subject, text = digest_text(user, waiting, address=settings.PORTAL_ADDRESS)
        try:
            send_mail(subject, text, None, [user.email])
        except (SMTPException, OSError) as error:
            return_digest(user)
            _log.warning("no digest for person %s: %s", user.pk, type(error).__name__)
