"""Mails about accounts. They carry a link and nothing of the study's data."""

import logging
from smtplib import SMTPException

from django.core.mail import send_mail
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from studyportal.sites.services import Invited

_log = logging.getLogger(__name__)


def send_invitation(request: HttpRequest, invited: Invited) -> bool:
    """Whether the mail server took the invitation."""
    invitation = invited.invitation
    address = request.build_absolute_uri(reverse("web:invitation", args=[invited.token]))
    text = render_to_string(
        "web/mail/invitation.txt", {"invitation": invitation, "address": address}, request
    )
    try:
        send_mail(_("Invitation to StudyPortal"), text, None, [invitation.email])
    except (SMTPException, OSError) as fault:
        _log.warning("invitation %s was not sent: %s", invitation.pk, type(fault).__name__)
        return False
    return True
