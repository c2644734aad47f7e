"""Senders that others wrote: dcmtk's programs and Orthanc, against the C-STORE receiver."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import requests

from studyportal.core import spool
from studyportal.dicom.receiver import Address, Receiver
from studyportal.dicom.senders import Sender, Senders
from tests.portal.dicom_files import ct_slice, dataset_bytes, file_bytes, stored_files

pytestmark = pytest.mark.referee
REPOSITORY = Path(__file__).resolve().parents[2]
TITLES = ("STORESCU", "DCMSEND", "ECHOSCU", "ORTHANC")


def program(path: str) -> str:
    """By its absolute path: pynetdicom brings programs of the same names."""
    if not Path(path).is_file():
        pytest.skip(f"{path} is not installed")
    return path


def run(name: str, port: int, *words: str) -> subprocess.CompletedProcess[str]:
    title = ["-aec", "STUDYPORTAL", *words[:-1]]
    command = [program(f"/usr/bin/{name}"), *title, "127.0.0.1", str(port), *words[-1:]]
    return subprocess.run([w for w in command if w], capture_output=True, text=True, check=False)


@pytest.fixture
def place(settings, tmp_path) -> Path:
    settings.SPOOL_DIR = tmp_path / "spool"
    return settings.SPOOL_DIR


@pytest.fixture
def port(place):
    receiver = Receiver(Senders(tuple(Sender(title, "STUDYPORTAL", "SPH") for title in TITLES)))
    yield receiver.start(Address("127.0.0.1", 0)).port
    receiver.stop()


def written(folder: Path, *, count: int, value: int = 7) -> Path:
    folder.mkdir()
    for number in range(1, count + 1):
        (folder / f"{number}.dcm").write_bytes(file_bytes(ct_slice(number, value=value)))
    return folder


def kept(place: Path) -> list[bytes]:
    return sorted(dataset_bytes(path.read_bytes()) for path in stored_files(place))


def sent(folder: Path) -> list[bytes]:
    return sorted(dataset_bytes(path.read_bytes()) for path in folder.iterdir())


def test_an_echo_is_answered_to_a_listed_sender_only(port):
    assert run("echoscu", port, "").returncode == 0
    refused = run("echoscu", port, "-aet", "STRANGER", "")
    assert refused.returncode != 0
    assert "Calling AE Title Not Recognized" in refused.stderr + refused.stdout


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("storescu", ("+sd", "-R")),
        ("storescu", ("+sd", "-R", "--max-pdu", "4096")),
        ("dcmsend", ("+sd",)),
    ],
)
def test_every_byte_of_a_series_arrives_and_sending_it_again_adds_nothing(
    port, place, tmp_path, name, words
):
    folder = written(tmp_path / "series", count=5)
    for _ in range(2):
        done = run(name, port, *words, str(folder))
        assert done.returncode == 0, done.stderr
        assert kept(place) == sent(folder)


def test_changed_pixels_are_heard_as_a_duplicate_and_the_first_ones_stay(port, place, tmp_path):
    first = written(tmp_path / "first", count=2)
    run("storescu", port, "+sd", str(first))
    again = run(
        "storescu", port, "-v", "-nh", "+sd", str(written(tmp_path / "again", count=2, value=8))
    )
    assert (again.stdout + again.stderr).count("0x111") == 2
    assert kept(place) == sent(first)


def test_two_senders_of_the_same_series_at_once_keep_each_image_once(port, place, tmp_path):
    folder = written(tmp_path / "series", count=20)
    command = [
        program("/usr/bin/storescu"),
        "-aec",
        "STUDYPORTAL",
        "+sd",
        "127.0.0.1",
        str(port),
        str(folder),
    ]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [sender.wait(60) for sender in both] == [0, 0]
    assert kept(place) == sent(folder)


def test_a_sender_that_was_killed_goes_on_where_it_stopped(port, place, tmp_path):
    folder = written(tmp_path / "series", count=60)
    command = [
        program("/usr/bin/storescu"),
        "-aec",
        "STUDYPORTAL",
        "+sd",
        "127.0.0.1",
        str(port),
        str(folder),
    ]
    sender = subprocess.Popen(command)
    while not stored_files(place):
        time.sleep(0.005)
    sender.send_signal(signal.SIGKILL)
    sender.wait(10)
    before = {path: path.stat().st_mtime_ns for path in stored_files(place)}
    assert 0 < len(before) < 60
    assert run("storescu", port, "+sd", str(folder)).returncode == 0
    assert kept(place) == sent(folder)
    assert all(path.stat().st_mtime_ns == at for path, at in before.items())
    assert sorted(batch.ending for batch in spool.ended_batches()) == ["broken_off", "released"]


def listening(place: Path, port: int) -> subprocess.Popen[str]:
    """`manage.py receive` as people start it."""
    listed = place.parent / "senders.toml"
    listed.write_text('[[sender]]\ncalling = "STORESCU"\ncalled = "STUDYPORTAL"\nsite = "SPH"\n')
    command = [
        sys.executable,
        "manage.py",
        "receive",
        "--port",
        str(port),
        "--senders",
        str(listed),
    ]
    environment = {
        **os.environ,
        "STUDYPORTAL_VAR": str(place.parent),
        "DATABASE_URL": "postgresql:///none",
    }
    server = subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert "Receives at" in server.stdout.readline()
    return server


def test_a_receiver_that_was_stopped_midway_lost_nothing_that_it_answered(place, tmp_path):
    folder = written(tmp_path / "series", count=60)
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = listening(place, port)
    command = [
        program("/usr/bin/storescu"),
        "-v",
        "-aec",
        "STUDYPORTAL",
        "+sd",
        "127.0.0.1",
        str(port),
        str(folder),
    ]
    sender = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while len(stored_files(place)) < 5:
        time.sleep(0.005)
    server.terminate()
    answered = sender.communicate(timeout=60)[0].count("(Success)")
    server.communicate(timeout=20)
    assert server.returncode == 0
    assert 0 < answered <= len(stored_files(place)) < 60

    server = listening(place, port)
    assert run("storescu", port, "+sd", str(folder)).returncode == 0
    server.terminate()
    server.communicate(timeout=20)
    assert kept(place) == sent(folder)
    assert sorted(batch.ending for batch in spool.ended_batches()) == ["broken_off", "released"]


@pytest.fixture
def orthanc(port, tmp_path):
    """Orthanc on the loopback, which knows the receiver; yields the address of its REST interface."""
    ports = []
    for _ in range(2):
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    settings = {
        "DicomAet": "ORTHANC", "DicomPort": ports[0], "HttpPort": ports[1], "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False, "Plugins": [], "StorageDirectory": str(tmp_path / "orthanc"),
        "IndexDirectory": str(tmp_path / "orthanc"),
        "DicomModalities": {"portal": ["STUDYPORTAL", "127.0.0.1", port]},
    }  # fmt: skip
    (tmp_path / "orthanc.json").write_text(json.dumps(settings))
    server = subprocess.Popen(
        [program(shutil.which("Orthanc") or "/usr/sbin/Orthanc"), str(tmp_path / "orthanc.json")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{ports[1]}"
    try:
        _wait_for(address)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(address: str) -> None:
    for _ in range(300):
        try:
            requests.get(f"{address}/system", timeout=5).close()
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("Orthanc did not answer")


def _post(address: str, body: bytes) -> dict:
    with requests.post(address, body, timeout=30) as answer:
        return answer.json()


def test_orthanc_sends_what_it_holds(orthanc, place):
    ids = [_post(f"{orthanc}/instances", file_bytes(ct_slice(n)))["ID"] for n in (1, 2)]
    done = _post(f"{orthanc}/modalities/portal/store", json.dumps(ids).encode())
    assert done["FailedInstancesCount"] == 0
    assert kept(place) == sorted(dataset_bytes(file_bytes(ct_slice(n))) for n in (1, 2))
