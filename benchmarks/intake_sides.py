"""The sides of the benchmark of intake: the portal with workers beside its receiver, and Orthanc."""

import hashlib
import json
import multiprocessing
import queue
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import imaging_families as base
import psutil
from django.db import connections
from intake_series import Sent
from receive_senders import CALLED, CALLING
from receive_servers import Program, free_port, start_orthanc, start_ours, stop, wait_for

from studyportal.core.storage import path_of
from studyportal.imaging.models import PatientBinding
from studyportal.imaging.rules import DeidentificationKey, patient_link
from studyportal.imaging.selectors import files_of_manifest

_PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Taken:
    """Seconds until the last sender was done, until the last image was stored, and of processor."""

    received: float
    stored: float
    processor: float


class Used:
    """Processor seconds of processes and all their children, sampled, so that ended ones count as well."""

    def __init__(self, roots: Callable[[], Iterable[int]]) -> None:
        self._roots, self._seen = roots, dict[tuple[int, float], float]()
        self._before: dict[tuple[int, float], float] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Used":
        self._sample()
        self._before = dict(self._seen)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._sample()

    @property
    def seconds(self) -> float:
        return sum(used - self._before.get(key, 0.0) for key, used in self._seen.items())

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            self._sample()

    def _sample(self) -> None:
        for root in self._roots():
            with suppress(psutil.Error):
                parent = psutil.Process(root)
                for process in (parent, *parent.children(recursive=True)):
                    with suppress(psutil.Error):
                        times = process.cpu_times()
                        key = (process.pid, process.create_time())
                        self._seen[key] = times.user + times.system


def send(
    sent: Sequence[Sent], program: str, port: int, *, at_once: int, after: Callable[[Sent], None]
) -> None:
    """Every series by an association of its own, so many at a time; `after` is called once one was taken."""

    def one(series: Sent) -> None:
        title = ["-aet", CALLING, "-aec", CALLED, "+sd", "127.0.0.1", str(port)]
        subprocess.run([program, *title, str(series.folder)], check=True, capture_output=True)
        after(series)

    with ThreadPoolExecutor(at_once) as senders:
        list(senders.map(one, sent))


class PortalSide:
    """`manage.py receive`, a process that reads the inbox, and intake workers, all at work at once."""

    def __init__(self, var: Path, *, workers: int) -> None:
        self._var, self._workers = var, workers
        base.settings.SPOOL_DIR, base.settings.INBOX_QUIET_SECONDS = var / "spool", 0
        base.open_study()
        self._port = free_port()
        self._accepted: list[str] = []

    def __enter__(self) -> "PortalSide":
        self._receiver: Program = start_ours(self._var, self._port)
        wait_for(self._port)
        connections.close_all()  # each process opens its own
        forks = multiprocessing.get_context("fork")
        self._waiting, self._done = forks.Queue(), forks.Queue()
        self._processes = [forks.Process(target=_inbox, args=(self._waiting,), daemon=True)]
        self._processes += [
            forks.Process(target=_work, args=(self._waiting, self._done), daemon=True)
            for _ in range(self._workers)
        ]
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        stop(self._receiver)

    def take(self, sent: Sequence[Sent], program: str, at_once: int) -> Taken:
        for one in sent:
            _bind(one)
        database = [p.pid for p in psutil.process_iter(["cmdline"]) if self._of_database(p)]
        roots = [self._receiver.pid, *(p.pid or 0 for p in self._processes), *database]
        with Used(lambda: roots) as used:
            begun = time.time()
            send(sent, program, self._port, at_once=at_once, after=lambda _: None)
            received = time.time()
            ended = [self._next() for _ in sent]
        if any(status != "accepted" for _, status, _ in ended):
            raise SystemExit(f"not accepted: {[status for _, status, _ in ended]}")
        self._accepted += [manifest for _, _, manifest in ended]
        last = max(at for at, _, _ in ended)
        return Taken(received - begun, last - begun, used.seconds)

    def looked_at(self, told: Sequence[str]) -> str:
        """How many files were stored, and how many of them hold an identifier that was sent."""
        files = [path_of(one) for m in self._accepted for one in files_of_manifest(m) - {m}]
        words = [word.encode() for word in told]
        named = sum(any(word in content for word in words) for content in _heads(files))
        return f"{len(files)} files stored, {named} of them hold an identifier that was sent"

    def _next(self) -> tuple[float, str, str]:
        try:
            return self._done.get(timeout=_PATIENCE_SECONDS)
        except queue.Empty:
            raise SystemExit("a series did not end within its time") from None

    def _of_database(self, process: psutil.Process) -> bool:
        words = process.info["cmdline"] or []
        return "postgres" in " ".join(words[:1]) and any(str(self._var) in word for word in words)


