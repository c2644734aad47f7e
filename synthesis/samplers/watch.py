"""Counts network evaluations, reports them, and stops between two of them when asked."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from synthesis.contract import Cancelled, CancelledError, Progress

Network = Callable[[Tensor, Tensor], Tensor]  # noisy image and time to the network's output


class Watch:
    """Wraps a network so that every evaluation can be cancelled before and is reported after."""

    def __init__(
        self, total: int, progress: Progress, cancelled: Cancelled, stage: str = "sampling"
    ) -> None:
        self.total = total
        self.done = 0
        self._progress = progress
        self._cancelled = cancelled
        self._stage = stage

    def over(self, network: Network) -> Network:
        """Return the network, watched.

        Raises
        ------
        CancelledError
            From the returned function, when somebody asked to stop.
        """

        def watched(x: Tensor, t: Tensor) -> Tensor:
            if self._cancelled():
                raise CancelledError
            output = network(x, t)
            self.done += 1
            self._progress(self.done, self.total, self._stage)
            return output

        return watched


def unwatched() -> Watch:
    """Return a watch that nobody looks at."""
    return Watch(0, lambda _done, _total, _stage: None, lambda: False)
