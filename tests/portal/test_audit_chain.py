"""Row 22 of the acceptance table: whatever is done to the trail behind the portal's back is found and named."""
# ruff: noqa: S608 (tables of our own models)

import json
from datetime import UTC, datetime

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from studyportal.core.anchors import keep_anchor, read_anchors
from studyportal.core.audit_context import because
from studyportal.core.chain import head, verify
from studyportal.core.errors import Refused
from studyportal.core.models import AuditEvent, ChainHead, ChainLink, Redaction, TrailEntry
from studyportal.core.redaction import REDACTED, redact
from studyportal.core.tracking import event_model_of
from studyportal.participants.models import Consent
from studyportal.sites.rules import Role
from studyportal.tasks.anchoring import anchor_chain
from tests import factories as make
from tests.factories.sites import person

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
EVENTS = event_model_of(Consent)._meta.db_table


def run(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)


def sealed():
    """End the link of this transaction as a commit would."""
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("SET CONSTRAINTS ALL DEFERRED")


@pytest.fixture
def consents():
    """Three consents, each in a link of its own, and the links."""
    rows = []
    participant = make.ParticipantFactory()
    sealed()
    for number in range(3):
        rows.append(make.ConsentFactory(participant=participant, version=f"{number}.0"))
        sealed()
    return rows


def behind_the_back(sql, *params):
    """As a superuser who switches the triggers off would do it."""
    run("SET LOCAL session_replication_role = replica")
    run(sql, *params)
    run("SET LOCAL session_replication_role = origin")


def event_of(consent):
    return event_model_of(Consent).objects.get(pgh_obj_id=consent.pk)


def first_fault(**options):
    found = verify(moment=NOW, **options)
    assert not found.sound
    return found.faults[0]


def test_a_trail_that_nobody_touched_is_sound(consents):
    found = verify(moment=NOW)
    assert found.faults == []
    assert found.links == ChainLink.objects.count() >= 4
    assert found.events == TrailEntry.objects.count()
    assert found.head == head(NOW)


def test_a_transaction_is_one_link_that_follows_the_one_before(consents):
    last, before = ChainLink.objects.order_by("-number")[:2]
    assert last.number == before.number + 1
    assert last.previous_sha256 == before.sha256
    assert last.entries == 1
    assert ChainHead.objects.get().sha256 == last.sha256


def test_what_a_savepoint_took_back_leaves_no_gap(consents):
    participant = consents[0].participant
    make.ConsentFactory(participant=participant, version="before")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        make.ConsentFactory(participant=participant, version="undone")
        raise ZeroDivisionError
    make.ConsentFactory(participant=participant, version="after")
    sealed()
    assert verify(moment=NOW).faults == []
    assert ChainLink.objects.order_by("-number")[0].entries == 2


def test_an_edited_event_is_named(consents):
    event = event_of(consents[1])
    behind_the_back(f"UPDATE {EVENTS} SET version = '8.8' WHERE pgh_id = %s", event.pk)
    fault = first_fault()
    assert fault.event == f"{EVENTS} {event.pk}"
    assert fault.sentence.endswith("was changed.")


def test_an_event_that_was_taken_away_is_named(consents):
    event = event_of(consents[1])
    behind_the_back(f"DELETE FROM {EVENTS} WHERE pgh_id = %s", event.pk)
    assert first_fault().event == f"{EVENTS} {event.pk}"


def test_an_entry_that_was_taken_away_with_its_event_is_missed_in_its_link(consents):
    event = event_of(consents[1])
    entry = TrailEntry.objects.get(source=EVENTS, event_id=event.pk)
    behind_the_back("DELETE FROM core_trailentry WHERE id = %s", entry.pk)
    behind_the_back(f"DELETE FROM {EVENTS} WHERE pgh_id = %s", event.pk)
    fault = first_fault()
    assert fault.link == ChainLink.objects.get(pk=entry.link).number
    assert "Event 1 of 1" in fault.sentence


def test_a_link_that_was_taken_out_is_named(consents):
    link = ChainLink.objects.order_by("-number")[1]
    behind_the_back("DELETE FROM core_chainlink WHERE id = %s", str(link.pk))
    assert first_fault().sentence == f"Link {link.number} of the chain is missing."


