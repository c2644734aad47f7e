"""Kills workers, their children and the broker at random while a real model works, and counts what is left.

    python benchmarks/synthesis_faults.py --jobs 30 --minutes 4 --seed 1 --broker rabbitmq --release tiny
    python benchmarks/synthesis_faults.py --jobs 4 --only commit --kills 100 --every 1 --gpu-workers 4 --release tiny

Starts its own PostgreSQL, broker (the embedded Redis or Debian's RabbitMQ), sweeper and GPU worker in a temporary
folder, so it touches no portal. Some requests die between commit and publish, so that no message is ever sent for them;
as many are rolled back, and must leave nothing.
Exit status 1 when a job is not done exactly once, an interrupted or unpublished one waits longer than 90 s, a file or a
process is left over, or two jobs ran on one device at a time.
"""

import argparse
import importlib
import itertools
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
brokers = importlib.import_module("benchmarks.faults_brokers")
leftovers = importlib.import_module("benchmarks.faults_leftovers").leftovers
FAULTS = ("worker tree", "worker only", "child", "broker", "commit")
UNPUBLISHED_ALONE = 3  # requests that die before their message while nothing else waits
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
    broker: Any
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """A worker of the queue that its name begins with."""
        celery = [sys.executable, "-m", "celery", "--quiet", "-A", "studyportal.config", "worker"]
        quiet = ["-l", "ERROR", "--without-gossip", "--without-mingle", "-c", "1"]
        beat = ["-B", "--schedule", str(self.var / "beat")] if name == "cpu" else []
        self.workers[name] = subprocess.Popen(
            [*celery, *quiet, "-Q", name.partition("-")[0], "-n", f"{name}@%h", *beat],
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
            self.broker.kill()
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
    parser.add_argument("--kills", type=int, default=1_000_000, help="at most so many")
    parser.add_argument("--only", choices=FAULTS, help="this kind of kill alone")
    parser.add_argument("--gpu-workers", type=int, default=1, help="workers for the one device")
    parser.add_argument("--broker", choices=("redis", "rabbitmq"), default="redis")
    parser.add_argument(
        "--release", choices=("packaged", "tiny"), default="packaged",
        help="tiny: a network of the same family, small and untrained, for many jobs",
    )  # fmt: skip
    asked = parser.parse_args()
    var = Path(tempfile.mkdtemp(prefix="synthesis-faults-"))
    embedded = importlib.import_module("studyportal.config.embedded")
    os.environ |= {
        "STUDYPORTAL_VAR": str(var),
        "STUDYPORTAL_DEVICES": "cpu",
        "STUDYPORTAL_DEMO": "1",
    }
    os.environ["DATABASE_URL"] = embedded.ensure_database(var)
    broker = (
        brokers.DebianRabbit(var)
        if asked.broker == "rabbitmq"
        else brokers.EmbeddedRedis(var, embedded)
    )
    os.environ["CELERY_BROKER_URL"] = broker.url
    os.environ["DJANGO_SETTINGS_MODULE"] = "studyportal.config.settings"
    installation = Installation(var, broker)
    try:
        scene = prepare(asked)
        began = time.monotonic()
        more = [f"gpu-{number}" for number in range(2, asked.gpu_workers + 1)]
        for name in ("cpu", "gpu", *more):
            installation.start(name)
        faults = storm(installation, asked, scene)
        dead = settle(asked.settle)
        alone = 0 if unfinished().exists() else UNPUBLISHED_ALONE
        waits = [wait_unpublished(scene) for _ in range(alone)]
        time.sleep(12)  # one more round of the sweeper
        seconds = time.monotonic() - began
        return report(installation, scene, faults, dead=dead, seconds=seconds, waits=waits)
    finally:
        installation.stop()
        broker.stop()
        embedded.release_database(var)
        shutil.rmtree(var, ignore_errors=True)


@dataclass
class Scene:
    """One ready pair of a small phantom, a release, and the jobs that were requested for them."""

    pair: Any
    release: Any
    by: Any
    jobs: list[Any] = field(default_factory=list)
    rolled_back: int = 0

    def request(self) -> Any:
        """Request one more job; its seed is its number."""
        services = importlib.import_module("studyportal.syntheses.services")
        job = services.request_synthesis(
            pair=self.pair, release=self.release, seed=len(self.jobs), by=self.by
        )
        self.jobs.append(job)
        return job

    def request_and_die(self) -> Any:
        """Request one more job in a process that is killed between commit and publish."""
        connections = importlib.import_module("django.db").connections
        dispatch = importlib.import_module("studyportal.tasks.dispatch")
        connections.close_all()  # the child makes its own
        child = os.fork()
        if child == 0:
            dispatch.app.send_task = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
            dispatch.translate(self.request().pk)
            os._exit(0)  # not reached: the message would have been sent
        _, ended = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(ended) != -signal.SIGKILL:
            raise RuntimeError("The requesting process was not killed before its message.")
        job = models().SynthesisJob.objects.get(seed=len(self.jobs))
        self.jobs.append(job)
        return job

    def request_and_roll_back(self) -> None:
        """Request a job in a transaction that does not end well."""
        transaction = importlib.import_module("django.db").transaction
        dispatch = importlib.import_module("studyportal.tasks.dispatch")
        services = importlib.import_module("studyportal.syntheses.services")
        with suppress(ZeroDivisionError), transaction.atomic():
            job = services.request_synthesis(
                pair=self.pair, release=self.release, seed=1_000_000 + self.rolled_back, by=self.by
            )
            dispatch.translate(job.pk)
            self.rolled_back += 1
            raise ZeroDivisionError


def prepare(asked: argparse.Namespace) -> Scene:
    """A study with a pair and a release, and the jobs that are asked for."""
    importlib.import_module("django").setup()
    importlib.import_module("django.core.management").call_command("migrate", verbosity=0)
    scenes = importlib.import_module("tests.portal.scenes")
    dispatch = importlib.import_module("studyportal.tasks.dispatch")
    scenes.open_study()
    folder = Path(os.environ["STUDYPORTAL_VAR"]) / "phantom"
    model = REPOSITORY / "synthesis" / "releases" / "phantom-pix2pix"
    if asked.release == "tiny":
        makers = importlib.import_module("tests.synthesis.makers")
        model = makers.untrained_release(folder.with_name("tiny")).folder
        scenes.write_small_phantom(3, folder)
    else:  # the packaged model refuses slices as thick as those of a small phantom
        data = importlib.import_module("synthesis.data")
        person, scanner = data.draw_participant(3), data.scanner_of("SPH")
        data.write_dicom(data.make_phantom(person, scanner), folder)
    pair = scenes.ready_pair(folder)
    by = scenes.person(scenes.Role.SYNTHESIS_OPERATOR)
    scene = Scene(pair, scenes.released(model), by)
    for _ in range(asked.jobs):
        dispatch.translate(scene.request().pk)
    return scene


def wait_unpublished(scene: Scene) -> float:
    """Seconds until a job begins for which no message was sent, while nothing else waits."""
    job, asked_at = scene.request_and_die(), time.monotonic()
    while not models().JobAttempt.objects.filter(job=job).exists():
        time.sleep(0.2)
        if time.monotonic() - asked_at > 10 * LONGEST_RECOVERY_SECONDS:
            break
    seconds = time.monotonic() - asked_at
    while unfinished().exists() and time.monotonic() - asked_at < 300:
        time.sleep(0.5)
    return seconds


def storm(installation: Installation, asked: argparse.Namespace, scene: Scene) -> list[Fault]:
    """Kill something every few seconds until the time is up or every job is done."""
    draw, faults = random.Random(asked.seed), []  # noqa: S311 which process is killed is no secret
    bag: list[str] = []
    while not models().JobAttempt.objects.exists():  # the worker has to start first
        time.sleep(0.5)
    until = time.monotonic() + 60 * asked.minutes
    kinds = (asked.only,) if asked.only else FAULTS
    while time.monotonic() < until and len(faults) < asked.kills and go_on(asked):
        time.sleep(draw.uniform(0.5, 1.5) * asked.every)
        bag = bag or draw.sample(kinds, len(kinds))
        kind = bag.pop()
        scene.request_and_roll_back()
        running = None if asked.only == "commit" else at_work(until)
        harmless = kind in ("broker", "commit")  # to the attempt that runs
        faults.append(Fault(kind, clock().now(), None if harmless else running))
        if kind == "commit":
            scene.request_and_die()
        else:
            installation.kill(kind)
        print(f"{kind:<12} killed while {running.seed if running else 'nothing'} ran", flush=True)
    return faults


def go_on(asked: argparse.Namespace) -> bool:
    """Whether something is left to disturb; requests that die bring their own work."""
    return asked.only == "commit" or unfinished().exists()


def at_work(until: float) -> Any:
    """The job that runs, once one does: a worker that is killed while it starts proves nothing."""
    while time.monotonic() < until:
        running = models().SynthesisJob.objects.filter(status="running").first()
        held = running is not None and running.lease_until > clock().now() + timedelta(seconds=40)
        if held:
            return running
        time.sleep(0.5)
    return models().SynthesisJob.objects.filter(status="running").first()


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
    return dead


def report(
    installation: Installation, scene: Scene, faults: list[Fault], *, dead: int, seconds: float,
    waits: list[float],
) -> int:  # fmt: skip
    jobs = scene.jobs
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
        f"{ghosts()} jobs of requests that were rolled back" if ghosts() else "",
        f"{overlaps(list(attempts))} attempts overlap" if overlaps(list(attempts)) else "",
        *(f"a job waited {s:.0f} s" for s in recoveries + waits if s > LONGEST_RECOVERY_SECONDS),
    ]
    print(f"\n{len(jobs)} jobs in {seconds:.0f} s, {len(faults)} kills", end=": ")
    print(", ".join(f"{kind} {n}" for kind, n in Counter(f.kind for f in faults).items()))
    print(f"done exactly once        {once} of {len(jobs)}")
    for (outcome, cause), n in sorted(outcomes.items()):
        print(f"attempts {outcome or 'open':<10} {cause:<14} {n}")
    print(f"dead and tried again by hand {dead}")
    print(f"requests rolled back     {scene.rolled_back}, jobs of them {ghosts()}")
    if recoveries:
        words = f"median {median(recoveries):.1f} s, longest {max(recoveries):.1f} s"
        print(f"interrupted job at work again after {words} (n = {len(recoveries)})")
    if waits:
        print(f"never published, queue empty: begun after {', '.join(f'{s:.1f}' for s in waits)} s")
    for problem in filter(None, problems):
        print(f"FAILED: {problem}")
    return int(any(problems))


