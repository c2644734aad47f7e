"""Bad input B1 to B28 and the published malformed files, by the API of the browser upload, by C-STORE and by STOW-RS.

    .venv/bin/python benchmarks/imaging_bad_input.py [--malformed ../shared/data/malformed_dicom] [--only B24]

Starts its own PostgreSQL and its own `manage.py receive` in a temporary folder. Every case is a series of ten slices with
one thing wrong (see tests/bad_images.py), sent to a fresh participant; what came over the network is assigned by a
coordinator. Printed is what was said of it, at the network or by the check, how many series lie in the archive
afterwards, the seconds of processor (and by the clock, which
a busy machine lengthens) from the first byte to the verdict, and the largest memory of any process that read it (MB).
Exit status 1 when a case has not the stated reason, leaves a row in the archive, answers 500, or takes more than 2 s
of processor or 512 MB.
"""

import argparse
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
from meanwhile import HealthPage, size_of
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE, association
from receive_servers import free_port, wait_for

from studyportal.core.database.scope import over_every_site

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))
MOST_SECONDS, MOST_MEGABYTES = 2.0, 512
AT_THE_WIRE = {
    0x0111: "conflict", 0x0122: "class_not_taken", 0xC122: "syntax_not_taken", 0xC000: "not_dicom",
    0xA900: "not_dicom",
}  # fmt: skip
WAYS = ("web", "c_store", "stow")


@dataclass
class Outcome:
    """What became of one case by one way."""

    given: list[str] = field(default_factory=list)
    accepted: int = 0
    failures: int = 0  # answers of 500 and above
    seconds: float = 0.0
    processor: float = 0.0  # seconds, of this process and of those that it had read
    megabytes: float = 0.0
    grown: int = 0  # bytes that files of images took at most, beyond what lay there before


