"""Orthanc on the loopback, for tests that need an archive that others wrote."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests


@dataclass(frozen=True)
class Archive:
    """Where it listens: the address of its REST interface and its DICOM port."""

    address: str
    dicom_port: int

    def get(self, place: str) -> requests.Response:
        return requests.get(f"{self.address}/{place}", timeout=30)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_orthanc(folder: Path) -> Iterator[Archive]:
    """An empty Orthanc that keeps what it gets below the folder; skips where it is not installed."""
    program = shutil.which("Orthanc") or "/usr/sbin/Orthanc"
    if not Path(program).is_file():
        pytest.skip("Orthanc is not installed")
    archive = Archive(f"http://127.0.0.1:{(http := _free_port())}", _free_port())
    settings = {
        "DicomAet": "ORTHANC", "DicomPort": archive.dicom_port, "HttpPort": http, "Plugins": [],
        "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
        "StorageDirectory": str(folder / "orthanc"), "IndexDirectory": str(folder / "orthanc"),
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(settings))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([program, str(folder / "orthanc.json")], **quiet)
    try:
        _wait_for(archive)
        yield archive
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(archive: Archive) -> None:
    for _ in range(300):
        try:
            archive.get("system").close()
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("Orthanc did not answer")
