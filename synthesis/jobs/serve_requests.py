"""`python -m synthesis serve`: a long-lived child that keeps the model loaded.

One JSON request per line on standard input, JSON events on standard output: `ready`, `progress`,
`result`, `invalid`. The line {"cancel": "JOB ID"} stops a job before its next batch. The process
ends when its input ends or its parent dies.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Sequence
from typing import TextIO

import torch

from synthesis.contract import ContractError, TranslationRequest
from synthesis.jobs import translate_series

PR_SET_PDEATHSIG = 1
THREADS_VARIABLE = "SYNTHESIS_THREADS"
LARGEST_DEFAULT = 8


def main(arguments: Sequence[str]) -> int:
    """Serve until the input ends."""
    argparse.ArgumentParser(prog="python -m synthesis serve", description=__doc__).parse_args(
        arguments
    )
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    die_with_parent()
    limit_threads()
    Server(sys.stdin, sys.stdout).serve()
    return 0


def die_with_parent() -> None:
    """Ask the kernel to end this process when its parent dies (Linux; elsewhere EOF does it)."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(0)


def limit_threads() -> None:
    """Let torch use as many threads as the environment variable says; half the cores by default.

    Threads that wait for a core that another worker holds cost more than they bring: on two busy
    cores a translation takes twice as long with two threads as with one.
    """
    default = str(max(1, min(LARGEST_DEFAULT, (os.cpu_count() or 1) // 2)))
    wanted = os.environ.get(THREADS_VARIABLE) or default
    if not wanted.isdigit() or int(wanted) < 1:
        raise SystemExit(f"{THREADS_VARIABLE} must be a whole number of threads, not {wanted!r}.")
    torch.set_num_threads(int(wanted))


class Server:
    """Reads requests on one thread, so that a cancel is heard while a job runs on the other."""

    def __init__(self, source: TextIO, sink: TextIO) -> None:
        self._source = source
        self._sink = sink
        self._requests: queue.Queue[TranslationRequest | None] = queue.Queue()
        self._cancelled: set[str] = set()
        self._speaking = threading.Lock()

    def serve(self) -> None:
        """Answer requests in order until the input ends."""
        threading.Thread(target=self._listen, name="requests", daemon=True).start()
        self._say({"event": "ready", "pid": os.getpid(), "cuda": torch.cuda.is_available()})
        while (request := self._requests.get()) is not None:
            self._answer(request)

    def _listen(self) -> None:
        for line in self._source:
            if line.strip():
                self._hear(line)
        self._requests.put(None)

    def _hear(self, line: str) -> None:
        try:
            message = json.loads(line)
        except json.JSONDecodeError:
            message = None
        if isinstance(message, dict) and set(message) == {"cancel"}:
            self._cancelled.add(str(message["cancel"]))
            return
        try:
            self._requests.put(TranslationRequest.from_json(line))
        except (ContractError, TypeError) as error:
            self._say({"event": "invalid", "reason": str(error)})

    def _answer(self, request: TranslationRequest) -> None:
        job_id = request.job_id

        def progress(done: int, total: int, stage: str) -> None:
            event = {"event": "progress", "job_id": job_id, "done": done, "total": total}
            self._say({**event, "stage": stage})

        result = translate_series.run(
            request, progress=progress, cancelled=lambda: job_id in self._cancelled
        )
        self._cancelled.discard(job_id)
        self._say({"event": "result", "result": json.loads(result.to_json())})

    def _say(self, event: dict[str, object]) -> None:
        with self._speaking:
            self._sink.write(json.dumps(event) + "\n")
            self._sink.flush()
