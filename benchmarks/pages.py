"""How long every page takes with a study of registered size.

    STUDYPORTAL_DEMO=1 STUDYPORTAL_VAR=var/load python manage.py migrate
    STUDYPORTAL_DEMO=1 STUDYPORTAL_VAR=var/load python manage.py seed_load
    STUDYPORTAL_DEMO=1 STUDYPORTAL_VAR=var/load python -m benchmarks.pages [--rounds 5] [--only NAME ...]

It starts the portal as `manage.py up` serves it and asks over HTTP, with a different participant each time: first one
person at a time, every page as every role that may open it; then eight at once. Exits with 1 when a page's 95th
percentile for one person is 300 ms or more.
"""

# ruff: noqa: PLC0415 the portal is imported once its database is named
import argparse
import http.client
import os
import random
import statistics
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
LIMIT_MS = 300.0
AT_ONCE = 8
_NO_PAGE = {
    404: "nothing to show in this study",
    302: "lead elsewhere",
    405: "acts, by POST only",
    403: "refused",
    500: "broken",
}


@dataclass
class Taken:
    """Milliseconds of one page as one role; `status` is what was answered instead of a page."""

    page: str
    role: str
    times: list[float] = field(default_factory=list)
    size: int = 0
    status: int = 200

    def percentile(self, share: float) -> float:
        """The nearest rank."""
        ordered = sorted(self.times)
        return ordered[max(0, round(share * len(ordered) + 0.5) - 1)]


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in, with what they can look at."""

    role: str
    cookie: str
    objects: Sequence[Mapping[str, object]]


def main() -> int:
    """Print both tables."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=5, help="of every page and role")
    asked.add_argument("--only", nargs="*", default=[], help="names of pages")
    options = asked.parse_args()
    from studyportal.config import embedded
    from studyportal.config.embedded import ensure_database

    var = Path(os.environ["STUDYPORTAL_VAR"])
    if "DATABASE_URL" not in os.environ:
        os.environ |= ensure_database(var)
    os.environ.setdefault("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
    os.environ["DJANGO_SETTINGS_MODULE"] = "studyportal.config.settings"
    try:
        return _run(options, var)
    finally:
        embedded.release_database(var)


def _run(options: argparse.Namespace, var: Path) -> int:
    import django

    django.setup()
    from benchmarks.portal_process import Portal
    from tests.portal.page_walk import pages

    people = _people()
    wanted = [page for page in pages() if not options.only or page.name in options.only]
    portal = Portal(var)
    for name in ("DATABASE_URL", "CELERY_BROKER_URL"):
        portal.environment.pop(name, None)
    portal.start()
    try:
        for _ in range(40):  # both web processes have imported everything
            _ask(portal.port, people["administrator"], "/welcome/")
        alone = [
            one for page in wanted for one in _alone(portal.port, page, people, options.rounds)
        ]
        slow = _print("one person at a time, worst role of each page", alone)
        together = [one for page in wanted for one in _together(portal.port, page, people)]
        _print(f"{AT_ONCE} people at once", together)
    finally:
        portal.__exit__()
    return 1 if slow else 0


def _people() -> dict[str, Person]:
    """One person of each role of the demonstration, signed in."""
    from django.test import Client

    from studyportal.core.database.scope import over_every_site
    from studyportal.core.models import User
    from studyportal.sites.rules import Role

    codes = {Role.COORDINATOR: "coordinator-sph"}
    people = {}
    for role in Role:
        user = User.objects.get(username=codes.get(role, role.value.replace("_", "-")))
        client = Client()
        client.force_login(user)
        cookie = f"sessionid={client.cookies['sessionid'].value}"
        with over_every_site("a benchmark looks for what each person may open"):
            people[role.value] = Person(role.value, cookie, _objects(user))
    return people


def _objects(user: object, count: int = 60) -> list[dict[str, object]]:
    """Sets of objects that hang together, drawn from what the person may see; a fixed draw."""
    from studyportal.participants.selectors import participants_visible_to
    from studyportal.queries.models import DataQuery

    common = {"topic": "screening", "code": "SPH", "ending": "json", "username": "monitor"}
    common |= _rare()
    drawn = random.Random(1)  # noqa: S311 a draw of pages
    visible = participants_visible_to(user).filter(scan_pair__isnull=False)
    keys = list(visible.order_by("code").values_list("pk", flat=True))
    queries = list(DataQuery.objects.filter(site__code="SPH").values_list("pk", flat=True)[:500])
    chosen = visible.filter(pk__in=drawn.sample(keys, min(count, len(keys))))
    found = [_of(one) | common | {"query_id": drawn.choice(queries)} for one in chosen]
    return found or [common]


def _rare() -> dict[str, object]:
    """One of each kind of row of which a study has few; kinds of which there is none are missing."""
    from django.apps import apps

    kinds = {
        "override_id": "participants.EligibilityOverride",
        "withdrawal_id": "participants.Withdrawal",
        "unlock_id": "clinical.FormUnlock",
        "arrival_id": "imaging.Arrival",
        "job_id": "syntheses.SynthesisJob",
        "release_id": "syntheses.ModelRelease",
        "cut_id": "outcomes.DataCut",
        "run_id": "outcomes.EvaluationRun",
        "comparison_id": "outcomes.ReleaseComparison",
        "lock_id": "sites.DataLock",
    }
    first = {
        name: apps.get_model(kind).objects.values_list("pk").first() for name, kind in kinds.items()
    }
    return {name: row[0] for name, row in first.items() if row}


def _of(participant: object) -> dict[str, object]:
    from studyportal.clinical.rules import FORMS

    pair = participant.scan_pair
    series = pair.series.first()
    kinds = list(FORMS)
    found = {"participant_id": participant.pk, "pair_id": pair.pk, "occurrence": 1}
    found["kind"] = kinds[participant.pk.int % len(kinds)]
    return found | ({"series_id": series.pk} if series else {})


def _ask(port: int, person: Person, address: str) -> tuple[int, float, int]:
    """Status, milliseconds to the last byte, bytes. Each request has a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    began = time.perf_counter()
    connection.request("GET", address, headers={"Cookie": person.cookie, "Host": "127.0.0.1"})
    answer = connection.getresponse()
    body = answer.read()
    taken = 1000 * (time.perf_counter() - began)
    connection.close()
    return answer.status, taken, len(body)


def _addresses(page: object, person: Person) -> list[str]:
    found = [page.address(one) for one in person.objects]
    return [address for address in found if address]


def _alone(port: int, page: object, people: Mapping[str, Person], rounds: int) -> Iterable[Taken]:
    for role in page.roles:
        person = people[role.value]
        addresses = _addresses(page, person)
        taken = Taken(page.name, role.value, status=200 if addresses else 404)
        for turn in range(rounds + 1) if addresses else ():
            status, took, size = _ask(port, person, addresses[turn % len(addresses)])
            if status != 200:
                taken.status = status
            elif turn:  # the first one fills caches
                taken.times.append(took)
                taken.size = size
            if status in (302, 405):
                break
        yield taken


def _together(port: int, page: object, people: Mapping[str, Person]) -> Iterable[Taken]:
    """Four pages for each of eight people, all at once, each as another role that may."""
    roles = [role.value for role in page.roles if _addresses(page, people[role.value])]
    if not roles:
        return
    taken = Taken(page.name, "several")

    def look(number: int) -> list[float]:
        person = people[roles[number % len(roles)]]
        addresses, times = _addresses(page, person), []
        for turn in range(4):
            status, took, _ = _ask(port, person, addresses[(8 * number + turn) % len(addresses)])
            if status == 200:
                times.append(took)
            else:
                taken.status = status
        return times

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for times in pool.map(look, range(AT_ONCE)):
            taken.times += times
    yield taken


def _print(title: str, rows: Sequence[Taken]) -> list[str]:
    """The table, slowest first; returns the names of pages that are too slow."""
    measured = [one for one in rows if one.times]
    worst: dict[str, Taken] = {}
    for one in measured:
        if one.page not in worst or one.percentile(0.95) > worst[one.page].percentile(0.95):
            worst[one.page] = one
    print(f"\n{title}\n| page | role | median (ms) | 95 % (ms) | KB |\n|---|---|---|---|---|")
    for one in sorted(worst.values(), key=lambda one: -one.percentile(0.95)):
        print(
            f"| {one.page} | {one.role} | {statistics.median(one.times):.0f} | "
            f"{one.percentile(0.95):.0f} | {one.size / 1000:.0f} |"
        )
    every = [took for one in measured for took in one.times]
    slow = [name for name, one in worst.items() if one.percentile(0.95) >= LIMIT_MS]
    print(
        f"\n{len(worst)} pages, {len(every)} requests: median {statistics.median(every):.0f} ms, "
        f"95 % {sorted(every)[int(0.95 * len(every))]:.0f} ms; at {LIMIT_MS:.0f} ms or more: "
        f"{', '.join(slow) or 'none'}"
    )
    for status, what in _NO_PAGE.items():
        seen = {one.page for one in measured}
        other = {one.page for one in rows if one.status == status and one.page not in seen}
        print(f"{what}: {', '.join(sorted(other)) or 'none'}")
    print(f"load average: {', '.join(f'{load:.1f}' for load in os.getloadavg())}")
    return slow


if __name__ == "__main__":
    sys.exit(main())
