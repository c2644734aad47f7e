"""Kills workers, their children and the broker at random while a real model works, and counts what is left.

    python benchmarks/synthesis_faults.py --jobs 30 --minutes 4 --seed 1

Starts its own PostgreSQL, Redis, sweeper and GPU worker in a temporary folder, so it touches no portal. Exit status 1
when a job is not done exactly once, a file or a process is left over, or two jobs ran on one device at a time.
"""

import argparse
import importlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import psutil

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))
FAULTS = ("worker tree", "worker only", "child", "broker")
LONGEST_RECOVERY_SECONDS = 90.0  # lease of 60 s, sweeper every 10 s, and a model to load


@dataclass
class Fault:
    """One kill: what, when, which job ran, and when an attempt at that job began again."""

    kind: str
    at: Any
    job: Any = None
    again: float | None = None


@dataclass
class Installation:
    """The processes of a portal without its web server."""

    var: Path
    embedded: Any
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        celery = [sys.executable, "-m", "celery", "--quiet", "-A", "studyportal.config", "worker"]
        quiet = ["-l", "ERROR", "--without-gossip", "--without-mingle", "-c", "1"]
        beat = ["-B", "--schedule", str(self.var / "beat")] if name == "cpu" else []
        self.workers[name] = subprocess.Popen(
            [*celery, *quiet, "-Q", name, "-n", f"{name}@%h", *beat],
            cwd=REPOSITORY,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=(self.var / f"{name}.log").open("ab"),
        )

    def tree(self) -> list[psutil.Process]:
        """The GPU worker, its pool process, and the child with the model."""
        with suppress(psutil.NoSuchProcess):
            top = psutil.Process(self.workers["gpu"].pid)
            return [top, *top.children(recursive=True)]
        return []

    def kill(self, kind: str) -> None:
        if kind == "broker":
            psutil.Process(int((self.var / "redis" / "redis.pid").read_text())).kill()
            time.sleep(1)
            self.embedded.ensure_redis(self.var)
            return
        tree = self.tree()
        models = [process for process in tree if is_model(process)]
        chosen = {"worker tree": tree, "child": models}.get(kind)
        for process in [p for p in tree if p not in models] if chosen is None else chosen:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if kind != "child":
            _, orphans = psutil.wait_procs(models, timeout=5)
            assert not orphans, f"a model outlived its worker: {orphans}"
            self.workers["gpu"].wait()
            self.start("gpu")

    def stop(self) -> None:
        for process in self.tree():  # the model has a session of its own
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for worker in self.workers.values():
            with suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


def is_model(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return process.cmdline()[-2:] == ["synthesis", "serve"]
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=4.0, help="how long things are killed")
    parser.add_argument("--every", type=float, default=12.0, help="mean seconds between kills")
    parser.add_argument("--settle", type=float, default=10.0, help="minutes left to finish in")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    var = Path(tempfile.mkdtemp(prefix="synthesis-faults-"))
    embedded = importlib.import_module("studyportal.config.embedded")
    os.environ |= {"STUDYPORTAL_VAR": str(var), "STUDYPORTAL_DEVICES": "cpu"}
    os.environ["DATABASE_URL"] = embedded.ensure_database(var)
    os.environ["CELERY_BROKER_URL"] = embedded.ensure_redis(var)
    os.environ["DJANGO_SETTINGS_MODULE"] = "studyportal.config.settings"
    installation = Installation(var, embedded)
    try:
        jobs = prepare(asked.jobs)
        began = time.monotonic()
        for name in ("cpu", "gpu"):
            installation.start(name)
        faults = storm(installation, asked)
        dead = settle(asked.settle)
        return report(installation, jobs, faults, dead=dead, seconds=time.monotonic() - began)
    finally:
        installation.stop()
        embedded.stop_redis(var)
        embedded.release_database(var)
        shutil.rmtree(var, ignore_errors=True)


def prepare(number: int) -> list[Any]:
    """A study with one ready pair of a phantom, and so many jobs with the packaged model."""
    importlib.import_module("django").setup()
    importlib.import_module("django.core.management").call_command("migrate", verbosity=0)
    scenes = importlib.import_module("tests.portal.scenes")
    data = importlib.import_module("synthesis.data")
    services = importlib.import_module("studyportal.syntheses.services")
    dispatch = importlib.import_module("studyportal.tasks.dispatch")
    scenes.open_study()
    folder = Path(os.environ["STUDYPORTAL_VAR"]) / "phantom"
    # The packaged model knows no slices as thick as those of the small phantoms.
    data.write_dicom(data.make_phantom(data.draw_participant(3), data.scanner_of("SPH")), folder)
    pair = scenes.ready_pair(folder)
    release = scenes.released(REPOSITORY / "synthesis" / "releases" / "phantom-pix2pix")
    by = scenes.person(scenes.Role.SYNTHESIS_OPERATOR)
    jobs = [
        services.request_synthesis(pair=pair, release=release, seed=seed, by=by)
        for seed in range(number)
    ]
    for job in jobs:
        dispatch.translate(job.pk)
    return jobs


