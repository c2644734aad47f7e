"""All real series families of the published data by each way in, against what their README says they must end as.

    .venv/bin/python benchmarks/imaging_families.py [--data ../shared/data] [--only STS_003 ...]

The ways: `manage.py import_cases`, the upload addresses that the browser uses, C-STORE by dcmtk's dcmsend, STOW-RS by
dicomweb-client. Each way begins with an empty database and an empty spool, ends in the same intake, and is rolled back.
The exit status is 1 when anything ends otherwise than it must.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))
VAR = Path(tempfile.mkdtemp(prefix="imaging-families-"))
os.environ.update(STUDYPORTAL_VAR=str(VAR), DJANGO_SETTINGS_MODULE="studyportal.config.settings")

import django  # noqa: E402 the settings are named first

from studyportal.config import embedded  # noqa: E402

os.environ |= embedded.ensure_database(VAR)
django.setup()

import pydicom  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402
from rest_framework.test import APIClient  # noqa: E402

from studyportal.core.database.scope import over_every_site  # noqa: E402
from studyportal.dicom.receiver import Address, Receiver  # noqa: E402
from studyportal.dicom.senders import Sender, Senders  # noqa: E402
from studyportal.imaging import services  # noqa: E402
from studyportal.imaging.models import Arrival, Finding, ImagingSeries  # noqa: E402
from studyportal.imaging.states import ArrivalStatus, SeriesRole  # noqa: E402
from studyportal.sites.rules import Role  # noqa: E402
from tests.portal.dicomweb import client_of  # noqa: E402
from tests.portal.scenes import enrolled, open_study, person  # noqa: E402

_FACTOR_TOLERANCE = 1e-8  # the published factors have so many digits
CT, PET = SeriesRole.SOURCE, SeriesRole.REFERENCE
ROW = {
    "site": "SPH", "sex": "M", "age_years": "60", "screening_date": "2026-01-10",
    "consent_date": "2026-01-10", "consent_version": "1.0", "INC-01": "met", "INC-02": "met",
    "INC-03": "met", "EXC-01": "not_met", "EXC-02": "unknown", "EXC-03": "unknown",
    "EXC-04": "unknown", "reference_standard": "",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A series of a family: where it lies, as what it is sent, and as what it must end."""

    family: str
    folder: str
    role: SeriesRole
    must: str  # "accepted", or the id of a finding that refuses it
    factor: float | None = None  # SUV factor that another program found


_STS = "pet_ct_ge_sts_pairs"
CASES = (
    Case("GE raw pair", "pet_ct_ge_sts001_raw/CT_crop", CT, "accepted"),
    Case("GE raw pair", "pet_ct_ge_sts001_raw/PT_raw_bqml", PET, "accepted", 0.0002429029766),
    *(
        Case(f"GE pair {name}", f"{_STS}/{name}/{kind}/image", role, "accepted", factor)
        for name in ("STS_002", "STS_003", "STS_008", "STS_024", "STS_025", "STS_035")
        for kind, role, factor in (("CT", CT, None), ("PET", PET, 1.0))
    ),
    Case("Siemens chest CT", "ct_chest_siemens_lungdx_a0002/CT_B40f_soft", CT, "accepted"),
    Case("NEMA phantom", "pet_phantom_nema_iq/recon_1", PET, "suv_not_computable"),
    # It says that it is one of 324; that it names no tracer (it is FLT) would be a question to a person.
    Case("Siemens FLT slice", "pet_siemens_flt_single", PET, "slices_missing"),
    Case("bad geometry, tilt", "ct_bad_geometry/gantrytilting_001", CT, "gantry_tilt"),
    Case("bad geometry, gap", "ct_bad_geometry/sliceincrement_001", CT, "missing_slice"),
)


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def by_family(cases: list[Case]) -> Iterator[list[Case]]:
    for family in dict.fromkeys(case.family for case in cases):
        yield [case for case in cases if case.family == family]


Ended = dict[str, ImagingSeries | str]


def by_command_line(cases: list[Case], data: Path) -> Ended:
    """A cases file for each family: two of them are of the same invented patient."""
    place, ended = VAR / "cases.csv", Ended()
    columns = ("ct_folder", "pet_folder")
    by = person(Role.COORDINATOR).username
    for family in by_family(cases):
        folders = {case.role: data / case.folder for case in family}
        images = {"ct_folder": folders.get(CT, ""), "pet_folder": folders.get(PET, "")}
        with place.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, [*ROW, *columns])
            writer.writeheader()
            writer.writerow({**ROW, **images})
        known = set(ImagingSeries.objects.values_list("pk", flat=True))
        call_command("import_cases", str(place), by=by, stdout=StringIO())
        for case in family:
            ended[case.folder] = ImagingSeries.objects.exclude(pk__in=known).get(role=case.role)
    return ended


def by_browser(cases: list[Case], data: Path) -> Ended:
    """The addresses under /api/v1/uploads/, some files a request."""
    client = APIClient()
    client.force_authenticate(person(Role.COORDINATOR))
    ended = Ended()
    for family in by_family(cases):
        participant = enrolled()
        for case in family:
            body = {"participant": str(participant.pk), "role": case.role.value}
            opened = client.post("/api/v1/uploads/", body, format="json")
            assert opened.status_code == 201, opened.content
            address = f"/api/v1/uploads/{opened.json()['id']}/"
            files = files_of(data / case.folder)
            for at in range(0, len(files), 20):
                parts = [
                    SimpleUploadedFile(path.name, path.read_bytes()) for path in files[at : at + 20]
                ]
                sent = client.post(f"{address}files/", {"files": parts}, format="multipart")
                assert sent.status_code < 300, sent.content
            done = client.post(f"{address}complete/", {"announced": len(files)}, format="json")
            assert done.status_code == 202, done.content
            series = ImagingSeries.objects.get(pk=opened.json()["id"])
            ended[case.folder] = services.check_series(series=series)
    return ended


