"""What signing costs and finds: `python benchmarks/signatures.py [--participants 200] [--forms 9]`.

It works in a PostgreSQL of its own, in a folder that is deleted at the end:
1. casebooks are signed, each with all its forms;
2. the manifest of one participant and of the whole site is read, digests computed anew;
3. `verify_signatures` reads everything;
4. six kinds of tampering are done by a superuser with the triggers switched off, and looked for one by one.
"""

# ruff: noqa: PLC0415 the portal is imported once its database is named
import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
# Each leaves the rows readable and says something that was never signed.
TAMPERING = {
    "an answer": "UPDATE clinical_baseline SET weight_kg = 99 WHERE form_id = %s",
    "a row that does not count": "UPDATE clinical_baseline SET void_reason = 'x' WHERE form_id = %s",
    "who verified": "UPDATE clinical_form SET verified_at = now() WHERE id = %s",
    "the status": "UPDATE clinical_form SET status = 'draft' WHERE id = %s",
    "the meaning": "UPDATE clinical_signature SET meaning = 'review' WHERE form_id = %s",
    "the signature": "DELETE FROM clinical_signature WHERE form_id = %s",
}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--participants", type=int, default=200)
    asked.add_argument("--forms", type=int, default=9)
    options = asked.parse_args()
    from studyportal.config import embedded
    from studyportal.core.database.scope import over_every_site

    with tempfile.TemporaryDirectory(prefix="studyportal-signatures-") as folder:
        os.environ["STUDYPORTAL_VAR"] = folder
        os.environ |= embedded.ensure_database(Path(folder))
        os.environ.setdefault("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
        os.environ.setdefault("STUDYPORTAL_DEMO", "1")
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

    from studyportal.clinical.selectors import signatures_at, signatures_of, verify_signatures
    from studyportal.core.database.owner import as_owner

    call_command("migrate", verbosity=0)
    participants, signer = _verified(options.participants, options.forms)
    took = [_timed(lambda one=one: _sign(one, signer)) for one in participants]
    print(f"{len(took)} casebooks of {options.forms} forms signed: {_spread(took)} each")
    alone = [_timed(lambda one=one: signatures_of(one)) for one in participants[:50]]
    print(f"signatures of one participant, checked: {_spread(alone)}")
    whole = _timed(lambda: signatures_at(participants[0].site))
    print(f"signatures of the site, checked: {whole:.2f} s")
    began = time.perf_counter()
    report = verify_signatures()
    spent = time.perf_counter() - began
    print(f"verify_signatures: {report.signatures} in {spent:.1f} s, {len(report.faults)} faults")
    with as_owner(connection):  # the portal's own login can switch no trigger off
        _tamper(participants)


def _verified(count: int, forms: int) -> tuple[list[Any], Any]:
    from studyportal.clinical.rules import FORMS
    from studyportal.sites.rules import Role
    from tests import factories as make

    rows = {
        "baseline": make.BaselineFactory, "lesions": make.LesionRowFactory,
        "pathology": make.SpecimenRowFactory, "nodes": make.NodeRowFactory,
        "distant": make.OrganRowFactory, "staging": make.StagingFactory,
        "conclusion": make.ConclusionFactory, "treatment": make.TreatmentRowFactory,
        "follow_up": make.FollowUpFactory,
    }  # fmt: skip
    site, monitor = make.SiteFactory(code="SPH"), make.UserFactory()
    participants = [make.ParticipantFactory(site=site) for _ in range(count)]
    for one in participants:
        for kind in list(FORMS)[:forms]:
            form = make.FormFactory(
                participant=one, kind=kind, verified=True, opened_by=monitor, verified_by=monitor
            )
            rows[kind](form=form)
    return participants, make.person(Role.SITE_PI, site)


def _sign(participant: Any, signer: Any) -> None:
    from studyportal.clinical.rules import Signing
    from studyportal.clinical.selectors import casebook_of
    from studyportal.clinical.services import sign_casebook
    from studyportal.core import clock

    seen = casebook_of(participant).sha256
    signing = Signing("approval", "password", clock.now(), seen)
    sign_casebook(participant=participant, signing=signing, by=signer)


def _tamper(participants: list[Any]) -> None:
    from django.db import connection, transaction

    from studyportal.clinical.selectors import casebook_of, verify_signatures

    for participant, (what, sql) in zip(participants, TAMPERING.items(), strict=False):
        form = casebook_of(participant).forms[0]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(sql, [form.pk])
        named = [one for one in verify_signatures().faults if one.participant == participant.code]
        print(f"| {what} | {named[0].sentence if named else 'NOT FOUND'} |")


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _spread(seconds: list[float]) -> str:
    ordered = sorted(1000 * one for one in seconds)
    return (
        f"{statistics.median(ordered):.0f} ms (95 % under {ordered[int(0.95 * len(ordered))]:.0f})"
    )


if __name__ == "__main__":
    main()