def test_links_in_another_order_are_named(consents):
    first, second = reversed(ChainLink.objects.order_by("-number")[:2])
    for number, link in ((-1, first), (first.number, second), (second.number, first)):
        behind_the_back("UPDATE core_chainlink SET number = %s WHERE id = %s", number, str(link.pk))
    assert first_fault().link == first.number


def test_an_event_that_was_slipped_in_is_named(consents):
    behind_the_back(
        f"INSERT INTO {EVENTS} (pgh_created_at, pgh_label, pgh_obj_id, id, participant_id, version, language, signed_on)"
        f" SELECT now(), 'update', pgh_obj_id, id, participant_id, '7.7', language, signed_on FROM {EVENTS} LIMIT 1"
    )
    slipped = event_model_of(Consent).objects.latest("pgh_id")
    assert first_fault().event == f"{EVENTS} {slipped.pk}"


def cut_tail():
    """Take the last link with its entry and event away, and set the head back, as a restored copy would be."""
    link = ChainLink.objects.order_by("-number")[0]
    entry = TrailEntry.objects.get(link=link.pk)
    behind_the_back(f"DELETE FROM {EVENTS} WHERE pgh_id = %s", entry.event_id)
    behind_the_back("DELETE FROM core_trailentry WHERE id = %s", entry.pk)
    behind_the_back("DELETE FROM core_chainlink WHERE id = %s", str(link.pk))
    behind_the_back(
        "UPDATE core_chainhead SET number = %s, sha256 = %s", link.number - 1, link.previous_sha256
    )
    return link


def test_a_cut_tail_is_whole_in_itself_and_shown_by_an_anchor(consents):
    anchor = head(NOW)
    link = cut_tail()
    assert verify(moment=NOW).sound
    fault = first_fault(anchors=[anchor])
    assert fault.link == link.number
    assert "cut off, or an older copy was restored" in fault.sentence


def test_an_older_copy_that_went_on_is_shown_by_an_anchor(consents):
    anchor = head(NOW)
    link = cut_tail()
    make.ConsentFactory(participant=consents[0].participant, version="another")
    sealed()
    assert verify(moment=NOW).sound
    fault = first_fault(anchors=[anchor])
    assert (fault.link, fault.kind) == (link.number, "anchor")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE core_trailentry SET digest = ''",
        "DELETE FROM core_trailentry",
        "UPDATE core_chainlink SET sha256 = ''",
        "DELETE FROM core_chainlink",
        "UPDATE core_chainhead SET number = 1",
        "DELETE FROM core_chainhead",
        "UPDATE core_redaction SET reason = ''",
        "TRUNCATE core_trailentry",
        "TRUNCATE core_chainlink",
    ],
)
def test_the_chain_itself_refuses_every_change(consents, sql):
    make.RedactionFactory()
    sealed()
    with pytest.raises(IntegrityError), transaction.atomic():
        run(sql)


class TestAnchors:
    def test_an_anchor_is_kept_as_a_file_that_cannot_be_written(self, consents, tmp_path):
        anchor, path = keep_anchor(moment=NOW, folder=tmp_path)
        assert read_anchors(tmp_path) == [anchor]
        assert path.stat().st_mode & 0o222 == 0
        with pytest.raises(FileExistsError):
            keep_anchor(moment=NOW, folder=tmp_path)

    def test_a_file_that_is_no_anchor_is_refused(self, tmp_path):
        (tmp_path / "audit-x.json").write_text("{}")
        with pytest.raises(Refused, match="is not an anchor"):
            read_anchors(tmp_path)

    def test_every_day_it_is_kept_and_mailed_to_the_investigators(
        self, consents, settings, tmp_path
    ):
        settings.AUDIT_ANCHOR_DIR = tmp_path
        investigator = person(Role.STUDY_PI)
        type(investigator).objects.filter(pk=investigator.pk).update(email="pi@example.org")
        sealed()
        anchor_chain()
        [message] = mail.outbox
        assert message.to == ["pi@example.org"]
        assert head(NOW).sha256 in message.body
        assert consents[0].participant.code not in message.body
        assert read_anchors(tmp_path)[0].number == head(NOW).number


