"""What the C-STORE receiver loses when it is killed, when its sender is killed, and when its disk is full.

    .venv/bin/python benchmarks/imaging_receive_faults.py [--images 60] [--associations 5] [--kills 3]

Killed means SIGKILL to the receiver and all its children while every sender is at work, then a new receiver and the
same senders again. Full means a file system (tmpfs, so root is needed) that runs below the reserve of the spool, and
is then made larger. The line to pass: nothing that was answered with success is missing, in the end every image is
there with its bytes and nothing else.
"""

import argparse
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from imaging_receive import compare, dataset_digest, stored, write_images
from receive_senders import CALLED, CALLING, STORESCU
from receive_servers import free_port, start_ours, stop, wait_for


def start_senders(folders: list[Path], port: int) -> list[subprocess.Popen[str]]:
    """One storescu for each folder, whose output tells every answer."""
    title = ["-v", "-nh", "-aet", CALLING, "-aec", CALLED, "+sd", "127.0.0.1", str(port)]
    return [
        subprocess.Popen(
            [STORESCU, *title, str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for folder in folders
    ]


def answers(senders: list[subprocess.Popen[str]]) -> tuple[int, int]:
    """How often success was heard, and how often that no room is left."""
    said = "".join(sender.communicate(timeout=300)[0] for sender in senders)
    return said.count("(Success)"), said.lower().count("outofresources") + said.count("0xa700")


def whole(place: Path) -> int:
    """Stored files whose name is the digest of their bytes."""
    sums = subprocess.run(
        ["sha256sum", *map(str, stored(place))], capture_output=True, text=True, check=True
    ).stdout
    return sum(Path(line[66:]).name == line[:64] for line in sums.splitlines())


def killed(folders: list[Path], base: Path, *, kills: int) -> bool:
    """SIGKILL in the middle, several times, then to the end."""
    place, port = base / "killed", free_port()
    place.mkdir()
    total, kept, right = sum(len(list(f.iterdir())) for f in folders), 0, True
    for number in range(1, kills + 1):
        server = start_ours(place, port)
        wait_for(port)
        senders = start_senders(folders, port)
        while len(stored(place)) < total * number // (kills + 1):
            time.sleep(0.01)
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        heard, _ = answers(senders)
        kept, fine = len(stored(place)), whole(place)
        right &= fine >= heard
        print(f"kill {number}: success heard {heard} times in this run, {kept} files, {fine} whole")
    server = start_ours(place, port)
    wait_for(port)
    answers(start_senders(folders, port))
    stop(server)
    sent = sorted(dataset_digest(path) for folder in folders for path in folder.iterdir())
    lying = sorted(dataset_digest(path) for path in stored(place))
    twice = len(lying) - len(set(lying))
    right &= set(lying) == set(sent)
    print(
        f"in the end {len(set(lying))} of {len(sent)} images, {twice} of them twice (stored, not answered, sent again)"
    )
    return right


def full(folders: list[Path], base: Path) -> bool:
    """Too little room, said so; then room, and the rest comes."""
    place, port = base / "full", free_port()
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1060m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        print("full disk: no file system could be mounted here")
        return True
    try:
        server = start_ours(place, port)
        wait_for(port)
        heard, refused = answers(start_senders(folders, port))
        kept = len(stored(place))
        rest = list((place / "spool").rglob(".incoming-*"))
        print(
            f"full disk: success {heard}, out of resources {refused}, {kept} files, {len(rest)} leftovers"
        )
        right = kept == heard and refused > 0 and not rest
        subprocess.run(["mount", "-o", "remount,size=3g", str(place)], check=True)
        answers(start_senders(folders, port))
        compare(place, folders)
        stop(server)
        print("with room again: every image is there once, byte for byte")
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)
    return right


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=60, help="images per association")
    parser.add_argument("--associations", type=int, default=5)
    parser.add_argument("--kills", type=int, default=3)
    asked = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="imaging-faults-"))
    try:
        folders = [base / "sent" / str(number) for number in range(1, asked.associations + 1)]
        for number, folder in enumerate(folders, 1):
            write_images(folder, association=number, images=asked.images, kilobytes=512)
        right = [killed(folders, base, kills=asked.kills), full(folders, base)]
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print("passed" if all(right) else "FAILED")
    return 0 if all(right) else 1


if __name__ == "__main__":
    raise SystemExit(main())
