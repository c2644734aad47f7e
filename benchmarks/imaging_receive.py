"""C-STORE throughput of the receiver, of dcmtk's storescp and of Orthanc, on the same disk in the same run.

    .venv/bin/python benchmarks/imaging_receive.py [--images 600] [--associations 5] [--kilobytes 512]

Each server receives the same CT slices from dcmtk's storescu, as many associations side by side. Our receiver answers
after fsync of the file and of its folder; storescp and Orthanc (SQLite, as packaged) do what they do by themselves,
which is no fsync of the image. While images come, echoscu asks for a sign of life. Afterwards everything is sent
again (nothing new may lie there) and ten images with changed pixels (ten conflicts). Servers that are not installed
are left out, and the run says so.
"""

import argparse
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

REPOSITORY = Path(__file__).resolve().parents[1]
STORESCU, ECHOSCU, STORESCP = "/usr/bin/storescu", "/usr/bin/echoscu", "/usr/bin/storescp"
ORTHANC = "/usr/sbin/Orthanc"
CALLED = "BENCH"


def write_images(folder: Path, *, association: int, images: int, kilobytes: int) -> None:
    """One series of CT slices of this size, with noise that does not compress."""
    folder.mkdir(parents=True)
    edge = round((kilobytes * 512) ** 0.5)
    random = np.random.default_rng(association)
    for number in range(1, images + 1):
        image = Dataset()
        image.SOPClassUID, image.SOPInstanceUID = (
            CTImageStorage,
            f"1.2.826.0.1.{association}.{number}",
        )
        image.StudyInstanceUID, image.SeriesInstanceUID = (
            "1.2.826.0.2",
            f"1.2.826.0.1.{association}",
        )
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


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"nothing listens at port {port}")


def start_ours(place: Path, port: int) -> subprocess.Popen[bytes]:
    (place / "senders.toml").write_text(
        f'[[sender]]\ncalling = "STORESCU"\ncalled = "{CALLED}"\nsite = "SPH"\n'
        f'[[sender]]\ncalling = "ECHOSCU"\ncalled = "{CALLED}"\nsite = "SPH"\n'
    )
    command = [sys.executable, "manage.py", "receive", "--port", str(port)]
    more = {"STUDYPORTAL_VAR": str(place), "STUDYPORTAL_SENDERS": str(place / "senders.toml")}
    return subprocess.Popen(
        command, cwd=REPOSITORY, env={**os.environ, **more}, stdout=subprocess.DEVNULL
    )


def start_storescp(place: Path, port: int) -> subprocess.Popen[bytes]:
    command = [STORESCP, "--fork", "-aet", CALLED, "-od", str(place), str(port)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def start_orthanc(place: Path, port: int) -> subprocess.Popen[bytes]:
    settings = {
        "Name": "bench", "DicomAet": CALLED, "DicomPort": port, "HttpServerEnabled": False,
        "StorageDirectory": str(place / "db"), "IndexDirectory": str(place / "db"), "Plugins": [],
    }  # fmt: skip
    (place / "orthanc.json").write_text(json.dumps(settings))
    return subprocess.Popen(
        [ORTHANC, str(place / "orthanc.json")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def send(folders: list[Path], port: int) -> tuple[float, float, int]:
    """Seconds until all was sent, the slowest echo meanwhile, and how many senders failed."""
    begun = time.perf_counter()
    senders = [
        subprocess.Popen(
            [STORESCU, "-aec", CALLED, "+sd", "127.0.0.1", str(port), str(folder)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for folder in folders
    ]  # fmt: skip
    slowest = 0.0
    while any(sender.poll() is None for sender in senders):
        asked = time.perf_counter()
        subprocess.run([ECHOSCU, "-aec", CALLED, "127.0.0.1", str(port)], check=True, timeout=60)
        slowest = max(slowest, time.perf_counter() - asked)
        time.sleep(0.5)
    return time.perf_counter() - begun, slowest, sum(sender.returncode != 0 for sender in senders)


def processor_seconds(server: subprocess.Popen[bytes]) -> float:
    """What the server and its ended children used so far."""
    times = psutil.Process(server.pid).cpu_times()
    return sum(times[:4])


def measure(
    name: str,
    start: Callable[[Path, int], subprocess.Popen[bytes]],
    folders: list[Path],
    base: Path,
) -> tuple[float, Path, subprocess.Popen[bytes], int]:
    place, port = base / name, free_port()
    place.mkdir()
    server = start(place, port)
    wait_for(port)
    before = processor_seconds(server)
    seconds, echo, failed = send(folders, port)
    used = processor_seconds(server) - before
    count = sum(len(list(folder.iterdir())) for folder in folders)
    rate = count / seconds
    print(
        f"{name:<10} {count} images in {seconds:6.1f} s = {rate:6.1f}/s, slowest echo {echo:4.2f} s, "
        f"processor {1000 * used / count:.1f} ms an image, {failed} senders failed"
    )
    return rate, place, server, port


def dataset_digest(path: Path) -> str:
    """SHA-256 of what follows the file meta information."""
    content = path.read_bytes()
    length = int.from_bytes(content[140:144], "little")
    return hashlib.sha256(content[144 + length :]).hexdigest()


def stored(place: Path) -> list[Path]:
    return [path for path in (place / "spool" / "SPH").glob("*/*") if len(path.name) == 64]


def check_ours(place: Path, port: int, folders: list[Path], base: Path) -> None:
    """Rows 1 and 3: every byte is there, sending again adds nothing, changed pixels are conflicts."""
    sent = sorted(dataset_digest(path) for folder in folders for path in folder.iterdir())
    kept = sorted(dataset_digest(path) for path in stored(place))
    print(
        f"bytes      {len(kept)}/{len(sent)} stored, digests of the datasets equal: {kept == sent}"
    )
    seconds, _, failed = send(folders, port)
    again = len(stored(place)) - len(kept)
    print(f"sent again {len(sent) / seconds:6.1f}/s, {again} new files, {failed} senders failed")
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
    untouched = sorted(dataset_digest(path) for path in stored(place)) == kept
    print(
        f"changed    {journals.count('conflict')} conflicts noted, status 0111 heard "
        f"{(said.stdout + said.stderr).count('0x111')} times, old digests intact: {untouched}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100, help="images per association")
    parser.add_argument("--associations", type=int, default=5)
    parser.add_argument("--kilobytes", type=int, default=512)
    asked = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="imaging-receive-"))
    servers = []
    try:
        folders = [base / "sent" / str(number) for number in range(1, asked.associations + 1)]
        for number, folder in enumerate(folders, 1):
            write_images(folder, association=number, images=asked.images, kilobytes=asked.kilobytes)
        rates = {}
        for name, start, program in (
            ("storescp", start_storescp, STORESCP),
            ("Orthanc", start_orthanc, ORTHANC),
            ("receiver", start_ours, STORESCU),
        ):
            if not Path(program).exists():
                print(f"{name:<10} not installed")
                continue
            rates[name], place, server, port = measure(name, start, folders, base)
            servers.append(server)
        check_ours(place, port, folders, base)
        for name in ("storescp", "Orthanc"):
            if name in rates:
                print(f"ratio to {name}: {rates['receiver'] / rates[name]:.2f}")
    finally:
        for server in servers:
            server.terminate()
            server.wait(20)
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