class TestCommands:
    def test_it_says_that_all_is_sound(self, consents, capsys, settings, tmp_path):
        settings.AUDIT_ANCHOR_DIR = tmp_path
        call_command("audit_anchor")
        call_command("verify_audit")
        assert "All are what they were." in capsys.readouterr().out

    def test_it_fails_and_names_the_first_bad_event(self, consents, settings, tmp_path):
        settings.AUDIT_ANCHOR_DIR = tmp_path
        event = event_of(consents[0])
        behind_the_back(f"UPDATE {EVENTS} SET version = '8.8' WHERE pgh_id = %s", event.pk)
        with pytest.raises(CommandError, match=rf"{EVENTS} {event.pk} was changed"):
            call_command("verify_audit")

    def test_it_answers_a_program_and_takes_a_mailed_anchor(
        self, consents, capsys, settings, tmp_path
    ):
        settings.AUDIT_ANCHOR_DIR = tmp_path
        end = head(NOW)
        call_command("verify_audit", "--json", link=end.number, sha256=end.sha256)
        assert json.loads(capsys.readouterr().out)["sound"] is True
        with pytest.raises(CommandError, match="is not the one that the anchor"):
            call_command("verify_audit", link=end.number, sha256="0" * 64)


class TestRedaction:
    def leaked(self, consent):
        with because("Mr Wang Wei signed again."):
            Consent.objects.filter(pk=consent.pk).update(version="9.9")
        sealed()
        return event_model_of(Consent).objects.get(pgh_obj_id=consent.pk, pgh_label="update")

    def test_a_detail_is_gone_and_the_chain_still_sound(self, consents):
        event, by = self.leaked(consents[0]), make.UserFactory()
        redact(source=EVENTS, event_id=event.pk, field="pgh_context", reason="A name.", by=by)
        redact(source=EVENTS, event_id=event.pk, field="version", reason="A name, too.", by=by)
        sealed()
        event.refresh_from_db()
        assert (event.pgh_context, event.version) == ({"reason": REDACTED}, REDACTED)
        found = verify(moment=NOW)
        assert (found.faults, found.redacted) == ([], 1)

    def test_who_redacted_and_why_is_an_event_itself(self, consents):
        event, by = self.leaked(consents[0]), make.UserFactory()
        redact(source=EVENTS, event_id=event.pk, field="pgh_context", reason="A name.", by=by)
        entry = TrailEntry.objects.get(label="redaction")
        assert (entry.user_id, entry.participant_id) == (by.pk, consents[0].participant_id)
        assert Redaction.objects.get().reason == "A name."

    def test_the_sentence_of_an_act_can_be_redacted(self):
        act = make.AuditEventFactory(sentence="Wang Wei was screened.")
        sealed()
        redact(source="core_auditevent", event_id=act.pk, field="sentence", reason="x", by=act.by)
        sealed()
        assert AuditEvent.objects.get(pk=act.pk).sentence == REDACTED
        assert verify(moment=NOW).sound

    @pytest.mark.parametrize(
        "change",
        [
            {"source": "core_user"},
            {"event_id": 10**9},
            {"field": "nonsense"},
            {"field": "pgh_created_at"},
            {"field": "participant_id"},
            {"field": "signed_on"},
            {"field": "withdrawn_on"},
            {"reason": " "},
        ],
        ids=str,
    )
    def test_what_cannot_be_redacted_is_refused(self, consents, change):
        event = event_of(consents[0])
        arguments = {
            "source": EVENTS,
            "event_id": event.pk,
            "field": "version",
            "reason": "A name.",
        }
        with pytest.raises(Refused):
            redact(**arguments | change, by=make.UserFactory())

    def test_the_command_asks_for_a_right(self, consents):
        event, reader = event_of(consents[0]), person(Role.READER)
        arguments = ("redact_audit", EVENTS, str(event.pk), "--field=version", "--reason=x")
        with pytest.raises(CommandError, match="Your roles do not let you"):
            call_command(*arguments, f"--by={reader.username}")
        call_command(*arguments, f"--by={person(Role.STUDY_PI).username}")
        assert event_of(consents[0]).version == REDACTED
