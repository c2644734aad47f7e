"""What the portal asks of its database and its broker, run against the embedded and against Debian's servers."""

import uuid
from contextlib import closing

import pytest
from django.conf import settings
from django.db import connection
from kombu import Connection, Exchange, Queue

from studyportal.core.database.owner import as_owner
from studyportal.core.database.roles import ROLES


@pytest.mark.django_db
def test_the_database_is_a_postgresql_that_stores_every_script() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int, %s::text", ["肺癌 – é"])
        version, text = cursor.fetchone()

    assert version >= 150000
    assert text == "肺癌 – é"


@pytest.mark.django_db(transaction=True)
def test_a_locked_row_is_skipped_and_not_waited_for() -> None:
    with as_owner(connection), connection.cursor() as owner:
        owner.execute("CREATE TABLE claimed (id int)")
        owner.execute("INSERT INTO claimed VALUES (1), (2)")
        owner.execute(f"GRANT SELECT, UPDATE ON claimed TO {', '.join(ROLES)}")
    one, other = connection.copy(), connection.copy()
    with closing(one), closing(other), one.cursor() as mine, other.cursor() as theirs:
        try:
            mine.execute("BEGIN")
            mine.execute("SELECT id FROM claimed ORDER BY id LIMIT 1 FOR UPDATE")
            theirs.execute("SELECT id FROM claimed ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED")
            assert theirs.fetchone() == (2,)
        finally:
            mine.execute("ROLLBACK")
    with as_owner(connection), connection.cursor() as owner:
        owner.execute("DROP TABLE claimed")


def test_a_message_that_is_sent_to_the_broker_comes_back_whole() -> None:
    name = f"test-{uuid.uuid4()}"
    queue = Queue(name, Exchange(name, type="direct"), routing_key=name, auto_delete=True)

    with Connection(settings.CELERY_BROKER_URL, connect_timeout=5) as broker:
        with broker.SimpleQueue(queue) as line:
            line.put({"job": 7, "words": "肺"}, serializer="json")
            message = line.get(timeout=10)
            message.ack()
        queue.bind(broker.default_channel).delete()

    assert message.payload == {"job": 7, "words": "肺"}
