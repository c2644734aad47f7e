"""`manage.py receive`: the C-STORE receiver as a process of its own, which asks no database."""

import signal
import ssl
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from studyportal.dicom.receiver import Address, Receiver
from studyportal.dicom.senders import SendersRefused, read_senders

_USUAL_PORT = 11112


class Command(BaseCommand):
    help = "Receive images by DICOM C-STORE from the listed senders until Ctrl-C."
    requires_system_checks = ()  # some of them would ask the database
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--host",
            default=settings.DICOM_RECEIVE_HOST,
            help="address to listen at (default STUDYPORTAL_RECEIVE_HOST, else 127.0.0.1)",
        )
        parser.add_argument(
            "--port",
            type=int,
            default=settings.DICOM_RECEIVE_PORT or _USUAL_PORT,
            help=f"port to listen at (default STUDYPORTAL_RECEIVE_PORT, else {_USUAL_PORT})",
        )
        parser.add_argument(
            "--senders", type=Path, help="list of senders (default STUDYPORTAL_SENDERS)"
        )
        parser.add_argument(
            "--certificate", type=Path, help="TLS: certificate and key of this receiver (PEM)"
        )
        parser.add_argument(
            "--authority", type=Path, help="TLS: who signed the senders' certificates (PEM)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            file = options["senders"] or settings.DICOM_SENDERS_FILE
            receiver = Receiver(read_senders(file, called=settings.DICOM_AE_TITLE))
        except SendersRefused as refused:
            raise CommandError("\n".join(refused.faults)) from refused
        tls = _tls(options["certificate"], options["authority"])
        try:
            receiver.serve(Address(options["host"], options["port"]), say=self._listening, tls=tls)
        except OSError as error:
            raise CommandError(
                f"Cannot listen at {options['host']} port {options['port']} ({error.strerror})."
            ) from error
        self._say("Stopped.")

    def _listening(self, address: Address) -> None:
        self._say(f"Receives at {address.host} port {address.port} - Ctrl-C stops it")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _tls(certificate: Path | None, authority: Path | None) -> ssl.SSLContext | None:
    if certificate is None and authority is None:
        return None
    if certificate is None or authority is None:
        raise CommandError("TLS needs both --certificate and --authority.")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority))
    context.load_cert_chain(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    return context
