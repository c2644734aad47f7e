"""The long-lived child: hears requests, speaks events, ends with its input or its parent."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from synthesis.data import write_dicom
from synthesis.jobs.serve_requests import THREADS_VARIABLE, limit_threads
from tests.synthesis.makers import request_for, small_pair, untrained_release

SERVE = [sys.executable, "-m", "synthesis", "serve"]


@contextmanager
def server() -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, THREADS_VARIABLE: "1"}
    with subprocess.Popen(
        SERVE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as child:
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()


def say(child: subprocess.Popen[str], line: str) -> None:
    assert child.stdin is not None
    child.stdin.write(line + "\n")
    child.stdin.flush()


def hear(child: subprocess.Popen[str], kind: str) -> dict:
    assert child.stdout is not None
    for line in child.stdout:
        event = json.loads(line)
        if event["event"] == kind:
            return event
    raise AssertionError(f"the server ended without {kind}")


def test_the_server_answers_requests_keeps_the_model_and_ends_with_its_input(
    tmp_path: Path,
) -> None:
    write_dicom(small_pair(), tmp_path / "phantom", with_pet=False)
    release = untrained_release(tmp_path / "release")
    ct = tmp_path / "phantom" / "CT"

    with server() as child:
        assert hear(child, "ready")["pid"] == child.pid
        say(child, "this is no request")
        assert "not JSON" in hear(child, "invalid")["reason"]
        say(child, request_for(ct, release, tmp_path / "a", job_id="a").to_json())
        assert hear(child, "progress")["job_id"] == "a"
        first = hear(child, "result")["result"]
        say(child, request_for(ct, release, tmp_path / "b", job_id="b").to_json())
        second = hear(child, "result")["result"]
        say(child, json.dumps({"cancel": "c"}))
        say(child, request_for(ct, release, tmp_path / "c", job_id="c").to_json())
        third = hear(child, "result")["result"]
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(timeout=20) == 0

    assert first["status"] == second["status"] == "succeeded"
    assert second["seconds"]["loading"] < first["seconds"]["loading"]
    assert third["status"] == "cancelled"
    assert not (tmp_path / "c").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel call is Linux's")
def test_the_server_dies_with_its_parent() -> None:
    # A parent that keeps the child's input open for ever elsewhere: only the kernel can end it.
    script = (
        "import subprocess, sys, os, time;"
        "r, w = os.pipe(); os.set_inheritable(w, True);"
        "c = subprocess.Popen([sys.executable, '-m', 'synthesis', 'serve'], stdin=r,"
        " stdout=subprocess.PIPE, text=True, pass_fds=[w]);"
        "c.stdout.readline(); print(c.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()

    deadline = time.monotonic() + 10
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    still_alive = alive(child)
    if still_alive:
        os.kill(child, signal.SIGKILL)
    assert not still_alive


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_thread_limit_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS_VARIABLE, "many")

    with pytest.raises(SystemExit, match="whole number"):
        limit_threads()


@pytest.mark.parametrize(
    ("wanted", "threads"), [("3", 3), ("", max(1, min(8, (os.cpu_count() or 1) // 2)))]
)
def test_threads_are_as_asked_or_half_the_cores(
    wanted: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(THREADS_VARIABLE, wanted)
    before = torch.get_num_threads()

    limit_threads()

    found = torch.get_num_threads()
    torch.set_num_threads(before)
    assert found == threads
