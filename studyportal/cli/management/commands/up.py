"""`manage.py up`: the whole portal in one foreground command."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from studyportal.cli.processes import PortalProcessError, Say, running_portal
from studyportal.core.database.owner import as_owner
from studyportal.core.database.wall import wall_stands
from studyportal.core.management.commands.migrate import pending_migrations
from studyportal.tasks.devices import DeviceRefused, devices_of_machine


class Command(BaseCommand):
    help = "Serve the portal with its workers until Ctrl-C."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--host", default="127.0.0.1", help="address to serve at (default 127.0.0.1)"
        )
        parser.add_argument(
            "--port", type=int, default=8000, help="port to serve at (default 8000)"
        )
        parser.add_argument(
            "--workers", type=int, default=2, help="jobs that run side by side (default 2)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.CELERY_BROKER_URL:
            raise CommandError(
                "CELERY_BROKER_URL is not set. Start through manage.py, or name your broker."
            )
        if options["workers"] < 1:
            raise CommandError("--workers must be 1 or more.")
        stop = stop_on_signals()
        try:
            self._serve(stop, **{name: options[name] for name in ("host", "port", "workers")})
        except PortalProcessError as refused:
            raise CommandError(str(refused)) from refused

    def _serve(self, stop: threading.Event, *, host: str, port: int, workers: int) -> None:
        prepare(self._say)
        folders = {"folder": settings.BASE_DIR, "var": settings.VAR_DIR}
        devices = synthesis_devices(self._say)
        with running_portal(
            **folders,
            host=host,
            port=port,
            workers=workers,
            devices=devices,
            receives=bool(settings.DICOM_RECEIVE_PORT),
            say=self._say,
        ) as portal:
            self._say(f"StudyPortal serves at {portal.address} - Ctrl-C stops it")
            portal.serve_until(stop)
            self._say("Stopping ...")
        self._say("Stopped.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def synthesis_devices(say: Say) -> int:
    """How many devices make synthetic PET here; a device that is demanded and missing stops the start."""
    try:
        devices = devices_of_machine(settings.SYNTHESIS_DEVICES)
    except DeviceRefused as refusal:
        raise PortalProcessError(str(refusal)) from refusal
    say(f"Synthesis on {', '.join(device.label for device in devices)}")
    return len(devices)


def prepare(say: Say) -> None:
    """Database and static files are as this version of the portal needs them."""
    with as_owner(connection):
        behind = not wall_stands(connection) or pending_migrations(connection)
    if behind:
        say("Bringing the database up to date")
        call_command("migrate", interactive=False, verbosity=0)
    connection.close()
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)


def stop_on_signals() -> threading.Event:
    """Return an event that the first Ctrl-C or SIGTERM sets; the second one interrupts at once."""
    stop = threading.Event()

    def note(_number: int, _frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return stop
