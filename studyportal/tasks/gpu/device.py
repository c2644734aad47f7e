"""The device of this worker process, and the lock that lets one job at a time run on it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def device_lock(device: Device) -> Iterator[None]:
    """Hold the device; whoever else wants it waits. The lock dies with the worker's database session."""
    digest = hashlib.sha256(device.key.encode()).digest()
    key = int.from_bytes(digest[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [key])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
