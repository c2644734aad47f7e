"""C-STORE throughput of the receiver, of dcmtk's storescp and of Orthanc, on the same disk in the same run.

    .venv/bin/python benchmarks/imaging_receive.py [--images 100] [--associations 1 5 10] [--repetitions 3]
        [--kilobytes 512] [--senders storescu quick] [--servers storescp Orthanc receiver]

Each server receives the same CT slices, as many associations side by side as asked, in turns: one repetition of all
servers after another. `manage.py receive` answers after fsync of the file and of its folder; Orthanc with the settings
of its package does fdatasync of each image; storescp never does. While images come, echoscu asks for a sign of life.
Afterwards, for our receiver, everything is compared byte for byte and sent again (nothing new may lie there), and ten
images come with changed pixels (ten conflicts). Servers that are not installed are left out, and the run says so.
"""

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from receive_senders import CALLED, SENDERS, STORESCU
from receive_servers import SERVERS, free_port, processor_seconds, stop, wait_for


@dataclass(frozen=True)
class Turn:
    """One repetition of one server: images a second, slowest echo, processor milliseconds an image."""

    rate: float
    echo: float
    processor_ms: float
    failed: int


def write_images(folder: Path, *, association: int, images: int, kilobytes: int) -> None:
    """One series of CT slices of this size, with noise that does not compress."""
    folder.mkdir(parents=True)
    edge = round((kilobytes * 512) ** 0.5)
    random = np.random.default_rng(association)
    for number in range(1, images + 1):
        image = Dataset()
        image.SOPClassUID = CTImageStorage
        image.SOPInstanceUID = f"1.2.826.0.1.{association}.{number}"
        image.StudyInstanceUID = "1.2.826.0.2"
        image.SeriesInstanceUID = f"1.2.826.0.1.{association}"
        image.PatientID, image.PatientName, image.Modality = "BENCH", "Bench^Mark", "CT"
        image.StudyDate = image.StudyTime = image.AccessionNumber = image.StudyID = ""
        image.SeriesNumber, image.InstanceNumber = association, number
        image.Rows = image.Columns = edge
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit, image.PixelRepresentation, image.SamplesPerPixel = 15, 1, 1
        image.PhotometricInterpretation = "MONOCHROME2"
        image.PixelData = random.integers(-1000, 1000, (edge, edge), np.int16).tobytes()
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        file = FileDataset("", image, file_meta=meta, preamble=b"\0" * 128)
        pydicom.dcmwrite(folder / f"{number:05}.dcm", file, enforce_file_format=True)


def one_turn(server: str, sender: str, folders: list[Path], base: Path) -> Turn:
    """The server is started in an empty folder, receives everything and is stopped."""
    place, port = base / "server", free_port()
    place.mkdir()
    program = SERVERS[server][1](place, port)
    try:
        wait_for(port)
        before = processor_seconds(program)
        sent = SENDERS[sender](folders, port)
        used = processor_seconds(program) - before
        if server == "receiver":
            compare(place, folders)
    finally:
        stop(program)
        shutil.rmtree(place)
    count = sum(len(list(folder.iterdir())) for folder in folders)
    return Turn(count / sent.seconds, sent.slowest_echo, 1000 * used / count, sent.failed)


def dataset_digest(path: Path) -> str:
    """SHA-256 of what follows the file meta information."""
    content = path.read_bytes()
    length = int.from_bytes(content[140:144], "little")
    return hashlib.sha256(content[144 + length :]).hexdigest()


def stored(place: Path) -> list[Path]:
    return [path for path in (place / "spool" / "SPH").glob("*/*") if len(path.name) == 64]


def compare(place: Path, folders: list[Path]) -> None:
    """Stop when one byte of what was sent does not lie in the spool."""
    sent = sorted(dataset_digest(path) for folder in folders for path in folder.iterdir())
    if sorted(dataset_digest(path) for path in stored(place)) != sent:
        raise SystemExit("what lies in the spool is not what was sent")


