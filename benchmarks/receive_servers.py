"""Receivers of a C-STORE benchmark, each in a folder of its own on the same disk."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
from receive_senders import CALLED, CALLING

REPOSITORY = Path(__file__).resolve().parents[1]
STORESCP, ORTHANC = "/usr/bin/storescp", "/usr/sbin/Orthanc"
_ORTHANC_AS_PACKAGED = Path("/etc/orthanc/orthanc.json")
Program = subprocess.Popen[bytes]


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


def start_ours(place: Path, port: int) -> Program:
    """`manage.py receive`: fsync of the file and of its folder before the answer."""
    (place / "senders.toml").write_text(
        f'[[sender]]\ncalling = "{CALLING}"\ncalled = "{CALLED}"\nsite = "SPH"\n'
    )
    command = [sys.executable, "manage.py", "receive", "--port", str(port)]
    more = {"STUDYPORTAL_VAR": str(place), "STUDYPORTAL_SENDERS": str(place / "senders.toml")}
    return subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env={**os.environ, **more},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def start_storescp(place: Path, port: int) -> Program:
    """dcmtk's storescp, which writes and answers, without any fsync."""
    command = [STORESCP, "--fork", "-aet", CALLED, "-od", str(place), str(port)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def start_storescp_sync(place: Path, port: int) -> Program:
    """storescp that has each file synchronised by a program of its own, which is after its answer."""
    (place / "in").mkdir()
    command = [STORESCP, "--fork", "-aet", CALLED, "-od", str(place / "in"), "--exec-sync"]
    command += ["--exec-on-reception", "/usr/bin/sync #p/#f #p", str(port)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _start_orthanc(place: Path, port: int, *, sync: bool, http: int = 0) -> Program:
    packaged = _ORTHANC_AS_PACKAGED.read_text() if _ORTHANC_AS_PACKAGED.exists() else "{}"
    settings = json.loads(re.sub(r"^\s*//[^\n]*$|/\*[\s\S]*?\*/", "", packaged, flags=re.MULTILINE))
    settings |= {
        "DicomAet": CALLED, "DicomPort": port, "HttpServerEnabled": bool(http), "Plugins": [],
        "HttpPort": http, "AuthenticationEnabled": False, "RemoteAccessAllowed": False,
        "StorageDirectory": str(place / "db"), "IndexDirectory": str(place / "db"),
        "SyncStorageArea": sync,
    }  # fmt: skip
    (place / "orthanc.json").write_text(json.dumps(settings))
    return subprocess.Popen(
        [ORTHANC, str(place / "orthanc.json")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def start_orthanc(place: Path, port: int, *, http: int = 0) -> Program:
    """Orthanc with the settings of its package: SyncStorageArea true, fdatasync of each image; REST at a port."""
    return _start_orthanc(place, port, sync=True, http=http)


def start_orthanc_unsynced(place: Path, port: int) -> Program:
    """Orthanc without fdatasync of the images (SyncStorageArea false)."""
    return _start_orthanc(place, port, sync=False)


SERVERS = {
    "storescp": (STORESCP, start_storescp),
    "storescp+sync": (STORESCP, start_storescp_sync),
    "Orthanc": (ORTHANC, start_orthanc),
    "Orthanc unsynced": (ORTHANC, start_orthanc_unsynced),
    "receiver": (sys.executable, start_ours),
}


def processor_seconds(server: Program) -> float:
    """What the server and its ended children used so far."""
    return sum(psutil.Process(server.pid).cpu_times()[:4])


def stop(server: Program) -> None:
    server.terminate()
    server.wait(30)
