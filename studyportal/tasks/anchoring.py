"""The end of the audit chain, kept and mailed every day: the witness outside the database."""

import logging
from smtplib import SMTPException

from django.core.mail import send_mail

from studyportal.core import clock
from studyportal.core.anchors import anchor_text, keep_anchor
from studyportal.core.chain import Anchor
from studyportal.sites.selectors import investigators
from studyportal.tasks.dispatch import portal_task

_log = logging.getLogger(__name__)
_TEXT = """This is the end of the study's audit trail. Keep this message: it proves later that nothing
before this moment was changed or cut off. Whoever keeps the system compares it with

    manage.py verify_audit --link {number} --sha256 {sha256}

{facts}"""


@portal_task(over_every_site="there is one chain for the whole study")
def anchor_chain() -> None:
    """Safe to run twice: each run keeps a file of its own."""
    anchor, _ = keep_anchor(moment=clock.now())
    mail_anchor(anchor)


def mail_anchor(anchor: Anchor) -> int:
    """How many principal investigators were written to; the message holds no data of participants."""
    addresses = [person.email for person in investigators() if person.email]
    text = _TEXT.format(number=anchor.number, sha256=anchor.sha256, facts=anchor_text(anchor))
    subject = f"StudyPortal: audit trail of {anchor.at:%Y-%m-%d}, link {anchor.number}"
    sent = 0
    for address in addresses:
        try:
            sent += send_mail(subject, text, None, [address])
        except (OSError, SMTPException) as error:
            _log.warning("an anchor of the audit trail was not mailed (%s)", type(error).__name__)
    return sent
