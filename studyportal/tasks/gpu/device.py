"""The device of this worker process, and the lock that lets one job at a time run on it."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import UUID

from billiard.process import current_process
from django.conf import settings
from django.db import connection

from studyportal.tasks.devices import Device, devices_of_machine


def own_device() -> Device:
    """The device of this process: of n processes on one machine each serves one of the n devices.

    Raises
    ------
    DeviceRefused
        When a device is demanded that this machine does not have.
    """
    devices = devices_of_machine(settings.SYNTHESIS_DEVICES)
    return devices[getattr(current_process(), "index", 0) % len(devices)]


def device_lock(device: Device) -> AbstractContextManager[None]:
    """Hold the device; whoever else wants it waits. The lock dies with the worker's database session."""
    return _held(device.key)


def attempt_lock(token: UUID) -> AbstractContextManager[None]:
    """Hold the attempt, so that others see at once when its worker has died."""
    return _held(f"attempt {token}")


def is_held(token: UUID) -> bool:
    """Whether some worker's database session holds the attempt."""
    key = _key(f"attempt {token}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        free = bool(cursor.fetchone()[0])
        if free:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
    return not free


@contextmanager
def _held(name: str) -> Iterator[None]:
    key = _key(name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [key])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
