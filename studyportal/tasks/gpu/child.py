"""The child process that holds the model: started when first needed, ended when a job is cancelled or hangs."""

import atexit
import contextlib
import json
import os
import queue
import resource
import signal
import subprocess
import sys
import threading
from typing import Any

from django.conf import settings

from studyportal.tasks.devices import Device
from synthesis.contract import TranslationRequest

SERVE = (sys.executable, "-m", "synthesis", "serve")


class ChildDied(RuntimeError):
    """The child process ended while a job ran; `reason_id` is `killed` when a signal did it."""

    def __init__(self, sentence: str, *, reason_id: str = "") -> None:
        super().__init__(sentence)
        self.reason_id = reason_id


class Child:
    """One `python -m synthesis serve` on one device, in its own process group, dying with this process.

    The tie to this process is made before torch is loaded, so an orphan never holds a device whose lock is free.
    """

    def __init__(self, device: Device) -> None:
        tether = (sys.executable, "-m", "studyportal.cli.tethered", str(os.getpid()))
        self._process = subprocess.Popen(
            [*tether, *SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd=settings.BASE_DIR,
            env={**os.environ, **device.environment()},
        )
        self.device = device
        _limit_memory(self._process.pid, settings.SYNTHESIS_MEMORY_LIMIT_MIB)
        self._events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: TranslationRequest) -> None:
        """Hand the request to the child."""
        if self._process.stdin is None:
            raise ChildDied("the synthesis process has no input")
        try:
            self._process.stdin.write(request.to_json() + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._death() from error

    def next_event(self, *, seconds: float) -> dict[str, Any] | None:
        """Return the next event, or None when none came in time.

        Raises
        ------
        ChildDied
            When the child has ended.
        """
        try:
            event = self._events.get(timeout=seconds)
        except queue.Empty:
            return None
        if event is None:
            raise self._death()
        return event

    def end(self) -> None:
        """No process of the group is left, and no pipe to it."""
        if self.alive:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what could not be written is lost with the child
                if pipe is not None:
                    pipe.close()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            try:
                self._events.put(json.loads(line))
            except json.JSONDecodeError:  # a library wrote to standard output; not an event
                continue
        self._events.put(None)

    def _death(self) -> ChildDied:
        code = self._process.wait()
        if code == -signal.SIGKILL:
            sentence = "The synthesis process was killed, probably for want of memory."
            return ChildDied(sentence, reason_id="killed")
        return ChildDied(f"The synthesis process ended unexpectedly (code {code}).")


def _limit_memory(pid: int, mebibytes: int) -> None:
    """The process gets no more memory than this, so one job cannot starve the machine (Linux)."""
    if sys.platform == "linux" and mebibytes > 0:
        size = mebibytes << 20
        with contextlib.suppress(ProcessLookupError):  # it has ended; whoever asks it hears that
            resource.prlimit(pid, resource.RLIMIT_DATA, (size, size))


class Keeper:
    """Keeps at most one child for this worker."""

    def __init__(self) -> None:
        self._child: Child | None = None
        atexit.register(self.end)

    def child(self, device: Device) -> Child:
        """The living child on this device, started when there is none."""
        if self._child is not None and not (self._child.alive and self._child.device == device):
            self.end()
        if self._child is None:
            self._child = Child(device)
        return self._child

    def end(self) -> None:
        """The child is gone; the next job starts a fresh one."""
        if self._child is not None:
            self._child.end()
            self._child = None
