"""What needs torch is asked of a process of its own, where a release made elsewhere can do no harm."""

import subprocess
import sys
from pathlib import Path

from studyportal.core.errors import Reason, Refused

_SECONDS = 100  # below the patience of the web server
_COMMAND = ("-m", "synthesis")
_FITTING: set[str] = set()  # digests seal weights and settings, so one look is enough


def require_fit(*, folder: Path, digest: str) -> None:
    """The weights in this folder are those its networks need.

    Raises
    ------
    Refused
        When they are not, or when it cannot be found out in time.
    """
    if digest not in _FITTING:
        run_synthesis("check", str(folder), "--digest", digest)
        _FITTING.add(digest)


def run_synthesis(*arguments: str) -> None:
    """`python -m synthesis …` has done its work; what it refuses is refused here, in its words."""
    try:
        ended = subprocess.run(
            [sys.executable, *_COMMAND, *arguments],
            capture_output=True, text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        sentence = f"The release could not be checked within {_SECONDS} seconds."
        raise Refused(Reason("release_slow", sentence)) from late
    if ended.returncode == 2 and ended.stderr.strip():  # its way of refusing
        raise Refused(Reason("release_refused", ended.stderr.strip().splitlines()[-1]))
    if ended.returncode:
        sentence = "The process that checks releases ended without an answer; the release may be too large for it."
        raise Refused(Reason("release_process", sentence))