def _heads(files: Iterable[Path]) -> Iterable[bytes]:
    for path in files:
        with path.open("rb") as stream:
            yield stream.read(1 << 16)  # all of a header; pixels name nobody


def _bind(sent: Sent) -> None:
    participant = base.enrolled()
    code = participant.site.code
    secret = DeidentificationKey(base.settings.DEIDENTIFICATION_KEY.encode())
    key = patient_link(secret, patient_id=sent.patient_id, site_code=code)
    PatientBinding.objects.create(participant=participant, patient_key=key)


def _inbox(waiting: "multiprocessing.Queue[str]") -> None:
    with base.over_every_site("images of any site wait in the same queue"):
        while True:
            base.services.read_spool()
            for series in base.services.settle_inbox():
                waiting.put(str(series.pk))
            time.sleep(0.3)


def _work(waiting: "multiprocessing.Queue[str]", done: "multiprocessing.Queue[object]") -> None:
    with base.over_every_site("images of any site wait in the same queue"):
        while True:
            series = base.ImagingSeries.objects.get(pk=waiting.get())
            checked = base.services.check_series(series=series)
            done.put((time.time(), str(checked.status), checked.manifest_sha256))


class OrthancSide:
    """Orthanc with the settings of its package, in a folder of its own, new for each turn."""

    def __init__(self, place: Path, *, anonymise: bool) -> None:
        self._place, self._anonymise = place, anonymise

    def take(self, sent: Sequence[Sent], program: str, at_once: int) -> Taken:
        shutil.rmtree(self._place, ignore_errors=True)
        self._place.mkdir()
        port, self._http = free_port(), free_port()
        server = start_orthanc(self._place, port, http=self._http)
        try:
            wait_for(port)
            wait_for(self._http)
            with Used(lambda: [server.pid]) as used, ThreadPoolExecutor(2) as askers:
                begun, asked = time.time(), []

                def after(series: Sent) -> None:
                    if self._anonymise:
                        asked.append(askers.submit(self._anonymised, series))

                send(sent, program, port, at_once=at_once, after=after)
                received = time.time()
                ends = [one.result() for one in asked] or [received]
            self._check(sum(one.images for one in sent))
        finally:
            stop(server)
        return Taken(received - begun, max(ends) - begun, used.seconds)

    def _anonymised(self, series: Sent) -> float:
        """The moment at which the series is anonymised and its original is gone."""
        named = "|".join((series.patient_id, series.study_uid, series.series_uid))
        digest = hashlib.sha1(named.encode(), usedforsecurity=False).hexdigest()
        key = "-".join(digest[at : at + 8] for at in range(0, 40, 8))
        self._ask(f"series/{key}/anonymize", {"KeepSource": False, "Synchronous": True})
        return time.time()

    def _check(self, images: int) -> None:
        held = self._ask("statistics")["CountInstances"]
        if held != images:
            raise SystemExit(f"Orthanc holds {held} of {images} images")

    def _ask(self, what: str, said: object = None) -> dict[str, int]:
        body = None if said is None else json.dumps(said).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self._http}/{what}", body)
        with urllib.request.urlopen(  # noqa: S310 an address of this machine
            request, timeout=_PATIENCE_SECONDS
        ) as answer:
            found: dict[str, int] = json.load(answer)
        return found
