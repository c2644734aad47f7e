"""Silence over what pydicom says of a file: it quotes the values it complains of."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


class _Mute(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return False


@contextmanager
def unheard() -> Iterator[None]:
    """Neither a warning nor a line of pydicom's log gets out meanwhile."""
    log, mute = logging.getLogger("pydicom"), _Mute()
    log.addFilter(mute)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.removeFilter(mute)
