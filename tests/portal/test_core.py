"""The ground floor: moves, history, audit trail, files, clock."""

import threading
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction

from studyportal.core import clock, storage
from studyportal.core.database.scope import over_every_site
from studyportal.core.errors import Refused, StaleState
from studyportal.core.models import AuditEvent, StatusChange, User
from studyportal.core.selectors import acts_on, history_of, user_named
from studyportal.core.services import advance, begin, record
from studyportal.core.states import Machine, machine
from studyportal.sites.models import Site
from studyportal.sites.states import SITE, SiteStatus


def a_site(status: SiteStatus = SiteStatus.PLANNED) -> Site:
    return Site.objects.create(
        code="TST", name="T", name_zh="测", city="C", province="P", target=1, status=status
    )


class Light(StrEnum):
    RED = "red"
    GREEN = "green"


# advance


@pytest.mark.django_db
def test_an_allowed_move_changes_the_row_in_memory_and_in_the_database():
    row = a_site()
    advance(row, SITE, SiteStatus.RECRUITING, by=None, city="Ningbo")

    assert (row.status, row.city) == (SiteStatus.RECRUITING, "Ningbo")
    assert Site.objects.filter(pk=row.pk, status="recruiting", city="Ningbo").exists()


@pytest.mark.django_db
def test_a_move_that_the_table_does_not_allow_is_refused_in_words_and_changes_nothing():
    row = a_site()
    with pytest.raises(Refused, match="A site that is planned cannot become closed"):
        advance(row, SITE, SiteStatus.CLOSED, by=None)

    assert Site.objects.get(pk=row.pk).status == SiteStatus.PLANNED
    assert not StatusChange.objects.exists()


@pytest.mark.django_db
def test_nothing_leaves_a_terminal_status():
    row = a_site(SiteStatus.CLOSED)
    for target in SiteStatus:
        with pytest.raises(Refused):
            advance(row, SITE, target, by=None)


@pytest.mark.django_db
def test_a_row_that_was_read_before_somebody_else_moved_it_is_stale():
    a_site()
    mine, theirs = Site.objects.get(code="TST"), Site.objects.get(code="TST")
    advance(theirs, SITE, SiteStatus.RECRUITING, by=None)
    with pytest.raises(StaleState, match="changed in the meantime"):
        advance(mine, SITE, SiteStatus.RECRUITING, by=None)

    assert StatusChange.objects.filter(object_id=mine.pk).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_move_the_same_row_at_once_exactly_one_is_refused():
    a_site()
    read, outcomes = threading.Barrier(2), []

    @over_every_site("a worker beside the test")
    def mover():
        row = Site.objects.get(code="TST")
        read.wait()
        try:
            advance(row, SITE, SiteStatus.RECRUITING, by=None)
            outcomes.append("moved")
        except StaleState:
            outcomes.append("stale")
        finally:
            connection.close()

    threads = [threading.Thread(target=mover) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["moved", "stale"]
    assert StatusChange.objects.filter(target="recruiting").count() == 1


# history and trail


@pytest.mark.django_db
def test_every_move_is_one_row_of_history_with_who_when_and_why():
    by, row = User.objects.create_user("mover"), a_site()
    moment = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    with time_machine.travel(moment, tick=False):
        begin(row, SITE, by=by)
        advance(row, SITE, SiteStatus.RECRUITING, by=by, reason="contract signed")

    rows = history_of("site", row.pk).values_list("origin", "target", "by", "reason", "at")
    assert list(rows) == [
        ("", "planned", by.pk, "", moment),
        ("planned", "recruiting", by.pk, "contract signed", moment),
    ]


@pytest.mark.django_db
def test_an_act_is_kept_with_who_what_where_and_why():
    by, row = User.objects.create_user("actor"), a_site()
    record("open_site", row, "Site TST was opened.", by=by, site_code="TST", reason="start")

    act = acts_on("site", row.pk).get()
    assert (act.by, act.verb, act.site_code, act.reason) == (by, "open_site", "TST", "start")
    assert str(act) == "Site TST was opened."


@pytest.mark.django_db
def test_history_and_trail_vanish_with_a_transaction_that_fails():
    row = a_site()
    with transaction.atomic():
        advance(row, SITE, SiteStatus.RECRUITING, by=None)
        record("open_site", row, "Site TST was opened.", by=None)
        transaction.set_rollback(True)

    assert not StatusChange.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["core_auditevent", "core_statuschange"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET reason = 'x'", "DELETE FROM {}", "TRUNCATE {}"],
    ids=["update", "delete", "truncate"],
)
def test_the_database_itself_refuses_to_change_or_empty_the_trail(table, statement):
    row = a_site()
    begin(row, SITE, by=None)
    record("open_site", row, "Site TST was opened.", by=None)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # foreign keys must not speak first
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            cursor.execute(statement.format(table))

    assert StatusChange.objects.count() == AuditEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_triggers_stand_again_after_the_test_database_was_emptied(request):
    from django.core.management import call_command

    record("open_site", a_site(), "Site TST was opened.", by=None)
    call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=True)
    record("open_site", a_site(), "Site TST was opened.", by=None)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        AuditEvent.objects.all().delete()