def check_again(folders: list[Path], base: Path) -> None:
    """Rows 1 and 3: every byte is there, sending again adds nothing, changed pixels are conflicts."""
    place, port = base / "server", free_port()
    place.mkdir()
    program = SERVERS["receiver"][1](place, port)
    wait_for(port)
    SENDERS["storescu"](folders, port)
    compare(place, folders)
    kept = len(stored(place))
    again = SENDERS["storescu"](folders, port)
    print(
        f"sent again: {kept / again.seconds:.1f}/s, {len(stored(place)) - kept} new files, {again.failed} senders failed"
    )
    changed = base / "changed"
    changed.mkdir()
    for path in sorted(folders[0].iterdir())[:10]:
        image = pydicom.dcmread(path)
        image.PixelData = bytes(len(image.PixelData))
        image.save_as(changed / path.name, enforce_file_format=True)
    said = subprocess.run(
        [STORESCU, "-v", "-nh", "-aec", CALLED, "+sd", "127.0.0.1", str(port), str(changed)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    journals = "".join(path.read_text() for path in (place / "spool").glob("*/*/journal"))
    compare(place, folders)
    print(
        f"changed: {journals.count('conflict')} conflicts noted, status 0111 heard "
        f"{(said.stdout + said.stderr).count('0x111')} times, old bytes intact"
    )
    stop(program)
    shutil.rmtree(place)


def compete(
    servers: list[str], sender: str, folders: list[Path], *, base: Path, times: int
) -> None:
    """All servers in turns, and a line for each with its median and its ratio to Orthanc."""
    turns: dict[str, list[Turn]] = defaultdict(list)
    for _ in range(times):
        for server in servers:
            turns[server].append(one_turn(server, sender, folders, base))
    middle = {name: statistics.median(turn.rate for turn in turns[name]) for name in servers}
    for name in servers:
        rates = sorted(turn.rate for turn in turns[name])
        ratio = f"{middle[name] / middle['Orthanc']:.2f}" if "Orthanc" in middle else "-"
        echo = max(turn.echo for turn in turns[name])
        processor = statistics.median(turn.processor_ms for turn in turns[name])
        failed = sum(turn.failed for turn in turns[name])
        print(
            f"| {len(folders)} | {sender} | {name} | {middle[name]:.1f} | {rates[0]:.1f}-{rates[-1]:.1f} | {ratio} | "
            f"{processor:.1f} | {echo:.2f} | {failed} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100, help="images per association")
    parser.add_argument("--associations", type=int, nargs="+", default=[1, 5, 10])
    parser.add_argument("--kilobytes", type=int, default=512)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--senders", nargs="+", choices=SENDERS, default=list(SENDERS))
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--place", type=Path, help="folder on the disk to measure")
    asked = parser.parse_args()
    servers = [name for name in asked.servers if Path(SERVERS[name][0]).exists()]
    for missing in set(asked.servers) - set(servers):
        print(f"{missing} is not installed")
    base = Path(tempfile.mkdtemp(prefix="imaging-receive-", dir=asked.place))
    try:
        every = [base / "sent" / str(number) for number in range(1, max(asked.associations) + 1)]
        for number, folder in enumerate(every, 1):
            write_images(folder, association=number, images=asked.images, kilobytes=asked.kilobytes)
        print(f"load of the machine at the start {os.getloadavg()[0]:.1f}")
        print(
            "| associations | sender | server | images/s (median) | range | ratio to Orthanc | "
            "processor ms an image | slowest echo s | senders failed |\n|" + "---|" * 9
        )
        for count in asked.associations:
            for sender in asked.senders:
                compete(servers, sender, every[:count], base=base, times=asked.repetitions)
        if "receiver" in servers:
            check_again(every[: asked.associations[-1]], base)
        print(f"load of the machine at the end {os.getloadavg()[0]:.1f}")
    finally:
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
