"""One job at a time per device, by an advisory lock that dies with the worker's database session."""

import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


def device_name() -> str:
    """The device of this worker: its host and, where set, the CUDA devices it may see."""
    return f"{socket.gethostname()}:{os.environ.get('CUDA_VISIBLE_DEVICES', 'all')}"


@contextmanager
def device_lock() -> Iterator[None]:
    """Hold the device; whoever else wants it waits."""
    key = int.from_bytes(hashlib.sha256(device_name().encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [key])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
