"""Runs a program that dies with the process that started it: `python -m studyportal.cli.tethered PARENT PROGRAM ...`.

The tie is made here and not between fork and exec of the parent, whose threads make code at that point unsafe.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, *words = sys.argv[1:]
    if sys.platform == "linux":
        # Both gunicorn and Celery take SIGQUIT as the order to stop at once.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGQUIT), 0, 0, 0)
        # A shell that starts a command in the background lets it ignore this signal, and programs inherit that.
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    if os.getppid() != int(parent):  # it died before the tie was made
        sys.exit(1)
    os.execv(words[0], words)  # noqa: S606 - the words come from `Program`, no shell is wanted


if __name__ == "__main__":
    main()
