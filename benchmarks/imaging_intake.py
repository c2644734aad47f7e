"""From C-STORE through the spool and the inbox to de-identified, checked and stored: images a second of each step.

    .venv/bin/python benchmarks/imaging_intake.py [--images 100] [--data ../shared/data]

The images are one published CT slice of 0.5 MB at as many places. Receiving and intake run beside each other in a
portal, so the slower of the two is the sustained rate. Every stored file is counted and looked at for the old UID.
"""

import os
import subprocess
import time
from pathlib import Path

import imaging_families as base
import pydicom
from pydicom.uid import generate_uid

from studyportal.core.storage import path_of
from studyportal.dicom.catalogue import _instances
from studyportal.imaging import services
from studyportal.imaging.models import Arrival, ImagingSeries
from studyportal.imaging.states import ArrivalStatus
from studyportal.sites.rules import Role

SPACING_MM = 2.0


def write_series(source: Path, folder: Path, images: int) -> None:
    """A series whose slices lie two millimetres apart."""
    folder.mkdir()
    slice_ = pydicom.dcmread(source)
    for number in range(images):
        slice_.SOPInstanceUID = slice_.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        slice_.InstanceNumber = number + 1
        x, y, _z = slice_.ImagePositionPatient
        slice_.ImagePositionPatient = [x, y, number * SPACING_MM]
        slice_.SliceLocation = number * SPACING_MM
        slice_.SliceThickness = SPACING_MM
        slice_.save_as(folder / f"{number:04}.dcm")


class _Timed:
    """Prints a step with its rate and with the processor time of this process."""

    def __init__(self, name: str, count: int) -> None:
        self._name, self._count = name, count

    def __enter__(self) -> None:
        self._begun, self._used = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        seconds = time.perf_counter() - self._begun
        each = 1000 * (time.process_time() - self._used) / self._count
        rate = self._count / seconds
        print(f"| {self._name} | {seconds:.1f} | {rate:.1f} | {each:.1f} |", flush=True)


def run(folder: Path, images: int) -> ImagingSeries:
    """Send, read the spool, assign, check: each with its rate."""
    receiver = base.Receiver(base.Senders((base.Sender("DCMSEND", "STUDYPORTAL", "SPH"),)))
    port = receiver.start(base.Address("127.0.0.1", 0)).port
    command = ["/usr/bin/dcmsend", "-aec", "STUDYPORTAL", "+sd", "127.0.0.1", str(port)]
    print("| step | seconds | images/s | processor ms an image |\n|---|---|---|---|")
    with _Timed("C-STORE, one association", images):
        subprocess.run([*command, str(folder)], check=True)
    receiver.stop()
    with _Timed("spool to inbox", images):
        services.read_spool()
        services.settle_inbox()
    participant = base.enrolled()
    arrival = Arrival.objects.get(status=ArrivalStatus.WAITING)
    by = base.person(Role.COORDINATOR)
    with _Timed("de-identified, checked and stored", images):
        series = services.assign_arrival(arrival=arrival, participant=participant, by=by)
        return services.check_series(series=series)


def main() -> None:
    parser = base.argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--data", type=Path, default=base.REPOSITORY.parent / "shared" / "data")
    asked = parser.parse_args()
    base.settings.SPOOL_DIR, base.settings.INBOX_QUIET_SECONDS = base.VAR / "spool", 0
    base.call_command("migrate", verbosity=0, interactive=False)
    source = next(
        iter(sorted((asked.data / "ct_chest_siemens_lungdx_a0002/CT_B40f_soft").iterdir()))
    )
    write_series(source, base.VAR / "series", asked.images)
    old = str(pydicom.dcmread(source, stop_before_pixels=True).StudyInstanceUID).encode()
    print(f"load of the machine {os.getloadavg()[0]:.1f}")
    with base.transaction.atomic():
        base.open_study()
        series = run(base.VAR / "series", asked.images)
        stored = _instances(series.manifest_sha256) if series.manifest_sha256 else ()
        named = sum(old in path_of(one.sha256).read_bytes() for one in stored)
        print(
            f"{series.status}: {len(stored)} of {asked.images} stored, {named} name the old study"
        )
        base.transaction.set_rollback(True)


if __name__ == "__main__":
    try:
        main()
    finally:
        base.embedded.release_database(base.VAR)
        base.shutil.rmtree(base.VAR, ignore_errors=True)
