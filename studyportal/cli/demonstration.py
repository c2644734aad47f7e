"""The steps of the demonstration study. Each looks at what is there and does only what is missing."""

import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError
from tqdm import tqdm

from studyportal.cli.cases import read_cases
from studyportal.cli.importing import keep_rows, mark_impossible
from studyportal.core import clock
from studyportal.core.models import User
from studyportal.core.selectors import user_named
from studyportal.imaging.selectors import received_series_of, unjudged_pairs
from studyportal.imaging.services import judge_artefacts
from studyportal.participants.selectors import every_participant
from studyportal.protocol.selectors import active_protocol
from studyportal.queries.rules import Asked
from studyportal.queries.selectors import queries_visible_to
from studyportal.queries.services import Subject, answer_query, raise_query, reopen_query
from studyportal.sites.rules import ROLE_NAMES, SITE_ROLES, Role
from studyportal.sites.selectors import every_site, site_by_code
from studyportal.sites.services import give_role
from studyportal.tasks import dispatch

SEED = 20251201
_DEMO_SENDER = "DEMO"  # AE title
# Form, field and question of the data queries that the demonstration shows.
_QUESTIONS = (
    ("consent", "date", "Was the consent form signed on the day of screening or before?"),
    ("screening", "age", "Please compare the age at screening with the record."),
    ("reference", "lesion 1", "Please compare the number of the lesion with the report."),
)
FIRST_DATE, LAST_DATE = date(2025, 12, 3), date(2026, 5, 29)


@dataclass(frozen=True)
class DemoPerson:
    """A person of the demonstration: user name, role, and site where the role is held at one."""

    username: str
    role: Role
    site_code: str = ""


def demo_people() -> list[DemoPerson]:
    """One person per role, and a coordinator at every site."""
    codes = list(every_site().order_by("-target", "code").values_list("code", flat=True))
    coordinators = [
        DemoPerson(f"coordinator-{code.lower()}", Role.COORDINATOR, code) for code in codes
    ]
    others = [
        DemoPerson(role.value.replace("_", "-"), role, codes[0] if role in SITE_ROLES else "")
        for role in ROLE_NAMES
        if role != Role.COORDINATOR
    ]
    return coordinators + others


def create_people() -> tuple[list[DemoPerson], str]:
    """Every person exists with one password, which is drawn once per installation and kept beside the data."""
    path = Path(settings.VAR_DIR) / "demo" / "password.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(secrets.token_urlsafe(9), "utf-8")
        path.chmod(0o600)
    password = path.read_text("utf-8")
    people = demo_people()
    for person in people:
        user = user_named(person.username) or _new_user(person, password)
        give_role(user=user, role=person.role, site=site_by_code(person.site_code), by=None)
    return people, password


def _new_user(person: DemoPerson, password: str) -> User:
    name = f"{ROLE_NAMES[person.role]} {person.site_code}".strip()
    user = User.objects.create_user(username=person.username, password=password, display_name=name)
    if person.role == Role.ADMINISTRATOR:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    return user


def person_named(username: str) -> User:
    """A person of the demonstration."""
    user = user_named(username)
    if user is None:
        raise CommandError(f"The demonstration has no person {username}.")
    return user


def simulate_cohort(participants: int) -> Path:
    """The cases file of a simulated cohort; the folder is made once per size."""
    folder = Path(settings.VAR_DIR) / "demo" / f"cohort-{participants}"
    cases = folder / "cases.csv"
    if not cases.exists():
        sites = ",".join(every_site().values_list("code", flat=True))
        command = [
            sys.executable,
            "-m",
            "synthesis",
            "phantom",
            "--participants",
            str(participants),
            "--seed",
            str(SEED),
        ]
        latest = min(clock.today(), LAST_DATE)  # a clock that lags must not see dates of its future
        command += [
            "--last-date",
            latest.isoformat(),
            "--first-date",
            min(FIRST_DATE, latest).isoformat(),
        ]
        finished = subprocess.run(
            [*command, "--sites", sites, "--out", str(folder)], cwd=settings.BASE_DIR, check=False
        )
        if finished.returncode != 0:
            raise CommandError(
                "The demonstration study could not be simulated; the lines above say why."
            )
    return cases