class Portal:
    """The portal in this process, and its receiver as a process beside it."""

    def __init__(self, var: Path) -> None:
        embedded = importlib.import_module("studyportal.config.embedded")
        os.environ |= {
            "STUDYPORTAL_VAR": str(var),
            "DJANGO_SETTINGS_MODULE": "studyportal.config.settings",
        }
        os.environ |= embedded.ensure_database(var)
        importlib.import_module("django").setup()
        importlib.import_module("django.core.management").call_command("migrate", verbosity=0)
        self.settings = importlib.import_module("django.conf").settings
        self.settings.INBOX_QUIET_SECONDS = -1
        (var / "static").mkdir()
        self.settings.ALLOWED_HOSTS = ["testserver"]
        self.scenes = importlib.import_module("tests.portal.scenes")
        self.models = importlib.import_module("studyportal.imaging.models")
        self.services = importlib.import_module("studyportal.imaging.services")
        self.selectors = importlib.import_module("studyportal.imaging.selectors")
        self.errors = importlib.import_module("studyportal.core.errors")
        self.client = importlib.import_module("rest_framework.test").APIClient
        self.scenes.open_study()
        self.coordinator = self.scenes.person(self.scenes.Role.COORDINATOR)
        self.apart = frozenset[int]()
        self.places = [
            Path(place)
            for place in (
                self.settings.SPOOL_DIR,
                self.settings.QUARANTINE_DIR,
                self.settings.ARCHIVE_DIR,
                self.settings.WORK_DIR,
            )
        ]
        self.port = free_port()
        (var / "senders.toml").write_text(
            '[[sender]]\ncalling = "BAD"\ncalled = "PORTAL"\nsite = "SPH"\n'
        )
        self.receiver = subprocess.Popen(
            [sys.executable, "manage.py", "receive", "--port", str(self.port)],
            cwd=REPOSITORY, env={**os.environ, "STUDYPORTAL_VAR": str(var)}, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(self.port)

    def health(self, var: Path) -> HealthPage:
        """The health page of a web server beside, as somebody sees it who may."""
        call = importlib.import_module("django.core.management").call_command
        call("collectstatic", verbosity=0, interactive=False)
        client = importlib.import_module("django.test").Client()
        client.force_login(self.scenes.person(self.scenes.Role.ADMINISTRATOR))
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        return HealthPage({"STUDYPORTAL_VAR": str(var), "STUDYPORTAL_DEMO": "1"}, cookie)

    def clear(self) -> None:
        """No file, and no memory of one, is left of the case before."""
        for place in (
            self.settings.SPOOL_DIR,
            self.settings.QUARANTINE_DIR,
            self.settings.ARCHIVE_DIR,
        ):
            shutil.rmtree(place, ignore_errors=True)

    def accepted(self) -> int:
        return int(self.models.ImagingSeries.objects.filter(status="accepted").count())

    def judge(self, series: Any, outcome: Outcome) -> None:
        """The check of a received series, and what it and the pair say."""
        self.services.check_series(series=series)
        rows = self.models.Finding.objects.filter(
            pair=series.pair, superseded=False, grade="exclude"
        )
        outcome.given += rows.values_list("rule", flat=True)

    def send(self, way: str, case: Any, participant: Any, outcome: Outcome) -> None:
        if way == "web":
            self._by_web(case, participant, outcome)
            return
        send = self._by_c_store if way == "c_store" else self._by_stow
        send(case.files, outcome)
        self.services.read_spool()
        for series in self.services.settle_inbox():  # of a patient who is bound already
            self.judge(series, outcome)
        for arrival in self.models.Arrival.objects.filter(status="waiting"):
            try:
                series = self.services.assign_arrival(
                    arrival=arrival, participant=participant, by=self.coordinator
                )
            except self.errors.Refused as refused:
                outcome.given += [reason.id for reason in refused.reasons]
            else:
                self.judge(series, outcome)

    def _by_web(self, case: Any, participant: Any, outcome: Outcome) -> None:
        client = self.client()
        client.force_authenticate(self.coordinator)
        client.raise_request_exception = False
        body = {"participant": str(participant.pk), "role": case.role}
        opened = client.post("/api/v1/uploads/", body, format="json")
        place = f"/api/v1/uploads/{opened.json()['id']}"
        sent = [named(content, name) for name, content in case.files.items()]
        answers = [opened, client.post(f"{place}/files/", {"files": sent}, format="multipart")]
        answers.append(
            client.post(
                f"{place}/complete/", {"announced": len(set(case.files.values()))}, format="json"
            )
        )
        outcome.failures += sum(answer.status_code >= 500 for answer in answers)
        self.judge(self.models.ImagingSeries.objects.get(pk=opened.json()["id"]), outcome)

    def _by_stow(self, files: Mapping[str, bytes], outcome: Outcome) -> None:
        client = self.client()
        client.force_authenticate(self.coordinator)
        client.raise_request_exception = False
        head = b"\r\n--x\r\nContent-Type: application/dicom\r\n\r\n"
        body = b"".join(head + content for content in files.values()) + b"\r\n--x--"
        kind = 'multipart/related; type="application/dicom"; boundary=x'
        answer = client.post("/dicomweb/studies", body, content_type=kind)
        outcome.failures += answer.status_code >= 500
        told = answer.json()
        for tag in ("00081198", "0008119A"):
            for failed in told.get(tag, {}).get("Value", []):
                status = failed["00081197"]["Value"][0]
                outcome.given.append(AT_THE_WIRE.get(status, hex(status)))

    def _by_c_store(self, files: Mapping[str, bytes], outcome: Outcome) -> None:
        sent = [Sent(content) for content in files.values()]
        entity = AE(ae_title="BAD")
        for kind in sorted(
            {(one.SOPClassUID, str(one.file_meta.TransferSyntaxUID)) for one in sent}
        ):
            entity.add_requested_context(*kind)
        link = entity.associate("127.0.0.1", self.port, ae_title="PORTAL")
        for one in sent:
            if not link.is_established:
                outcome.given.append("aborted")
                link = entity.associate("127.0.0.1", self.port, ae_title="PORTAL")
            status = status_of(link, one)
            if status:
                outcome.given.append(status)
        if link.is_established:
            link.release()


def status_of(link: Any, one: "Sent") -> str:
    """What the receiver says of this file; empty when it was stored."""
    if not one.bytes_sent:  # a request without a dataset is no C-STORE
        return "not_sent"
    kind = (one.SOPClassUID, one.file_meta.TransferSyntaxUID)
    taken = {
        (context.abstract_syntax, context.transfer_syntax[0]) for context in link.accepted_contexts
    }
    if not link.is_established or kind not in taken:
        return "not_negotiated"
    try:
        status = link.send_c_store(one).get("Status")
    except ValueError:  # pynetdicom does not put such a UID into a request
        return "not_sent"
    return "" if status == 0 else AT_THE_WIRE.get(status, str(status))


class Sent(Dataset):
    """A file as a C-STORE request sends it: its dataset byte for byte, whatever stands in it."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        meta, start = FileMetaDataset(), 0
        with suppress(Exception), BytesIO(content) as file:
            read_preamble(file, force=False)
            meta = _read_file_meta_info(file)
            start = file.tell()
        self.SOPClassUID = meta.get("MediaStorageSOPClassUID", CTImageStorage)
        self.SOPInstanceUID = meta.get("MediaStorageSOPInstanceUID", "1.2.3.9.9")
        self.file_meta = FileMetaDataset()
        self.file_meta.TransferSyntaxUID = meta.get("TransferSyntaxUID", ExplicitVRLittleEndian)
        object.__setattr__(self, "bytes_sent", content[start:])


def as_sent(dataset: Any, *_: object, **__: object) -> bytes:
    # pynetdicom writes a dataset anew; a file that is wrong must reach the receiver as it is.
    return bytes(dataset.bytes_sent)


def named(content: bytes, name: str) -> BytesIO:
    stream = BytesIO(content)
    stream.name = name
    return stream


@contextmanager
def watched(outcome: Outcome, places: Sequence[Path], *, apart: frozenset[int]) -> Iterator[None]:
    """The largest resident memory of this process's Python children meanwhile, and what files took at most.

    Processes in `apart` are not counted.
    """
    lay = size_of(*places)
    over = threading.Event()
    spent: dict[int, list[float]] = {}

    def look() -> None:
        me = psutil.Process()
        while not over.wait(0.02):
            outcome.grown = max(outcome.grown, size_of(*places) - lay)
            with suppress(psutil.Error):
                for child in me.children(recursive=True):
                    with suppress(psutil.Error):
                        if "python" in child.name() and child.pid not in apart:
                            size = child.memory_info().rss / 1e6
                            times = child.cpu_times()
                            spent.setdefault(child.pid, []).append(times.user + times.system)
                            outcome.megabytes = max(outcome.megabytes, size)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    began, own = time.perf_counter(), time.thread_time()
    try:
        yield
    finally:
        outcome.seconds = time.perf_counter() - began
        outcome.processor = time.thread_time() - own
        over.set()
        thread.join()
        # A process that was there before had spent some already; one that began meanwhile is counted whole.
        outcome.processor += sum(
            max(used) - (used[0] if used[0] > 0.5 else 0) for used in spent.values()
        )


def tried(portal: Portal, case: Any, way: str) -> Outcome:
    """The case by this way; nothing of it is left in the database afterwards."""
    transaction = importlib.import_module("django.db").transaction
    outcome = Outcome()
    portal.clear()
    with transaction.atomic():
        participant = portal.scenes.enrolled()
        prepare(portal, case, participant)
        before = portal.accepted()
        with watched(outcome, portal.places, apart=portal.apart):
            portal.send(way, case, participant, outcome)
        outcome.accepted = portal.accepted() - before
        outcome.given += names_left(case, Path(portal.settings.ARCHIVE_DIR))
        transaction.set_rollback(True)
    return outcome


def names_left(case: Any, archive: Path) -> list[str]:
    """Says so when a name of the case stands in a stored file."""
    stored = [path.read_bytes() for path in archive.rglob("*") if path.is_file()]
    return ["name_left" for name in case.canaries if any(name in content for content in stored)]


def prepare(portal: Portal, case: Any, participant: Any) -> None:
    """What the case needs to be there: good series of the participant, or of another one."""
    for files, role, whose in (
        (case.before, case.before_role, participant),
        (case.of_another, case.of_another_role, None),
    ):
        if files:
            with tempfile.TemporaryDirectory() as folder:
                for name, content in files.items():
                    (Path(folder) / name).write_bytes(content)
                portal.scenes.taken_in(whose or portal.scenes.enrolled(), role, Path(folder))


def is_right(case: Any, outcome: Outcome, reasoned: Callable[..., bool]) -> bool:
    return (
        reasoned(case, outcome.given)
        and outcome.accepted in case.rows
        and not outcome.failures
        and outcome.processor <= MOST_SECONDS
        and outcome.megabytes <= MOST_MEGABYTES
    )


def cases_of(asked: argparse.Namespace, portal: Portal, folder: Path) -> list[Any]:
    bad = importlib.import_module("tests.bad_images")
    portal.scenes.write_small_phantom(3, folder)
    ct, pet = (
        {p.name: p.read_bytes() for p in sorted((folder / kind).iterdir())}
        for kind in ("CT", "PET")
    )
    cases = bad.bad_cases(ct, pet)
    if asked.malformed:
        files = sorted(asked.malformed.rglob("*.dcm"))
        cases += [
            bad.BadCase(path.stem, {path.name: path.read_bytes()}, bad.ANY_REASON) for path in files
        ]
    return [case for case in cases if case.name.startswith(tuple(asked.only.split(",")))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--malformed", type=Path, help="folder of the published malformed files")
    parser.add_argument(
        "--only", default="", help="cases whose name begins so; several with commas"
    )
    asked = parser.parse_args()
    association.encode = as_sent
    var = Path(tempfile.mkdtemp(prefix="bad-input-"))
    portal = Portal(var)
    bad = importlib.import_module("tests.bad_images")
    reasoned = bad.wanted_and_given
    wrong, slowest, largest, number, growths = [], 0.0, 0.0, 0, list[float]()
    health: HealthPage | None = None
    try:
        tried(
            portal, bad.BadCase("warm", {"a": b""}, ()), "web"
        )  # the process that children are forked from
        health = portal.health(var)
        portal.apart = health.processes
        for case in cases_of(asked, portal, var / "phantom"):
            sent = sum(map(len, case.files.values())) or 1
            for way in WAYS:
                outcome = tried(portal, case, way)
                number += 1
                slowest, largest = max(slowest, outcome.processor), max(largest, outcome.megabytes)
                growths.append(outcome.grown / sent)
                right = is_right(case, outcome, reasoned)
                if not right:
                    wrong.append(f"{case.name} by {way}")
                said = ", ".join(dict.fromkeys(outcome.given)) or "accepted"
                print(
                    f"{case.name:28} {way:8} {'ok ' if right else 'BAD'} {outcome.accepted} "
                    f"{outcome.processor:5.2f} s ({outcome.seconds:5.2f}) {outcome.megabytes:4.0f} MB  disk x{growths[-1]:.1f}  {said}",
                    flush=True,
                )
    finally:
        if health is not None:
            health.stop()
        portal.receiver.terminate()
        portal.receiver.wait()
        importlib.import_module("django.db").connection.close()
        importlib.import_module("studyportal.config.embedded").release_database(var)
        shutil.rmtree(var, ignore_errors=True)
    print(
        f"{number - len(wrong)} of {number} right; slowest {slowest:.2f} s of processor, largest {largest:.0f} MB"
    )
    print(f"files took at most {max(growths):.2f} times what was sent")
    print(health.told())
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    with over_every_site("a benchmark sees the whole study"):
        code = main()
    sys.exit(code)
