"""A commit of the portal gives the head of the chain free before the flush, and returns after it."""

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from studyportal.core.chain import verify
from studyportal.core.clock import now
from studyportal.core.database.base import COMMIT_AND_FLUSH, FLUSH
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)


def setting(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true)", [name])
        return cursor.fetchone()[0]


def sealed_before(monkeypatch, statement):
    """What the seal left for the flush when a person was kept and this was sent at the end."""
    monkeypatch.setattr("studyportal.core.database.base.COMMIT_AND_FLUSH", statement)
    with transaction.atomic():
        make.UserFactory(password=make_password(None))
    return setting("studyportal.unflushed")


def test_a_seal_leaves_the_flush_to_the_statement_behind_the_commit(monkeypatch):
    assert sealed_before(monkeypatch, COMMIT_AND_FLUSH.removesuffix(FLUSH)) == "on"
    with connection.cursor() as cursor:
        cursor.execute(FLUSH)
        assert cursor.rowcount == 1
    assert setting("studyportal.unflushed") == ""


def test_nothing_is_left_to_flush_when_a_transaction_has_ended(monkeypatch):
    assert sealed_before(monkeypatch, COMMIT_AND_FLUSH) == ""
    assert verify(moment=now()).sound


def test_a_commit_that_says_nothing_flushes_by_itself(monkeypatch):
    assert sealed_before(monkeypatch, "COMMIT") in ("", None)


def test_a_transaction_that_only_reads_asks_for_no_flush():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_user")
    with connection.cursor() as cursor:
        cursor.execute(FLUSH)
        assert cursor.rowcount == 0


def test_work_that_waits_for_the_commit_comes_after_the_flush():
    seen = []
    with transaction.atomic():
        make.UserFactory(password=make_password(None))
        transaction.on_commit(lambda: seen.append(setting("studyportal.unflushed")))
    assert seen == [""]


def test_a_transaction_that_the_database_gave_up_is_not_kept():
    before = setting("studyportal.unflushed")
    with pytest.raises(RuntimeError), transaction.atomic():
        make.UserFactory(password=make_password(None))
        raise RuntimeError
    assert setting("studyportal.unflushed") == before