def by_c_store(cases: list[Case], data: Path) -> Ended:
    """dcmtk's dcmsend, the spool, the inbox; a bound patient's further series are assigned by themselves."""
    receiver = Receiver(Senders((Sender("DCMSEND", "STUDYPORTAL", "SPH"),)))
    port = receiver.start(Address("127.0.0.1", 0)).port

    def send(case: Case) -> None:
        command = ["/usr/bin/dcmsend", "-aec", "STUDYPORTAL", "127.0.0.1", str(port)]
        files = [str(path) for path in files_of(data / case.folder)]
        subprocess.run([*command, *files], check=True, capture_output=True)

    try:
        return _through_inbox(cases, send)
    finally:
        receiver.stop()


def by_stow(cases: list[Case], data: Path) -> Ended:
    """dicomweb-client, the spool, the inbox."""
    client = client_of(person(Role.COORDINATOR))

    def send(case: Case) -> None:
        client.store_instances([pydicom.dcmread(path) for path in files_of(data / case.folder)])

    return _through_inbox(cases, send)


def _through_inbox(cases: list[Case], send: Callable[[Case], None]) -> Ended:
    ended = Ended()
    for family in by_family(cases):
        participant = enrolled()
        for case in family:
            try:
                send(case)
            except Exception as refused:  # noqa: BLE001 it is told in the table
                ended[case.folder] = f"not taken: {type(refused).__name__}"
                continue
            services.read_spool()
            assigned = services.settle_inbox()
            waiting = (
                Arrival.objects.filter(status=ArrivalStatus.WAITING).order_by("-files").first()
            )
            if not assigned and waiting is not None:
                by = person(Role.COORDINATOR)
                assigned = [
                    services.assign_arrival(arrival=waiting, participant=participant, by=by)
                ]
            for series in assigned:
                ended[case.folder] = services.check_series(series=series)
    return ended


WAYS = {
    "command line": by_command_line,
    "browser upload": by_browser,
    "C-STORE": by_c_store,
    "STOW-RS": by_stow,
}


def said_of(series: ImagingSeries | str | None) -> tuple[str, float | None]:
    """How it ended: accepted, or the findings that refuse it; and the SUV factor."""
    if series is None or isinstance(series, str):
        return series or "nothing arrived", None
    series.refresh_from_db()
    refusing = Finding.objects.filter(series=series, grade="exclude")
    rules = sorted(set(refusing.values_list("rule", flat=True)))
    ended = series.status if not rules else f"{series.status}: {', '.join(rules)}"
    return ended, (series.suv or {}).get("factor")


def right(case: Case, ended: str, factor: float | None) -> bool:
    if case.must == "accepted":
        fits = case.factor is None or (
            factor is not None and abs(factor / case.factor - 1) < _FACTOR_TOLERANCE
        )
        return ended == "accepted" and fits
    return ended.startswith("quarantined") and case.must in ended


def go(way: str, cases: list[Case], data: Path) -> dict[str, tuple[str, bool]]:
    """What each series ended as, and whether it must; nothing of it stays in the database."""
    settings.SPOOL_DIR = VAR / f"spool-{way.replace(' ', '-')}"
    settings.INBOX_QUIET_SECONDS = 0
    verdicts = {}
    begun = time.monotonic()
    with transaction.atomic():
        open_study()
        ended = WAYS[way](cases, data)
        for case in cases:
            said, factor = said_of(ended.get(case.folder))
            shown = said if factor is None else f"{said}, {factor:.10g}"
            verdicts[case.folder] = (shown, right(case, said, factor))
        transaction.set_rollback(True)
    print(f"{way}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--only", nargs="+", help="parts of folder names")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    asked = parser.parse_args()
    cases = [c for c in CASES if not asked.only or any(part in c.folder for part in asked.only)]
    settings.ALLOWED_HOSTS = ["*"]
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0, interactive=False)
    table = {way: go(way, cases, asked.data) for way in asked.ways}
    print("| family | series | must end | " + " | ".join(asked.ways) + " |")
    print("|---" * (3 + len(asked.ways)) + "|")
    for case in cases:
        cells = []
        for way in asked.ways:
            said, fits = table[way][case.folder]
            cells.append(said if fits else f"**{said}**")
        must = case.must if case.factor is None else f"{case.must}, {case.factor:.10g}"
        print(f"| {case.family} | {case.folder} | {must} | " + " | ".join(cells) + " |")
    wrong = sum(not fits for verdicts in table.values() for _, fits in verdicts.values())
    print(
        f"{len(cases) * len(asked.ways) - wrong} of {len(cases) * len(asked.ways)} ended as they must"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        with over_every_site("a benchmark sees the whole study"):
            code = main()
        sys.exit(code)
    finally:
        embedded.release_database(VAR)
        shutil.rmtree(VAR, ignore_errors=True)
