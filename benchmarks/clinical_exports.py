"""What an export of clinical data costs: seconds, and how far the memory of the process rises, for each format.

`python -m benchmarks.clinical_exports [PARTICIPANTS]` in an embedded database of its own: the forms are written past the
triggers of the audit trail, which is no part of what is measured. `python -m benchmarks.clinical_exports seeded` takes the
study that `manage.py seed_load` left under STUDYPORTAL_VAR. Each format runs in a process of its own.
"""

# ruff: noqa: PLC0415 the portal is imported once its database is named
import os
import resource
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
_MOMENT = datetime(2026, 2, 1, tzinfo=UTC)
_DAY = date(2026, 1, 12)
STATIONS = ("2R", "4R", "7", "9R", "10R", "11R")


def main() -> None:
    """Print each figure."""
    if len(sys.argv) > 2:
        _start()
        from studyportal.core.database.scope import over_every_site

        with over_every_site("a benchmark sees the whole study"):
            _one(sys.argv[2])
        return
    from studyportal.config import embedded

    if sys.argv[1:] == ["seeded"]:
        os.environ |= embedded.ensure_database(Path(os.environ["STUDYPORTAL_VAR"]))
        _start()
        _each()
        return
    with TemporaryDirectory() as folder:
        os.environ |= embedded.ensure_database(Path(folder))
        _start()
        from django.core.management import call_command

        from studyportal.core.database.scope import over_every_site

        call_command("migrate", verbosity=0)
        participants = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
        with over_every_site("a benchmark sees the whole study"):
            _seed(participants)
        _each()


def _each() -> None:
    from studyportal.exports.states import DataFormat

    for one in ("nothing", *DataFormat):
        subprocess.run([sys.executable, "-m", "benchmarks.clinical_exports", "0", one], check=True)


def _start() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyportal.config.settings")
    django.setup()


def _seed(count: int) -> None:
    from django.db import connection, transaction

    from tests.portal.web_study import small_study

    study = small_study()
    began = time.perf_counter()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
        _people(count, study)
    print(f"{count} participants seeded in {time.perf_counter() - began:.0f} s", flush=True)


def _people(count: int, study: Any) -> None:
    from studyportal.participants.models import Consent, Participant

    by, site = study.coordinator, study.sites["SPH"]
    people = [
        Participant(
            site=site, code=f"SPH-{50_000 + n}", status="enrolled", sex="F", age_years=61,
            screening_date=_DAY, enrolled_on=_DAY, created_at=_MOMENT, created_by=by,
        )
        for n in range(count)
    ]  # fmt: skip
    Participant.objects.bulk_create(people, batch_size=2000)
    Consent.objects.bulk_create(
        [
            Consent(
                participant=one, version="1.0", signed_on=_DAY, recorded_at=_MOMENT, recorded_by=by
            )
            for one in people
        ],
        batch_size=2000,
    )
    for kind, rows in _rows().items():
        _form(kind, rows, people, by)


def _form(kind: str, rows: list[dict[str, Any]], people: list[Any], by: Any) -> None:
    from studyportal.clinical.models import RECORDS, Form

    forms = [
        Form(
            participant=one, kind=kind, status="complete", definition="1.0", source="seed",
            opened_at=_MOMENT, opened_by=by, changed_at=_MOMENT, changed_by=by,
            completed_at=_MOMENT, completed_by=by,
        )
        for one in people
    ]  # fmt: skip
    Form.objects.bulk_create(forms, batch_size=2000)
    model: Any = RECORDS[kind]
    made = (model(form=form, **row) for form in forms for row in rows)
    model.objects.bulk_create(made, batch_size=2000)


def _rows() -> dict[str, list[dict[str, Any]]]:
    return {
        "baseline": [{
            "examined_on": _DAY, "sex": "F", "age_years": 61, "height_cm": 161, "weight_kg": 58.5,
            "ecog": "1", "smoking": "former", "pack_years_absent": "unknown", "quit_on": "2019-02",
            "prior_malignancy": "no", "glucose_mmol_l": 5.4,
        }],
        "lesions": [{
            "unit": str(n), "lobe": "RUL", "measured_on": "2026-01", "long_axis_mm": 21,
            "density": "solid", "course": "not_followed",
        } for n in (1, 2)],
        "nodes": [{
            "unit": station, "result": "negative", "method": "dissection",
            "examined_on": "2026-02", "nodes_examined": 2, "nodes_positive": 0,
        } for station in STATIONS],
        "distant": [{
            "unit": organ, "metastasis": "absent", "how": "mri", "examined_on": "2026-01",
        } for organ in ("brain", "bone", "liver", "adrenal")],
        "follow_up": [{"contact_on": _DAY, "vital_status": "alive", "progression": "no"}],
    }  # fmt: skip


def _one(kind: str) -> None:
    from studyportal.core.models import User
    from studyportal.exports.services import build_export, request_clinical_export
    from studyportal.exports.states import DataFormat

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if kind == "nothing":
        print(f"nothing: process {before // 1024} MiB", flush=True)
        return
    by = User.objects.get(username="statistician")
    began = time.perf_counter()
    asked = request_clinical_export(
        file_format=DataFormat(kind), site=None, language="zh", with_drafts=True, by=by
    )
    export = build_export(export=asked)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = sum(int(one.get("rows", 0)) for one in export.contents)
    print(
        f"{kind}: {export.status} {export.reason}, {rows} rows, {seconds:.1f} s, "
        f"{export.size / 1e6:.1f} MB, memory {before // 1024} to {peak // 1024} MiB",
        flush=True,
    )


if __name__ == "__main__":
    main()
