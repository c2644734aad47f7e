"""Withdrawals under a storm of kills: `python benchmarks/withdrawal.py [participants]`.

Every participant has a CT and a PET in the archive, a synthetic PET, volumes of the viewer, an export archive and data
queries; some files are shared with a participant who stays. Each withdrawal is carried out by a process that is killed
(kill -9) after a random while, again and again, until it is carried out. Then the disk and the counts are checked.

It works in a database of its own, in a folder that is deleted at the end.
"""

# ruff: noqa: PLC0415, S311 the portal is imported once its database is named; the draws are pauses
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
SLICES = 120
# Seconds until a worker is killed, at most.
LONGEST_LIFE = float(os.environ.get("LONGEST_LIFE", "0.4"))


def main() -> None:
    """Seed, withdraw, kill, and check."""
    from studyportal.config import embedded
    from studyportal.core.database.scope import over_every_site

    with tempfile.TemporaryDirectory(prefix="studyportal-withdrawal-") as folder:
        var = Path(folder)
        os.environ["STUDYPORTAL_VAR"] = folder
        os.environ |= embedded.ensure_database(var)
        os.environ.setdefault("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
        os.environ["DJANGO_SETTINGS_MODULE"] = "studyportal.config.settings"
        (var / "static").mkdir(exist_ok=True)
        try:
            with over_every_site("a benchmark sees the whole study"):
                _storm(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
        finally:
            embedded.release_database(var)


def _storm(people: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from studyportal.core.storage import path_of
    from studyportal.participants.models import Withdrawal

    files, shared, kept = _seeded(people)
    draw, kills, took = random.Random(1), 0, []
    for row in Withdrawal.objects.order_by("recorded_at"):
        begun = time.monotonic()
        while Withdrawal.objects.get(pk=row.pk).status == "recorded":
            kills += _try_and_kill(str(row.pk), draw)
        took.append(time.monotonic() - begun)
        print(f"{row.participant.code}: {took[-1]:.1f} s, {kills} kills so far", flush=True)
    left = sum(path_of(digest).exists() for digest in files)
    lost = sum(not path_of(digest).exists() for digest in shared | kept)
    wrong = [row.pk for row in Withdrawal.objects.all() if not _true(row)]
    print(f"{people} withdrawals, {len(files)} files to delete, {kills} kills (kill -9)")
    print(
        f"files left: {left}; files of others lost: {lost}; certificates with wrong counts: {len(wrong)}"
    )
    print(f"median {statistics.median(took):.1f} s, slowest {max(took):.1f} s, with the kills")
    if left or lost or wrong:
        raise SystemExit(1)


def _try_and_kill(key: str, draw: random.Random) -> int:
    """One run of the task in a process of its own; 1 when it was killed before its end."""
    from django.db import connections

    from studyportal.tasks import withdrawal

    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            withdrawal.obey(key)
        finally:
            os._exit(0)
    until = time.monotonic() + draw.uniform(0, LONGEST_LIFE)
    while time.monotonic() < until:
        if os.waitpid(child, os.WNOHANG)[0]:
            return 0
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 1


def _true(row) -> bool:
    counts = {step.room: step.counts for step in row.steps.all()}
    expected = {
        "queries": {"queries_closed": 3},
        "syntheses": {"series_withdrawn": 1, "images_deleted": SLICES},
        "exports": {"exports_ended": 1},
        "imaging": {"images_deleted": 2 * SLICES, "volumes_removed": 2, "links_forgotten": 1},
    }
    return all(
        counts[room].get(key) == count
        for room, told in expected.items()
        for key, count in told.items()
    )


def _seeded(people: int) -> tuple[set[str], set[str], set[str]]:
    from studyportal.core import clock
    from studyportal.participants.rules import Scope, Why
    from studyportal.participants.services import record_withdrawal
    from tests.portal.web_study import enrolled, small_study

    study = small_study()
    site, by = study.sites["SPH"], study.coordinator
    stays = enrolled(site, by)
    kept, shared = _with_images(stays, by)
    files: set[str] = set()
    for _ in range(people):
        participant = enrolled(site, by)
        own, common = _with_images(participant, by)
        files |= own
        shared |= common
        record_withdrawal(
            participant=participant, scope=Scope.REMOVE, withdrawn_on=clock.today(),
            why=Why.NOT_SAID, note="", by=by,
        )  # fmt: skip
    return files, shared, kept


def _with_images(participant, by) -> tuple[set[str], set[str]]:
    """Files of the participant alone, and files that others have too."""
    from studyportal.core.storage import store_bytes
    from tests import factories as make

    pair = make.ScanPairFactory(participant=participant, ready=True)
    make.PatientBindingFactory(participant=participant)
    common = store_bytes(b"the same picture of everybody").sha256
    own: set[str] = set()

    def stored(kind: str) -> str:
        digests = [
            store_bytes(f"{participant.code} {kind} {number}".encode() * 40).sha256
            for number in range(SLICES)
        ]
        listed = json.dumps({"files": [{"sha256": digest} for digest in digests]})
        manifest = store_bytes(listed.encode()).sha256
        own.update((*digests, manifest))
        return manifest

    source, reference = (
        make.ImagingSeriesFactory(
            pair=pair, role=role, accepted=True, manifest_sha256=stored(role), sent_by=by,
            stored_files=SLICES, preview_sha256=common,
        )
        for role in ("source", "reference")
    )  # fmt: skip
    for series in (source, reference):
        volume = store_bytes(f"volume of {series.pk}".encode()).sha256
        own.add(volume)
        make.DerivedVolumeFactory(origin_sha256=series.manifest_sha256, kind="pet", sha256=volume)
    job = make.SynthesisJobFactory(pair=pair, source=source, succeeded=True, requested_by=by)
    make.SyntheticSeriesFactory(
        job=job, manifest_sha256=stored("synthetic"), stored_files=SLICES, preview_sha256=common
    )
    archive = store_bytes(f"PK {participant.code}".encode()).sha256
    own.add(archive)
    make.ExportFactory(
        pairs=True, status="ready", archive_sha256=archive, requested_by=by,
        contents=[{"name": f"{participant.code}/", "files": 2}],
    )  # fmt: skip
    for _ in range(3):
        make.DataQueryFactory(site=participant.site, participant_code=participant.code)
    return own, {common}


if __name__ == "__main__":
    main()
