"""How long forms take: an import of whole forms, an autosave, a page, and a completion.

`python -m benchmarks.forms [PARTICIPANTS]` in a database of its own, named by DATABASE_URL or the embedded one.
"""

# ruff: noqa: DTZ011, PLC0415 the portal is imported once its database is named
import csv
import io
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
ROWS = {
    "baseline": [{
        "examined_on": "2026-01-12", "sex": "F", "age_years": "63", "height_cm": "161",
        "weight_kg": "58.5", "ecog": "1", "smoking": "never", "prior_malignancy": "no",
        "family_history": "no", "tuberculosis": "no", "copd": "no", "diabetes": "no",
        "glucose_mmol_l": "5.4",
    }],
    "lesions": [{
        "row": str(number), "lobe": "RUL", "measured_on": "2026-01-12", "long_axis_mm": "21",
        "density": "solid", "course": "not_followed",
    } for number in (1, 2)],
    "pathology": [{
        "row": str(number), "lesion": str(number), "method": "resection", "taken_on": "2026-02",
        "result": "malignant", "histology": "adenocarcinoma",
    } for number in (1, 2)],
    "nodes": [{
        "row": station, "result": "negative", "method": "dissection", "examined_on": "2026-02",
        "nodes_examined": "2", "nodes_positive": "0",
    } for station in ("2R", "4R", "7", "9R", "10R", "11R")],
    "distant": [{
        "row": organ, "metastasis": "absent", "how": "mri", "examined_on": "2026-01",
    } for organ in ("brain", "bone", "liver", "adrenal")],
    "staging": [{
        "staged_on": "2026-02", "side": "right", "ct": "T1c", "cn": "N0", "cm": "M0",
        "resected": "yes", "after_treatment": "no", "pt": "T1c", "pn": "N0", "pm": "M0",
    }],
    "follow_up": [{
        "visit": "1", "contact_on": date.today().isoformat(), "vital_status": "alive",
        "imaged_on": date.today().isoformat(), "progression": "no",
    }],
}  # fmt: skip


def main() -> None:
    """Print each figure."""
    from studyportal.config import embedded
    from studyportal.core.database.scope import over_every_site

    with TemporaryDirectory() as folder:
        if not os.environ.get("DATABASE_URL"):
            os.environ |= embedded.ensure_database(Path(folder))
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyportal.config.settings")
        django.setup()
        from django.conf import settings
        from django.core.management import call_command

        settings.ALLOWED_HOSTS = ["*"]
        call_command("migrate", verbosity=0)
        with over_every_site("a benchmark sees the whole study"):
            _measure(int(sys.argv[1]) if len(sys.argv) > 1 else 50)


def _measure(participants: int) -> None:
    from studyportal.clinical.models import Form, ReferenceStandard
    from tests.portal.web_study import enrolled, small_study

    study = small_study()
    codes = [enrolled(study.sites["SPH"], study.coordinator).code for _ in range(participants)]
    for kind, rows in ROWS.items():
        _import(kind, rows, codes, study.coordinator)
    print(f"forms {Form.objects.count()}, reference standards {ReferenceStandard.objects.count()}")
    _person_at_work(study)


def _import(kind: str, rows: list[dict[str, str]], codes: list[str], by: object) -> None:
    from studyportal.clinical.services import import_forms

    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, ["participant", *rows[0]])
    writer.writeheader()
    writer.writerows({"participant": code, **row} for code in codes for row in rows)
    began = time.perf_counter()
    done = import_forms(kind=kind, content=buffer.getvalue().encode(), name=f"{kind}.csv", by=by)
    seconds = time.perf_counter() - began
    print(f"import {kind}: {done} in {seconds:.1f} s, {done.rows / seconds:.0f} rows/s")


def _person_at_work(study: object) -> None:
    from django.test import Client
    from django.urls import reverse

    from tests.portal.web_study import enrolled

    participant = enrolled(study.sites["SPH"], study.coordinator)
    client = Client()
    client.force_login(study.coordinator)
    client.post(reverse("web:crf_open", args=[participant.pk, "baseline"]))
    place = reverse("web:crf", args=[participant.pk, "baseline", 1])
    was = [""]

    def autosave() -> None:
        weight = f"{60 + len(was) * 0.1:.1f}"
        typed = {"was:-:weight_kg": was[-1], "now:-:weight_kg": weight}
        answer = client.post(f"{place}save/", typed, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        was.append(weight)

    _report("autosave", autosave)
    _report("page of a form", lambda: client.get(place))
    _report("grid of forms", lambda: client.get(reverse("web:crf_overview")))
    address = reverse("web:participant", args=[participant.pk])
    _report("page of the participant", lambda: client.get(address))


def _report(what: str, act: Callable[[], object]) -> None:
    taken = []
    for _ in range(30):
        began = time.perf_counter()
        act()
        taken.append(1000 * (time.perf_counter() - began))
    taken.sort()
    print(f"{what}: median {statistics.median(taken):.0f} ms, p95 {taken[28]:.0f} ms")


if __name__ == "__main__":
    main()
