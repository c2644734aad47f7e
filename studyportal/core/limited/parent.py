"""The side of the portal: children are asked here, and their death is an answer too."""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from django.conf import settings

from studyportal.core.limited.bounds import Bounds

_PATIENCE_SECONDS = 30  # beyond what the child's own clock allows it
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class ChildEnded(RuntimeError):
    """The child went beyond a limit, or crashed, while it read file `at`; -1 is none in particular."""

    def __init__(self, at: int) -> None:
        super().__init__(f"the limited child ended at file {at}")
        self.at = at


class ChildBroke(RuntimeError):
    """A fault of ours in the child: the kind of error and where, without its message."""

    def __init__(self, kind: str, where: str) -> None:
        super().__init__(kind)
        self.kind = kind
        self.where = where


class LimitedChild:
    """One child that answers the questions of a module's `handlers`; to be used as a context."""

    def __init__(self, module: str, bounds: Bounds) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                _source(module).give(theirs)
            except OSError:  # it was ended from outside since the last child
                _forget(module)
                _source(module).give(theirs)
        ours.settimeout(2 * bounds.whole_seconds + _PATIENCE_SECONDS)
        self._socket = ours
        self._stream = ours.makefile("rwb")
        self._at = -1
        try:
            self._write(asdict(bounds))
            self._pid = int(self._next()["pid"])
        except ChildEnded as never:
            raise ChildBroke("ChildNotStarted", "") from never

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):  # what could not be written is lost with the child
            self._stream.close()
        self._socket.close()

    def ask(self, question: str, **values: object) -> dict[str, Any]:
        """The child's answer.

        Raises
        ------
        ChildEnded
            When it went beyond a limit or crashed; `at` is the file it was reading.
        ChildBroke
            When its own code failed.
        """
        self._at = -1
        self._write({"question": question, **values})
        while True:
            said = self._next()
            if "at" in said:
                self._at = said["at"]
            elif "broke" in said:
                raise ChildBroke(said["broke"], said["where"])
            else:
                answer: dict[str, Any] = said["answer"]
                return answer

    def _write(self, said: dict[str, Any]) -> None:
        try:
            self._stream.write(json.dumps(said).encode() + b"\n")
            self._stream.flush()
        except OSError as error:
            raise ChildEnded(self._at) from error

    def _next(self) -> dict[str, Any]:
        try:
            line = self._stream.readline()
        except TimeoutError as late:  # its own clock failed to end it
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            raise ChildEnded(self._at) from late
        except OSError as error:
            raise ChildEnded(self._at) from error
        if not line:
            raise ChildEnded(self._at)
        said: dict[str, Any] = json.loads(line)
        return said


class _Source:
    """The process that children are forked from; it ends when this one does, because their socket closes."""

    def __init__(self, module: str) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "studyportal.core.limited.server",
                    str(theirs.fileno()),
                    module,
                ],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                cwd=settings.BASE_DIR,
                env={**os.environ, **_ONE_THREAD},
            )
        atexit.register(self.end)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def give(self, conversation: socket.socket) -> None:
        """A child answers at the other end of this conversation."""
        socket.send_fds(self._control, [b"+"], [conversation.fileno()])

    def end(self) -> None:
        """No new child is forked; the process goes."""
        self._control.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_PATIENCE_SECONDS)


_sources: dict[tuple[int, str], _Source] = {}
_sources_lock = threading.Lock()


def _source(module: str) -> _Source:
    """The living source of this process for the module; after a fork the copy belongs to somebody else."""
    key = (os.getpid(), module)
    with _sources_lock:
        found = _sources.get(key)
        if found is None or not found.alive:
            found = _sources[key] = _Source(module)
        return found


def _forget(module: str) -> None:
    with _sources_lock:
        _sources.pop((os.getpid(), module), None)