# machines


def test_a_machine_without_a_row_for_a_status_cannot_be_built():
    with pytest.raises(ValueError, match="green"):
        Machine(name="light", statuses=Light, initial=Light.RED, moves={Light.RED: frozenset()})


def test_a_machine_with_a_word_that_is_no_status_cannot_be_built():
    with pytest.raises(ValueError, match="amber"):
        machine("light", Light, Light.RED, red="amber", green="")


def test_a_diagram_shows_start_moves_and_end():
    drawn = machine("light", Light, Light.RED, red="green", green="").diagram()
    assert drawn == "stateDiagram-v2\n    [*] --> red\n    red --> green\n    green --> [*]\n"


# files


@pytest.fixture
def archive(settings, tmp_path) -> Path:
    settings.ARCHIVE_DIR = tmp_path / "archive"
    return settings.ARCHIVE_DIR


def test_stored_bytes_come_back_and_lie_under_their_digest(archive):
    stored = storage.store_bytes(b"content")

    assert storage.read_bytes(stored.sha256) == b"content"
    assert storage.path_of(stored.sha256).name == storage.digest_of(storage.path_of(stored.sha256))
    assert stored.size == 7


def test_the_same_bytes_twice_are_one_file_that_is_not_written_again(archive):
    first = storage.store_bytes(b"content")
    before = storage.path_of(first.sha256).stat()
    second = storage.store_bytes(b"content")
    after = storage.path_of(first.sha256).stat()

    assert first == second
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert len([path for path in archive.rglob("*") if path.is_file()]) == 1


def test_a_stored_file_is_not_writable(archive):
    stored = storage.store_bytes(b"content")
    assert storage.path_of(stored.sha256).stat().st_mode & 0o222 == 0


def test_a_file_and_its_bytes_are_stored_alike_and_the_source_stays(archive, tmp_path):
    source = tmp_path / "slice.dcm"
    source.write_bytes(b"content")

    assert storage.store_file(source) == storage.store_bytes(b"content")
    assert source.exists()


@pytest.mark.parametrize("damage", [b"contenT", b"", b"content and more"])
def test_a_damaged_file_is_never_returned(archive, damage):
    path = storage.path_of(storage.store_bytes(b"content").sha256)
    path.chmod(0o600)
    path.write_bytes(damage)
    with pytest.raises(storage.DamagedFile, match="digest changed"):
        storage.read_bytes(path.name)


def test_a_missing_file_is_named_by_its_digest(archive):
    path = storage.path_of(storage.store_bytes(b"content").sha256)
    path.unlink()
    with pytest.raises(storage.DamagedFile, match=rf"{path.name[:12]}… is missing"):
        storage.read_bytes(path.name)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 65])
def test_only_a_digest_names_a_file(archive, name):
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        storage.path_of(name)


def test_a_write_that_fails_leaves_no_piece_behind(archive, monkeypatch):
    def broken(_descriptor):
        raise OSError("disk full")

    monkeypatch.setattr(storage.os, "fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        storage.store_bytes(b"content")

    assert not [path for path in archive.rglob("*") if path.is_file()]


# clock and people


def test_the_clock_is_aware_and_today_is_the_study_s_day():
    with time_machine.travel(datetime(2026, 1, 31, 17, 0, tzinfo=UTC), tick=False):
        assert clock.now() == datetime(2026, 1, 31, 17, 0, tzinfo=UTC)
        assert clock.today().isoformat() == "2026-02-01"  # Shanghai is eight hours ahead


@pytest.mark.django_db
def test_a_person_who_left_is_not_found():
    User.objects.create_user("gone", is_active=False)
    assert user_named("gone") is None