def recovered(faults: list[Fault], attempts: list[Any]) -> list[float]:
    """Seconds from each kill that interrupted an attempt to the beginning of the next one of that job.

    A job that died of its last attempt waits for a person and is left out; `report` counts those apart.
    """
    most = importlib.import_module("django.conf").settings.SYNTHESIS_MAX_ATTEMPTS
    found = []
    for fault in faults:
        of_job = [a for a in attempts if fault.job is not None and a.job_id == fault.job.pk]
        hit = [a for a in of_job if a.began_at <= fault.at and a.token == fault.job.token]
        last = bool(hit) and (of_job.index(hit[0]) + 1) % most == 0
        later = [a.began_at for a in of_job if a.began_at > fault.at]
        if hit and hit[0].outcome in ("lost", "errored") and later and not last:
            found.append((min(later) - fault.at).total_seconds())
    return found


def ghosts() -> int:
    return models().SynthesisJob.objects.filter(seed__gte=1_000_000).count()


def overlaps(attempts: list[Any]) -> int:
    """Attempts of the device that began before another one had ended; a lost one has no known end."""
    known = [a for a in attempts if a.ended_at is not None and a.outcome != "lost"]
    pairs = itertools.pairwise(known)
    return sum(before.ended_at > after.began_at for before, after in pairs)


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
