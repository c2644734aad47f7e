"""The e-mail of the morning: to whom, how often, and that it names nobody."""

from datetime import date, datetime
from smtplib import SMTPServerDisconnected

import pytest
import time_machine
from django.core import mail

from studyportal.core.errors import Refused
from studyportal.core.services import choose_digest
from studyportal.dashboards.digests import Waiting, waiting_of
from studyportal.protocol.models import ProtocolVersion
from studyportal.protocol.states import ProtocolVersionStatus
from studyportal.sites.rules import Role
from studyportal.tasks.mails import send_digests
from tests import factories as make
from tests.portal.scenes import person, site
from tests.portal.web_study import enrolled

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("study")]
MONDAY, TUESDAY = "2026-03-02 08:10+08:00", "2026-03-03 08:10+08:00"


def coordinator(**changes):
    hospital, user = site("SPH"), person(Role.COORDINATOR)
    user.email = "coordinator@hospital.example"
    for name, value in changes.items():
        setattr(user, name, value)
    user.save()
    return user, hospital


def asked(hospital, day: str):
    return make.DataQueryFactory(site=hospital, opened_at=datetime.fromisoformat(day))


def test_who_is_asked_something_is_written_to_once_a_day_without_any_code():
    _, hospital = coordinator()
    asked(hospital, "2026-02-01 10:00+08:00")
    asked(hospital, "2026-03-01 10:00+08:00")
    with time_machine.travel(TUESDAY, tick=False):
        send_digests()
        send_digests()

    (sent,) = mail.outbox
    assert sent.to == ["coordinator@hospital.example"]
    assert "2 data queries wait for you. 1 of them stands longer than 14 days." in sent.body
    assert "SPH-0" not in sent.subject + sent.body  # the code of every participant begins so


def test_a_participant_whose_next_step_is_mine_is_counted():
    enrolled(site("SPH"), person(Role.COORDINATOR))

    assert waiting_of(person(Role.COORDINATOR), today=date(2026, 3, 2)) == Waiting(1, 0, 0)
    assert waiting_of(person(Role.COORDINATOR, at="SEH"), today=date(2026, 3, 2)).participants == 0


@pytest.mark.parametrize(
    ("changes", "day", "letters"),
    [
        ({"digest": "weekly"}, MONDAY, 1),
        ({"digest": "weekly"}, TUESDAY, 0),
        ({"digest": "never"}, MONDAY, 0),
        ({"email": ""}, MONDAY, 0),
        ({"is_active": False}, MONDAY, 0),
    ],
)
def test_people_are_written_to_as_often_as_they_chose(changes, day, letters):
    _, hospital = coordinator(**changes)
    asked(hospital, "2026-02-01 10:00+08:00")
    with time_machine.travel(day, tick=False):
        send_digests()

    assert len(mail.outbox) == letters


def test_nobody_is_written_to_about_nothing():
    coordinator()
    with time_machine.travel(MONDAY, tick=False):
        send_digests()

    assert mail.outbox == []


def test_whom_the_mail_server_refuses_is_tried_again(monkeypatch):
    _, hospital = coordinator()
    asked(hospital, "2026-02-01 10:00+08:00")

    def refused(*_args, **_rest):
        raise SMTPServerDisconnected

    with time_machine.travel(MONDAY, tick=False):
        with monkeypatch.context() as broken:
            broken.setattr("studyportal.tasks.mails.send_mail", refused)
            send_digests()
        assert mail.outbox == []
        send_digests()

    assert len(mail.outbox) == 1


def test_before_a_protocol_is_in_force_nobody_is_written_to():
    _, hospital = coordinator()
    asked(hospital, "2026-02-01 10:00+08:00")
    ProtocolVersion.objects.update(status=ProtocolVersionStatus.SUPERSEDED)
    send_digests()

    assert mail.outbox == []


def test_only_the_known_rhythms_can_be_chosen():
    user, _ = coordinator()
    choose_digest(digest="never", by=user)
    user.refresh_from_db()
    assert user.digest == "never"
    with pytest.raises(Refused, match="Mondays"):
        choose_digest(digest="hourly", by=user)
