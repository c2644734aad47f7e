"""What the wall between sites costs: statements, plans and pages with 10,000 participants at five sites.

    python benchmarks/wall.py --participants 10000

Each figure is the median of some runs, with the wall and with row-level security switched off, in one database.
"""
# ruff: noqa: PLC0415  the settings are named before anything of Django is loaded

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))
REPEATS = 15
PAGES = (
    "/participants/",
    "/pairs/",
    "/queries/",
    "/jobs/",
    "/inbox/",
    "/api/v1/participants/",
    "/api/v1/series/",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--participants", type=int, default=10_000)
    asked = parser.parse_args()
    from studyportal.config import embedded
    from studyportal.core.database.scope import over_every_site

    with tempfile.TemporaryDirectory(prefix="studyportal-wall-") as folder:
        var = Path(folder)
        os.environ |= {
            "STUDYPORTAL_VAR": folder,
            "DJANGO_SETTINGS_MODULE": "studyportal.config.settings",
        }
        os.environ |= embedded.ensure_database(var)
        os.environ.setdefault("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
        (var / "static").mkdir(exist_ok=True)
        try:
            with over_every_site("a benchmark sees the whole study"):
                _run(asked.participants)
        finally:
            embedded.release_database(var)


def _run(participants: int) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    from studyportal.sites.rules import Role
    from tests.portal.web_study import small_study

    study = small_study()
    _seed(study, participants)
    people = {"site": study.people[Role.COORDINATOR], "study": study.people[Role.DATA_MANAGER]}
    for standing in (True, False):
        _stand(standing)
        label = "wall" if standing else "no wall"
        _statements(label, study)
        for who, user in people.items():
            for page in PAGES:
                _page(f"{label:8} {who:6}", user, page)


def _seed(study: Any, participants: int) -> None:
    """Participants with consent, a pair, two series, a job and a query each."""
    from studyportal.core import clock
    from studyportal.imaging.models import ImagingSeries, ScanPair
    from studyportal.participants.models import Consent, Participant
    from studyportal.queries.models import DataQuery
    from studyportal.syntheses.models import SynthesisJob
    from tests.portal.web_study import released_model

    sites, now, by = list(study.sites.values()), clock.now(), study.coordinator
    people = Participant.objects.bulk_create(
        Participant(site=sites[n % 5], code=f"{sites[n % 5].code}-{n:05d}", status="enrolled", sex="F",
                    age_years=60, screening_date=now.date(), enrolled_on=now.date(), created_at=now, created_by=by)
        for n in range(participants)
    )  # fmt: skip
    Consent.objects.bulk_create(
        Consent(participant=p, version="1.0", signed_on=now.date()) for p in people
    )
    pairs = ScanPair.objects.bulk_create(
        ScanPair(participant=p, status="ready", opened_at=now) for p in people
    )
    series = ImagingSeries.objects.bulk_create(
        ImagingSeries(pair=pair, role=role, status="accepted", opened_at=now, settled_at=now, sent_by=by,
                      series_uid=f"2.25.{uuid.uuid4().int}")
        for pair in pairs for role in ("source", "reference")
    )  # fmt: skip
    release = released_model()
    SynthesisJob.objects.bulk_create(
        SynthesisJob(pair=row.pair, source=row, release=release, seed=0, status="succeeded", requested_at=now, requested_by=by)
        for row in series if row.role == "source"
    )  # fmt: skip
    DataQuery.objects.bulk_create(
        DataQuery(site=p.site, participant_code=p.code, form="images", subject_id=p.pk, rule="gap",
                  status="open" if n % 20 == 0 else "closed", question="Why?", assigned_to="coordinator",
                  opened_at=now, closed_at=None if n % 20 == 0 else now)
        for n, p in enumerate(people)
    )  # fmt: skip
    _as_owner("ANALYZE")


def _as_owner(statement: str) -> None:
    from django.db import connection

    from studyportal.core.database.owner import as_owner

    with as_owner(connection), connection.cursor() as cursor:
        cursor.execute(statement)


def _stand(standing: bool) -> None:  # noqa: FBT001
    from studyportal.core.database.bindings import bindings

    word = "ENABLE" if standing else "DISABLE"
    for table in bindings():
        _as_owner(f'ALTER TABLE "{table}" {word} ROW LEVEL SECURITY')


def _statements(label: str, study: Any) -> None:
    """Single statements of a coordinator, by key and over the whole site, and what PostgreSQL says of them."""
    from studyportal.core.database.scope import EVERY_SITE, Scope, within
    from studyportal.imaging.models import ImagingSeries
    from studyportal.participants.models import Participant
    from studyportal.syntheses.models import SynthesisJob

    site = study.sites["SPH"]
    one = ImagingSeries.objects.filter(pair__participant__site=site).first()
    joined = ImagingSeries.objects.select_related("pair__participant__site")
    cases = {
        "participant by key": lambda: Participant.objects.filter(pk=one.pair.participant_id),
        "series by key, with pair and participant": lambda: joined.filter(pk=one.pk),
        "all series of the site": lambda: joined.filter(pair__participant__site=site),
        "all series, filter forgotten": ImagingSeries.objects.order_by,
        "all jobs of the site": lambda: SynthesisJob.objects.filter(pair__participant__site=site),
    }
    for scope, who in ((Scope(frozenset({site.pk})), "site"), (EVERY_SITE, "study")):
        for name, rows in cases.items():
            with within(scope):
                taken = _median(lambda rows=rows: list(rows().values_list("pk")))
                explained = rows().explain(analyze=True).splitlines()
            plan = [
                line.strip()
                for line in explained
                if line.startswith(("Planning Time", "Execution Time"))
            ]
            print(f"{label:8} {who:6} {name:42} {taken:8.2f} ms   {'; '.join(plan)}")


def _page(label: str, user: Any, page: str) -> None:
    from django.test import Client

    client = Client()
    client.force_login(user)
    taken = _median(lambda: _opened(client, page))
    print(f"{label} {page:42} {taken:8.2f} ms")


def _opened(client: Any, page: str) -> None:
    assert client.get(page).status_code in (200, 403), page


def _median(work: Any) -> float:
    work()
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


if __name__ == "__main__":
    main()