def import_cohort(cases: Path) -> None:
    """Every row of the cohort is in the study; each site's rows are imported by its own coordinator."""
    if every_participant().exists():
        return
    rows = read_cases(cases, protocol=active_protocol(), today=clock.today())
    participants = []
    with tqdm(total=len(rows), desc="Enrol", unit="participant") as bar:
        for site in every_site():
            by = person_named(f"coordinator-{site.code.lower()}")
            own = [
                row for row in rows if row.facts is not None and row.facts.site_code == site.code
            ]
            mark_impossible(own, by=by)
            faults = [f"line {row.line}: {fault}" for row in own for fault in row.faults]
            if faults:
                raise CommandError("\n".join(faults))
            participants += keep_rows(own, by=by, each=lambda: _step(bar))
    for series in received_series_of(participants):
        dispatch.check_series(series.pk)


def judge_all() -> None:
    """The data manager has looked at every ready pair of the simulated study."""
    by = person_named("data-manager")
    for pair in unjudged_pairs():
        judge_artefacts(
            pair=pair,
            artefacts=False,
            reason="Simulated images, free of artefacts by construction.",
            by=by,
        )


def ask_questions() -> None:
    """A few data queries stand: one open, one answered, one asked again."""
    manager = person_named("data-manager")
    participants = list(every_participant()[: len(_QUESTIONS)])
    if queries_visible_to(manager).filter(rule="").exists():
        return
    for number, (participant, (form, field, question)) in enumerate(
        zip(participants, _QUESTIONS, strict=False)
    ):
        site = participant.site
        subject = Subject(site, participant.code, form, participant.pk)
        query = raise_query(subject=subject, asked=Asked(field, question), by=manager)
        if number > 0:
            coordinator = person_named(f"coordinator-{site.code.lower()}")
            answer_query(query=query, text="Compared with the record: it is right.", by=coordinator)
        if number > 1:
            reopen_query(query=query, text="Which record was it compared with?", by=manager)


def wait_for(
    label: str,
    total: int,
    left: Callable[[], int],
    *,
    check: Callable[[], None],
    limit_seconds: float,
) -> None:
    """Return when nothing is left; `check` raises when a process of the portal has ended."""
    deadline = time.monotonic() + limit_seconds
    with tqdm(total=total, desc=label) as bar:
        while True:
            check()
            bar.update(total - left() - bar.n)
            if bar.n >= total:
                return
            if time.monotonic() > deadline:
                raise CommandError(
                    f"{label}: {total - bar.n} of {total} did not finish in {limit_seconds:.0f} s."
                )
            time.sleep(0.3)


def closing_words(
    people: Sequence[DemoPerson], password: str, *, address: str, report: Path
) -> str:
    """What the newcomer needs: address, users, report."""
    width = max(len(person.username) for person in people)
    lines = [
        f"  {person.username:<{width}}  {ROLE_NAMES[person.role]} {person.site_code}".rstrip()
        for person in people
    ]
    return "\n".join(
        [
            "",
            f"StudyPortal serves at {address}",
            *_receiver_words(),
            "The sign-in page opens each person with one click; in the administration and the API they",
            f"have the password  {password}",
            f"Second factors are {_factor_words()}",
            *lines,
            "",
            f"Outcome report: {report / 'report.html'}",
            f"                {report / 'report.pdf'}",
            "",
        ]
    )


def _factor_words() -> str:
    if settings.SECOND_FACTOR:
        return "asked for, as in a real study."
    return "off; STUDYPORTAL_SECOND_FACTOR=1 make demo switches them on."


def list_sender(people: Sequence[DemoPerson]) -> bool:
    """Whether the C-STORE receiver is switched on; then somebody stands on its list of senders."""
    if not settings.DICOM_RECEIVE_PORT:
        return False
    place = settings.DICOM_SENDERS_FILE
    if not place.exists():
        site = next(person.site_code for person in people if person.site_code)
        place.write_text(f'[[sender]]\ncalling = "{_DEMO_SENDER}"\nsite = "{site}"\n')
    return True


def _receiver_words() -> list[str]:
    if not settings.DICOM_RECEIVE_PORT:
        return []
    where = f"{settings.DICOM_RECEIVE_HOST} {settings.DICOM_RECEIVE_PORT}"
    return [
        f"Images by DICOM:  storescu -aet {_DEMO_SENDER} -aec {settings.DICOM_AE_TITLE} +sd {where} FOLDER"
    ]


def _step(bar: tqdm) -> None:
    bar.update(1)
