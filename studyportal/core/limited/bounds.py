"""How much memory and time a child may take; the child sets these limits on itself before each file.

The limits are the kernel's, so a decoder that is stuck in C is ended as well. Nothing that is read can lift
them: no code of a file is ever run.
"""

import math
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_MIB = 1 << 20
_CLOCK_SECONDS = 60  # a busy machine may let a child wait this long for its turn


@dataclass(frozen=True)
class Bounds:
    """Limits of one child.

    A file may take `file_mib` and sixteen times its size more memory than was taken before it: the bytes, their
    copy, and the values as numbers of eight bytes. All files together, with the modules, `whole_mib` of address
    space. A file may take `file_seconds` of processor time, and one second more for each 10 MiB; work on all of
    them together `whole_seconds`. By the clock either may take far longer, since a busy machine makes it wait.
    """

    whole_mib: int
    file_mib: int = 160
    file_seconds: int = 2
    whole_seconds: int = 600


class Watch:
    """What the child tells before it turns to the next file, and the limits it then lies under."""

    def __init__(self, bounds: Bounds, tell: Callable[[int], None]) -> None:
        self._bounds = bounds
        self._tell = tell
        resource.setrlimit(
            resource.RLIMIT_CORE, (0, 0)
        )  # a dump would hold what a file says of a person

    def file(self, number: int, *, size: int) -> None:
        """The parent knows that file `number` is next, and it may take so much and no more."""
        self._tell(number)
        seconds = self._bounds.file_seconds + size // (10 * _MIB)
        self._limit(_address_space() + self._bounds.file_mib * _MIB + 16 * size, seconds)
        signal.setitimer(signal.ITIMER_REAL, _CLOCK_SECONDS + 10 * seconds)

    def whole(self) -> None:
        """Work on all files together begins."""
        self._tell(-1)
        self._limit(self._bounds.whole_mib * _MIB, self._bounds.whole_seconds)
        signal.setitimer(signal.ITIMER_REAL, 2 * self._bounds.whole_seconds)

    def unheard(self) -> "Watch":
        """The same limits for a part that is forked off the child; the parent hears nothing of its files."""
        return Watch(self._bounds, lambda _: None)

    def rest(self) -> None:
        """Nothing is going on until the parent asks again."""
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _limit(self, memory: int, seconds: int) -> None:
        memory = min(memory, self._bounds.whole_mib * _MIB)
        for kind, soft in (
            (resource.RLIMIT_AS, memory),
            (resource.RLIMIT_CPU, math.ceil(time.process_time()) + seconds),
        ):
            _, hard = resource.getrlimit(kind)
            resource.setrlimit(
                kind, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
            )


def _address_space() -> int:
    pages = Path("/proc/self/statm").read_text("ascii").split()[0]
    return int(pages) * resource.getpagesize()
