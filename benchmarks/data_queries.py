"""Times the pages of data queries with 20,000 queries, 5,000 of them not closed: `python benchmarks/data_queries.py`.

It works in a database of its own, in a folder that is deleted at the end.
"""

# ruff: noqa: PLC0415, S311 the portal is imported once its database is named; the draws are dates
import os
import random
import statistics
import sys
import tempfile
import time
import uuid
from datetime import timedelta
from pathlib import Path

from studyportal.core.database.scope import over_every_site

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
QUERIES, REPEATS = 20_000, 15
PAGES = ("/queries/", "/queries/?state=all", "/queries/?age=older", "/queries/?state=mine")


def main() -> None:
    """Seed, and print the median and the slowest of every page for two roles."""
    from studyportal.config import embedded

    with tempfile.TemporaryDirectory(prefix="studyportal-queries-") as folder:
        var = Path(folder)
        os.environ |= {"STUDYPORTAL_VAR": folder, "STUDYPORTAL_DEMO": "1"}
        os.environ |= embedded.ensure_database(var)
        os.environ.setdefault("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
        os.environ["DJANGO_SETTINGS_MODULE"] = "studyportal.config.settings"
        (var / "static").mkdir(exist_ok=True)
        try:
            _run()
        finally:
            embedded.release_database(var)


def _run() -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    study = _seeded()
    for role in ("data_manager", "coordinator"):
        for page in PAGES:
            _time(study.people[role], role, page)


def _seeded():
    from django.db import connection

    from studyportal.core import clock
    from studyportal.queries.models import DataQuery
    from tests.portal.web_study import small_study

    study, now, draw = small_study(), clock.now(), random.Random(1)
    sites = list(study.sites.values())
    rows = []
    for number in range(QUERIES):
        site = sites[number % 5]
        status = "open" if number % 5 == 0 else "answered" if number % 20 == 1 else "closed"
        rows.append(
            DataQuery(
                site=site, participant_code=f"{site.code}-{number // 3:05d}", form="images",
                field="source", subject_id=uuid.UUID(int=number), rule="missing_slice",
                status=status, question="A slice is missing. Send the whole series again.",
                assigned_to="coordinator", opened_at=now - timedelta(days=draw.randrange(90)),
                closed_at=now if status == "closed" else None,
            )
        )  # fmt: skip
    DataQuery.objects.bulk_create(rows, batch_size=2000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(f"{QUERIES} queries, {DataQuery.objects.exclude(status='closed').count()} not closed")
    return study


def _time(person, role: str, page: str) -> None:
    from django.test import Client

    client, taken = Client(), []
    client.force_login(person)
    for _ in range(REPEATS):
        began = time.perf_counter()
        answer = client.get(page)
        taken.append(1000 * (time.perf_counter() - began))
        assert answer.status_code == 200, answer.status_code
    print(f"{role} {page}: median {statistics.median(taken):.0f} ms, slowest {max(taken):.0f} ms")


if __name__ == "__main__":
    with over_every_site("a benchmark sees the whole study"):
        main()
