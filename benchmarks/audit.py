"""What the audit trail costs, carries and finds: `python benchmarks/audit.py [--writers 8] [--events 30000]`.

It works in a PostgreSQL of its own that keeps every commit on disk, in a folder that is deleted at the end:
1. one writer, with the triggers and without, row by row and in bulk;
2. many writers at once, each transaction with a lock on a site and rows that point to it;
3. an open transaction beside them;
4. the verifier over all of it, and five kinds of tampering.
"""

# ruff: noqa: PLC0415, S608 the portal is imported once its database is named; the tables are our own
import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
INSERT = (
    "INSERT INTO clinical_lesion (id, participant_id, number)"
    " SELECT gen_random_uuid(), %s, n FROM generate_series(%s::int, %s::int) n"
)
TABLE = "clinical_lesionevent"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--writers", type=int, default=8)
    asked.add_argument("--events", type=int, default=30_000, help="of each writer")
    asked.add_argument("--each", type=int, default=10, help="events of one transaction")
    options = asked.parse_args()
    from studyportal.config import embedded
    from studyportal.core.database.scope import over_every_site

    with tempfile.TemporaryDirectory(prefix="studyportal-audit-") as folder:
        os.environ["STUDYPORTAL_VAR"] = folder
        os.environ |= embedded.ensure_database(Path(folder))
        os.environ.setdefault("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
        os.environ["DJANGO_SETTINGS_MODULE"] = "studyportal.config.settings"
        try:
            with over_every_site("a benchmark sees the whole study"):
                _run(options)
        finally:
            embedded.release_database(Path(folder))


def _run(options: argparse.Namespace) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from studyportal.core.database.owner import as_owner

    began = time.perf_counter()
    call_command("migrate", verbosity=0)
    print(f"migrated in {time.perf_counter() - began:.1f} s")
    participants = _participants(options.writers)
    _one_writer(participants[0])
    _beside_an_open_transaction(participants[0])
    for each in (1, options.each, 100):
        share = options.events if each == options.each else max(each, options.events // 10)
        _many_writers(participants, share, each)
    _verify()
    with as_owner(connection):
        _tamper()


def _participants(count: int) -> list[str]:
    from django.db import transaction

    from tests import factories as make

    with transaction.atomic():
        site = make.SiteFactory(code="SPH")
        return [str(make.ParticipantFactory(site=site).pk) for _ in range(count)]


def _connect(**options: object) -> psycopg.Connection:
    """As a superuser, who passes the wall between sites and can switch triggers off."""
    return psycopg.connect(os.environ["DATABASE_OWNER_URL"], **options)


def _one_writer(participant: str) -> None:
    for words, role in (("without triggers", "replica"), ("with the trail", "origin")):
        with _connect(autocommit=True) as connection:
            connection.execute(f"SET session_replication_role = {role}")
            with connection.transaction():
                began = time.perf_counter()
                for _ in range(2000):
                    connection.execute(
                        "INSERT INTO clinical_lesion (id, participant_id, number) VALUES (%s, %s, %s)",
                        (uuid.uuid4(), participant, _next()),
                    )
                inside = time.perf_counter()
            rows = 1e6 * (inside - began) / 2000
            seal = 1000 * (time.perf_counter() - inside)
            with connection.transaction():
                began = time.perf_counter()
                first = _next(10_000)
                connection.execute(INSERT, (participant, first, first + 9999))
                inside = time.perf_counter()
            bulk = 1e6 * (inside - began) / 10_000
            ended = 1000 * (time.perf_counter() - inside)
        print(
            f"{words}: {rows:.0f} us a row of 2,000 (commit {seal:.0f} ms), "
            f"{bulk:.0f} us a row of 10,000 in one statement (commit {ended:.0f} ms)"
        )


_numbers = [0]


def _next(count: int = 1) -> int:
    # Numbers of lesions are unique for a participant and end at 32,767.
    if _numbers[0] + count > 32_000:
        with _connect(autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute("DELETE FROM clinical_lesion")
        _numbers[0] = 0
    first = _numbers[0] + 1
    _numbers[0] += count
    return first


def _beside_an_open_transaction(participant: str) -> None:
    """Somebody enters for minutes; nobody else waits for them."""
    with _connect() as slow, _connect(autocommit=True) as quick:
        slow.execute(INSERT, (participant, _next(), _numbers[0]))
        taken = []
        for _ in range(200):
            number = _next()
            began = time.perf_counter()
            quick.execute(INSERT, (participant, number, number))
            taken.append(1000 * (time.perf_counter() - began))
        slow.commit()
    print(
        f"beside an open transaction: median {statistics.median(taken):.1f} ms, slowest {max(taken):.1f} ms"
    )


def _many_writers(participants: list[str], share: int, each: int) -> None:
    before = _count()
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(len(participants) + 1), context.Queue()
    writers = [
        context.Process(target=_write, args=(key, (share, each), barrier, results))
        for key in participants
    ]
    for writer in writers:
        writer.start()
    barrier.wait()
    began = time.perf_counter()
    answers = [results.get() for _ in writers]
    taken = time.perf_counter() - began
    for writer in writers:
        writer.join()
    events = _count() - before
    waits = sorted(wait for _, waits in answers for wait in waits)
    print(
        f"{len(writers)} writers, {each} events a transaction: {events} events in {taken:.1f} s, "
        f"{events / taken:.0f} a second; commit median {waits[len(waits) // 2]:.1f} ms, "
        f"95 % {waits[int(0.95 * len(waits))]:.1f} ms; {sum(lost for lost, _ in answers)} deadlocks"
    )


def _write(participant, share_of_each, barrier, results) -> None:
    from studyportal.core.database.base import COMMIT_AND_FLUSH

    (share, each), lost, waits = share_of_each, 0, []
    with _connect() as connection:
        barrier.wait()
        for _ in range(share // each):
            try:
                # A row that others point to is locked first or last, as services do.
                if each > 1:
                    connection.execute(
                        "SELECT FROM participants_participant WHERE id = %s FOR UPDATE",
                        (participant,),
                    )
                connection.execute(
                    "INSERT INTO imaging_imagingstudy (id, participant_id, study_uid)"
                    " SELECT gen_random_uuid(), %s, '2.25.' || gen_random_uuid() FROM generate_series(1, %s::int)",
                    (participant, each),
                )
                began = time.perf_counter()
                connection.execute(COMMIT_AND_FLUSH)  # as the portal's connection does
                waits.append(1000 * (time.perf_counter() - began))
            except psycopg.errors.DeadlockDetected:
                connection.rollback()
                lost += 1
    results.put((lost, waits))


def _count() -> int:
    with _connect(autocommit=True) as connection:
        return connection.execute("SELECT count(*) FROM core_trailentry").fetchone()[0]


def _verify() -> None:
    from studyportal.core import clock
    from studyportal.core.chain import verify

    began = time.perf_counter()
    found = verify(moment=clock.now())
    taken = time.perf_counter() - began
    print(
        f"verified {found.events} events in {found.links} links in {taken:.1f} s: "
        f"{found.fault_count} faults"
    )
    for fault in found.faults[:3]:
        print(f"  {fault.sentence}")


def _tamper() -> None:
    """Each kind of tampering is done in a transaction that is taken back after the verifier has looked."""
    from django.db import connection, transaction

    from studyportal.core import clock
    from studyportal.core.chain import head, verify

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT max(pgh_id) / 2 FROM {TABLE}")
        event = cursor.fetchone()[0]
        cursor.execute("SELECT max(number) / 2 FROM core_chainlink")
        link = cursor.fetchone()[0]
    anchor = head(clock.now())
    cut = (
        "DELETE FROM core_trailentry WHERE link IN (SELECT id FROM core_chainlink WHERE number > %(last)s)",
        "DELETE FROM core_chainlink WHERE number > %(last)s",
        "UPDATE core_chainhead SET (number, sha256) = (SELECT number, sha256 FROM core_chainlink WHERE number = %(last)s)",
    )
    kinds = {
        "edit": (f"UPDATE {TABLE} SET number = 999 WHERE pgh_id = %(event)s",),
        "delete in the middle": (f"DELETE FROM {TABLE} WHERE pgh_id = %(event)s",),
        "reorder": (
            "UPDATE core_chainlink SET number = -1 WHERE number = %(link)s",
            "UPDATE core_chainlink SET number = %(link)s WHERE number = %(link)s + 1",
            "UPDATE core_chainlink SET number = %(link)s + 1 WHERE number = -1",
        ),
        "cut tail": cut,
        "older copy restored": cut,
    }
    for kind, statements in kinds.items():
        last = anchor.number - (10 if kind == "cut tail" else anchor.number // 2)
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL session_replication_role = replica")
                for statement in statements:
                    cursor.execute(statement, {"event": event, "link": link, "last": last})
            found = verify(anchors=[anchor], moment=clock.now())
            first = next(fault for fault in found.faults if fault.link is not None)
            print(f"{kind}: {first.sentence}")
            transaction.set_rollback(True)


if __name__ == "__main__":
    main()