def storm(installation: Installation, asked: argparse.Namespace) -> list[Fault]:
    """Kill something every few seconds until the time is up or every job is done."""
    draw, faults = random.Random(asked.seed), []  # noqa: S311 which process is killed is no secret
    bag: list[str] = []
    while not models().JobAttempt.objects.exists():  # the worker has to start first
        time.sleep(0.5)
    until = time.monotonic() + 60 * asked.minutes
    while time.monotonic() < until and unfinished().exists():
        time.sleep(draw.uniform(0.5, 1.5) * asked.every)
        bag = bag or draw.sample(FAULTS, len(FAULTS))
        kind = bag.pop()
        running = models().SynthesisJob.objects.filter(status="running").first()
        faults.append(Fault(kind, clock().now(), None if kind == "broker" else running))
        installation.kill(kind)
        print(f"{kind:<12} killed while {running.seed if running else 'nothing'} ran", flush=True)
    return faults


def settle(minutes: float) -> int:
    """Wait for what is left; what died of three kills is tried again as a person would. Return how many."""
    services = importlib.import_module("studyportal.syntheses.services")
    scenes = importlib.import_module("tests.portal.scenes")
    by, dead = scenes.person(scenes.Role.SYNTHESIS_OPERATOR), 0
    until = time.monotonic() + 60 * minutes
    while unfinished().exists() and time.monotonic() < until:
        for job in models().SynthesisJob.objects.filter(status="errored"):
            services.retry_job(job=job, by=by)
            dead += 1
        time.sleep(1)
    time.sleep(12)  # one more round of the sweeper
    return dead


def report(
    installation: Installation, jobs: list[Any], faults: list[Fault], *, dead: int, seconds: float
) -> int:
    attempts = models().JobAttempt.objects.select_related("job").order_by("began_at")
    recoveries = recovered(faults, list(attempts))
    outcomes = Counter(attempts.values_list("outcome", "cause"))
    done = Counter(models().SyntheticSeries.objects.values_list("job", flat=True))
    once = sum(done[job.pk] == 1 for job in jobs)
    successes = attempts.filter(outcome="succeeded").count()
    problems = [
        f"{len(jobs) - once} jobs are not done exactly once" if once != len(jobs) else "",
        f"{successes - len(jobs)} attempts too many" if successes != len(jobs) else "",
        *leftovers(installation.var),
        f"{overlaps(list(attempts))} attempts overlap" if overlaps(list(attempts)) else "",
        *(f"a job waited {s:.0f} s" for s in recoveries if s > LONGEST_RECOVERY_SECONDS),
    ]
    print(f"\n{len(jobs)} jobs in {seconds:.0f} s, {len(faults)} kills", end=": ")
    print(", ".join(f"{kind} {n}" for kind, n in Counter(f.kind for f in faults).items()))
    print(f"done exactly once        {once} of {len(jobs)}")
    for (outcome, cause), n in sorted(outcomes.items()):
        print(f"attempts {outcome or 'open':<10} {cause:<14} {n}")
    print(f"dead and tried again by hand {dead}")
    if recoveries:
        words = f"median {median(recoveries):.1f} s, longest {max(recoveries):.1f} s"
        print(f"interrupted job at work again after {words} (n = {len(recoveries)})")
    for problem in filter(None, problems):
        print(f"FAILED: {problem}")
    return int(any(problems))


def recovered(faults: list[Fault], attempts: list[Any]) -> list[float]:
    """Seconds from each kill that interrupted an attempt to the beginning of the next one of that job."""
    found = []
    for fault in faults:
        of_job = [a for a in attempts if fault.job is not None and a.job_id == fault.job.pk]
        hit = [a for a in of_job if a.began_at <= fault.at and a.token == fault.job.token]
        later = [a.began_at for a in of_job if a.began_at > fault.at]
        if hit and hit[0].outcome in ("lost", "errored") and later:
            found.append((min(later) - fault.at).total_seconds())
    return found


def overlaps(attempts: list[Any]) -> int:
    """Attempts of the device that began before another one had ended; a lost one has no known end."""
    known = [a for a in attempts if a.ended_at is not None and a.outcome != "lost"]
    pairs = itertools.pairwise(known)
    return sum(before.ended_at > after.began_at for before, after in pairs)


def leftovers(var: Path) -> list[str]:
    """Files that nothing refers to, after the sweeper has had its turn."""
    storage = importlib.import_module("studyportal.core.storage")
    half = storage.clear_incoming(before=clock().now() + timedelta(minutes=1))
    if half:
        print(f"half-written files that the sweeper clears after an hour: {half}")
    referred = set()
    for series in models().SyntheticSeries.objects.all():
        referred |= {series.manifest_sha256, series.preview_sha256}
        manifest = json.loads(storage.read_bytes(series.manifest_sha256))
        referred |= {entry["sha256"] for entry in manifest["files"]}
    intake = importlib.import_module("studyportal.imaging.models").ImagingSeries.objects.all()
    known = {series.manifest_sha256 for series in intake} | {s.preview_sha256 for s in intake}
    for series in intake:
        manifest = json.loads(storage.read_bytes(series.manifest_sha256))
        known |= {entry["sha256"] for entry in manifest["files"]}
    stored = {path.name for path in (var / "archive").rglob("*") if path.is_file()}
    orphans = stored - referred - known
    scratch = list((var / "work").glob("*")) if (var / "work").exists() else []
    said = [f"{len(orphans)} files of the archive belong to nothing"] if orphans else []
    return said + ([f"{len(scratch)} scratch folders are left"] if scratch else [])


def models() -> Any:
    return importlib.import_module("studyportal.syntheses.models")


def clock() -> Any:
    return importlib.import_module("studyportal.core.clock")


def unfinished() -> Any:
    ended = ("succeeded", "refused", "cancelled")
    return models().SynthesisJob.objects.exclude(status__in=ended)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())
