"""Senders of a C-STORE benchmark: dcmtk's programs, and one that holds no receiver back."""

import multiprocessing
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import build_context
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
STORESCU, DCMSEND, ECHOSCU = "/usr/bin/storescu", "/usr/bin/dcmsend", "/usr/bin/echoscu"
CALLED, CALLING = "BENCH", "STORESCU"
_LARGEST_PDU = 1 << 17


@dataclass(frozen=True)
class Sent:
    """Seconds until all was sent, the slowest echo meanwhile, and how many senders failed."""

    seconds: float
    slowest_echo: float
    failed: int


def echo_until(done: Callable[[], bool], port: int) -> float:
    """Seconds that the slowest echo took while the others sent."""
    slowest = 0.0
    while not done():
        asked = time.perf_counter()
        command = [ECHOSCU, "-aet", CALLING, "-aec", CALLED, "127.0.0.1", str(port)]
        subprocess.run(command, check=True, timeout=60, capture_output=True)
        slowest = max(slowest, time.perf_counter() - asked)
        for _ in range(10):
            time.sleep(0.0 if done() else 0.05)
    return slowest


def by_dcmtk(*words: str) -> Callable[[list[Path], int], Sent]:
    """A sender that is one of dcmtk's programs, one process for each folder."""

    def send(folders: list[Path], port: int) -> Sent:
        begun, ends = time.perf_counter(), {}
        title = ["-aet", CALLING, "-aec", CALLED, "+sd", "127.0.0.1", str(port)]
        programs = [
            subprocess.Popen(
                [*words, *title, str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            for folder in folders
        ]

        def done() -> bool:
            for program in programs:
                if program.poll() is not None:
                    ends.setdefault(program.pid, time.perf_counter())
            return len(ends) == len(programs)

        echo = echo_until(done, port)
        failed = sum(program.returncode != 0 for program in programs)
        return Sent(max(ends.values()) - begun, echo, failed)

    return send


def by_quick_sender(folders: list[Path], port: int) -> Sent:
    """A sender without Nagle's algorithm, without delayed acknowledgements and without a parser."""
    gate = multiprocessing.Barrier(len(folders) + 1)
    ends = multiprocessing.Queue()
    programs = [
        multiprocessing.Process(target=_send_quickly, args=(folder, port, gate, ends))
        for folder in folders
    ]
    for program in programs:
        program.start()
    gate.wait(60)
    begun = time.perf_counter()  # the same clock in every process of the machine
    echo = echo_until(lambda: not any(program.is_alive() for program in programs), port)
    for program in programs:
        program.join()
    failed = sum(program.exitcode != 0 for program in programs)
    return Sent(max(ends.get() for _ in programs) - begun, echo, failed)


def _send_quickly(folder: Path, port: int, gate: object, ends: object) -> None:
    images = [_units(path) for path in sorted(folder.iterdir())]
    gate.wait(60)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.sendall(_request())
        largest = _accepted(_heard(wire))
        for command, dataset in images:
            wire.sendall(command + b"".join(_values(dataset, 0, largest)))
            answer = _heard(wire)
            # The status is the value of (0000,0900), two bytes after its tag and length.
            at = answer.index(b"\0\0\0\x09\x02\0\0\0")
            if answer[at + 8 : at + 10] != b"\0\0":
                os._exit(1)
        ends.put(time.perf_counter())
        wire.sendall(b"\x05\0\0\0\0\4\0\0\0\0")
        _heard(wire)


def _heard(wire: socket.socket) -> bytes:
    content = bytearray()
    needed = 6
    while len(content) < needed:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        piece = wire.recv(1 << 16)
        if not piece:
            raise OSError("the receiver hung up")
        content += piece
        if len(content) >= 6:
            needed = 6 + int.from_bytes(content[2:6], "big")
    return bytes(content)


def _accepted(content: bytes) -> int:
    answer = A_ASSOCIATE_AC()
    answer.decode(content)
    return min(answer.to_primitive().maximum_length_received or _LARGEST_PDU, _LARGEST_PDU)


def _request() -> bytes:
    asked = A_ASSOCIATE()
    asked.application_context_name = UID("1.2.840.10008.3.1.1.1")
    asked.calling_ae_title, asked.called_ae_title = CALLING, CALLED
    context = build_context(CTImageStorage, ExplicitVRLittleEndian)
    context.context_id = 1
    asked.presentation_context_definition_list = [context]
    longest, who = MaximumLengthNotification(), ImplementationClassUIDNotification()
    longest.maximum_length_received = 16384
    who.implementation_class_uid = UID("1.2.826.0.1.3680043.9.3811")
    asked.user_information = [longest, who]
    return A_ASSOCIATE_RQ(asked).encode()


def _units(path: Path) -> tuple[bytes, bytes]:
    """The command of one image as it goes over the wire, and its dataset."""
    content = path.read_bytes()
    length = int.from_bytes(content[140:144], "little")
    association, number = path.parent.name, int(path.stem)
    instance = f"1.2.826.0.1.{association}.{number}".encode()
    said = [(2, CTImageStorage.encode()), (0x100, b"\1\0"), (0x110, b"\1\0"), (0x700, b"\0\0")]
    said += [(0x800, b"\1\0"), (0x1000, instance)]
    body = b"".join(
        b"\0\0" + element.to_bytes(2, "little") + len(even).to_bytes(4, "little") + even
        for element, value in said
        for even in [value + b"\0" * (len(value) % 2)]
    )
    command = b"\0\0\0\0\4\0\0\0" + len(body).to_bytes(4, "little") + body
    return b"".join(_values(command, 1, _LARGEST_PDU)), content[144 + length :]


def _values(content: bytes, control: int, largest: int) -> list[bytes]:
    size, units = largest - 6, []
    for at in range(0, len(content), size):
        part = content[at : at + size]
        last = 2 if at + size >= len(content) else 0
        value = (len(part) + 2).to_bytes(4, "big") + bytes((1, control | last))
        units += [b"\4\0" + (len(value) + len(part)).to_bytes(4, "big") + value, part]
    return units


SENDERS = {
    "storescu": by_dcmtk(STORESCU),
    "storescu, PDU 128 kB": by_dcmtk(STORESCU, "--max-pdu", "131072"),
    "dcmsend": by_dcmtk(DCMSEND),
    "quick": by_quick_sender,
}
