"""`python -m studyportal.core.limited.server DESCRIPTOR MODULE`: forks a child for each one that is asked for.

The module is imported once, so a child begins within milliseconds; each child has fresh memory and limits of its own.
The module's `handlers(watch)` gives the questions that a child answers, by name.
"""

import importlib
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from studyportal.core.limited.bounds import Bounds, Watch


class _Stream(Protocol):
    def write(self, line: bytes, /) -> int: ...

    def flush(self) -> None: ...


Handlers = Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]
Maker = Callable[[Watch], Handlers]


def main(descriptor: int, module: str) -> None:
    """Serve until whoever started this is gone."""
    make: Maker = importlib.import_module(module).handlers
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended children leave no zombie
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the parent's to act on
    with socket.socket(fileno=descriptor) as control:
        while True:
            asked, descriptors, _, _ = socket.recv_fds(control, 1, 1)
            if not asked:
                return
            if os.fork() == 0:
                control.close()
                _serve(socket.socket(fileno=descriptors[0]), make)
                os._exit(0)
            os.close(descriptors[0])


def _serve(conversation: socket.socket, make: Maker) -> None:
    """Answer questions until the other side hangs up."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with conversation.makefile("rwb") as stream:
        bounds = Bounds(**json.loads(stream.readline()))
        watch = Watch(bounds, lambda number: _say(stream, at=number))
        _say(stream, pid=os.getpid())
        handlers = make(watch)
        for line in stream:
            question = json.loads(line)
            _say(stream, **_answer(handlers[question.pop("question")], question))
            watch.rest()


def _answer(
    handler: Callable[[dict[str, Any]], dict[str, Any]], question: dict[str, Any]
) -> dict[str, Any]:
    try:
        return {"answer": handler(question)}
    except Exception as error:  # noqa: BLE001 it is told to the parent, which logs it
        # The message of the error may quote a header, so the kind and the place are all that is told.
        where = "".join(traceback.format_tb(error.__traceback__))
        return {"broke": type(error).__name__, "where": where}


def _say(stream: _Stream, **said: object) -> None:
    stream.write(json.dumps(said).encode() + b"\n")
    stream.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
