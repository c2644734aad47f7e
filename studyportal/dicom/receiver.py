"""The C-STORE receiver: answers *success* only when the file lies on disk. It asks no database.

Everything it knows is the list of senders and the spool; what arrives is read by intake later.
"""

import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from socketserver import ForkingMixIn, TCPServer, ThreadingMixIn
from ssl import SSLContext
from threading import Thread
from typing import Any

from django.conf import settings

from studyportal.dicom.association import Association
from studyportal.dicom.senders import Senders

_POLL_SECONDS = 0.1  # how soon a stop is noticed
_STOP_SECONDS = 5.0
_HANDSHAKE_SECONDS = 15.0
_TO_HEAR_THAT_IT_IS_FULL = 8  # children beyond the limit, who only reject

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Address:
    """Where the receiver listens."""

    host: str
    port: int


class _Server(TCPServer):
    """Listens; what is done with a connection is the same in a child process and in a thread."""

    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: Address, *, senders: Senders, tls: SSLContext | None) -> None:
        self._senders, self._tls = senders, tls
        if ":" in address.host:
            self.address_family = socket.AF_INET6
        super().__init__((address.host, address.port), lambda *_: None)  # type: ignore[arg-type] # never called

    def finish_request(self, request: Any, client_address: Any) -> None:
        try:
            connection = self._encrypted(request)
        except OSError as error:  # a certificate that is missing or wrong among them
            _log.warning("a connection failed before it began: %s", type(error).__name__)
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        association = Association(
            connection,
            str(client_address[0]),
            senders=self._senders,
            full=self.open_associations() >= settings.DICOM_MAX_ASSOCIATIONS,
        )
        self.talk(association)

    def handle_error(self, request: Any, client_address: Any) -> None:
        _log.exception("an association ended with a fault of ours")

    def open_associations(self) -> int:
        """How many others are talked with."""
        raise NotImplementedError

    def talk(self, association: Association) -> None:
        """The association is run to its end."""
        raise NotImplementedError

    def _encrypted(self, request: socket.socket) -> socket.socket:
        if self._tls is None:
            return request
        request.settimeout(_HANDSHAKE_SECONDS)
        return self._tls.wrap_socket(request, server_side=True)


class _ForkingServer(ForkingMixIn, _Server):
    """One process per association: they do not wait for each other's turn at the interpreter."""

    block_on_close = False

    def open_associations(self) -> int:
        return len(self.active_children or ())

    def talk(self, association: Association) -> None:
        # Asked to stop, the child ends its association, so that the batch says that it was broken off.
        signal.signal(signal.SIGTERM, lambda *_: association.stop())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        association.run()

    def stop_children(self) -> None:
        """Every association is asked to end; what it kept stays."""
        for child in list(self.active_children or ()):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while self.active_children and time.monotonic() < deadline:
            self.collect_children()
            time.sleep(_POLL_SECONDS)

    def shutdown_request(self, request: Any) -> None:
        request.close()  # in the parent the child still talks on it, so the connection itself is left alone


class _ThreadingServer(ThreadingMixIn, _Server):
    """One thread per association, for receivers inside another process."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self._open: set[Association] = set()
        super().__init__(*args, **named)

    def open_associations(self) -> int:
        return len(self._open)

    def talk(self, association: Association) -> None:
        self._open.add(association)
        try:
            association.run()
        finally:
            self._open.discard(association)

    def stop_associations(self) -> None:
        """Every association is asked to end; what it kept stays."""
        for association in list(self._open):
            association.stop()


class Receiver:
    """Listens for associations of the listed senders until it is stopped."""

    def __init__(self, senders: Senders) -> None:
        self._senders = senders
        self._running: list[_ThreadingServer] = []

    def serve(
        self, address: Address, *, say: Callable[[Address], None], tls: SSLContext | None = None
    ) -> None:
        """Listen in this process and talk in one child per association, until SIGTERM or Ctrl-C."""
        server = _ForkingServer(address, senders=self._senders, tls=tls)
        server.max_children = settings.DICOM_MAX_ASSOCIATIONS + _TO_HEAR_THAT_IT_IS_FULL
        say(_bound(server))
        gc.freeze()  # children share what is loaded now; looking through it for garbage would copy it
        try:
            server.serve_forever(_POLL_SECONDS)
        except KeyboardInterrupt:
            server.stop_children()
        finally:
            server.server_close()

    def start(self, address: Address, *, tls: SSLContext | None = None) -> Address:
        """Listen in threads of this process; returns the address with the port that was bound."""
        server = _ThreadingServer(address, senders=self._senders, tls=tls)
        self._running.append(server)
        Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True).start()
        return _bound(server)

    def stop(self) -> None:
        """No association is open and nothing listens any more."""
        for server in self._running:
            server.shutdown()
            server.stop_associations()
            server.server_close()  # waits for the threads
        self._running.clear()


def _bound(server: TCPServer) -> Address:
    host, port, *_ = server.socket.getsockname()
    return Address(str(host), int(port))
