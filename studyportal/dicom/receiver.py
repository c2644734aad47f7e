"""The C-STORE receiver: answers *success* only when the file lies on disk. It asks no database.

Everything it knows is the list of senders and the spool; what arrives is read by intake later.
"""

import hashlib
import logging
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from socketserver import ForkingMixIn
from ssl import SSLContext
from threading import Lock, Thread
from typing import Any, cast

from django.conf import settings
from pynetdicom import AE, _config, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode_file_meta
from pynetdicom.events import Event
from pynetdicom.pdu import A_RELEASE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.transport import (
    AddressInformation,
    AssociationServer,
    AssociationSocket,
    RequestHandler,
    ThreadedAssociationServer,
)

from studyportal.core.spool import Batch, Ending
from studyportal.dicom.accepted import SOP_CLASSES, TRANSFER_SYNTAXES, VERIFICATION
from studyportal.dicom.head import NotDicom, identity_of, read_head
from studyportal.dicom.keeping import (
    CANNOT_UNDERSTAND,
    MISMATCH,
    OUT_OF_RESOURCES,
    STATUS,
    SUCCESS,
)
from studyportal.dicom.senders import Sender, Senders

_CALLING_UNKNOWN, _CALLED_UNKNOWN = (1, 1, 3), (1, 1, 7)  # result, source, reason of A-ASSOCIATE-RJ
_ASSOCIATE_AC = b"\x02"  # type of the PDU that accepts an association
_PDU_BYTES = 1 << 17
_BESIDE_THE_FILE = 1 << 20  # negotiation, command set, headers of small PDUs
_READ_BYTES = 1 << 17
_POLL_SECONDS = 0.1  # how soon a stop is noticed

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Address:
    """Where the receiver listens."""

    host: str
    port: int


class _Socket(AssociationSocket):
    """Ends an association that sends more than one file may have before we answered.

    A PDU says its length itself; the library would read as much into memory as it says.
    """

    _unanswered = 0
    _let_in = False

    def recv(self, nr_bytes: int) -> bytearray:
        self._unanswered += nr_bytes
        file_bytes = settings.UPLOAD_MAX_BYTES_PER_FILE if self._let_in else 0
        if self._unanswered > file_bytes + _BESIDE_THE_FILE:
            _log.warning("an association sent more than one file may have and was ended")
            raise OSError("too much was sent without an answer")
        connection = cast("socket.socket", self.socket)
        # Senders with Nagle's algorithm wait for our acknowledgement between a command and its dataset; Linux holds
        # it back for 40 ms unless it is asked again for each read.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        received = bytearray(nr_bytes)
        at = 0
        with memoryview(received) as view:
            while at < nr_bytes:
                count = connection.recv_into(view[at:], min(_READ_BYTES, nr_bytes - at))
                if not count:
                    break
                at += count
        return received[:at] if at < nr_bytes else received

    def send(self, bytestream: bytes) -> None:
        self._unanswered = 0
        self._let_in = self._let_in or bytestream[:1] == _ASSOCIATE_AC
        super().send(bytestream)

    def close(self) -> None:
        connection = self.socket
        super().close()
        if connection is not None:  # the library forgets a socket that the other side closed first
            connection.close()


class _Handler(RequestHandler):
    def _create_association(self) -> Association:
        association = super()._create_association()
        # A second socket object would announce the connection twice, so the one that is there gets our limits.
        association.dul.socket.__class__ = _Socket
        return association


class _ForkingHandler(_Handler):
    """Stays until its association has ended, for the process was made for it alone."""

    def handle(self) -> None:
        association = self._create_association()
        # Asked to stop, the child ends its association, so that the batch says that it was broken off.
        signal.signal(signal.SIGTERM, lambda *_: association.abort())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        evt.trigger(association, evt.EVT_CONN_OPEN, {"address": self.client_address})
        association.start()
        association.join()


class _ForkingServer(ForkingMixIn, AssociationServer):
    """One process per association: they do not wait for each other's turn at the interpreter."""

    block_on_close = False

    def stop_children(self) -> None:
        """Every association is asked to end; what it kept stays."""
        for child in list(self.active_children or ()):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)

    def shutdown_request(self, request: Any) -> None:
        request.close()  # in the parent the child still talks on it, so the connection itself is left alone


class Receiver:
    """Listens for associations of the listed senders until it is stopped."""

    def __init__(self, senders: Senders) -> None:
        self._senders = senders
        self._batches: dict[Association, tuple[Sender, Batch]] = {}
        self._lock = Lock()
        self._entity = AE(ae_title="STUDYPORTAL")

    def serve(
        self, address: Address, *, say: Callable[[Address], None], tls: SSLContext | None = None
    ) -> None:
        """Listen in this process and talk in one child per association, until SIGTERM or Ctrl-C."""
        server = self._server(address, _ForkingServer, _ForkingHandler, tls)
        server.max_children = settings.DICOM_MAX_ASSOCIATIONS
        say(Address(*server.server_address[:2]))
        try:
            server.serve_forever(_POLL_SECONDS)
        except KeyboardInterrupt:
            server.stop_children()
        finally:
            server.server_close()

    def start(self, address: Address, *, tls: SSLContext | None = None) -> Address:
        """Listen in threads of this process; returns the address with the port that was bound."""
        server = self._server(address, ThreadedAssociationServer, _Handler, tls)
        self._entity._servers.append(server)  # where the library's own way of starting keeps it
        Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True).start()
        return Address(*server.server_address[:2])

    def _server(
        self, address: Address, kind: Any, handler: type[RequestHandler], tls: SSLContext | None
    ) -> Any:
        _config.LOG_HANDLER_LEVEL = "none"  # the library's own log quotes what was sent
        entity = self._entity
        entity.maximum_pdu_size = _PDU_BYTES
        entity.maximum_associations = settings.DICOM_MAX_ASSOCIATIONS
        entity.network_timeout = entity.acse_timeout = entity.dimse_timeout = 60
        entity.add_supported_context(VERIFICATION)
        for sop_class in SOP_CLASSES:
            entity.add_supported_context(sop_class, list(TRANSFER_SYNTAXES))
        handlers: list[evt.EventHandlerType] = [
            (evt.EVT_REQUESTED, self._let_in),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_C_ECHO, lambda _event: SUCCESS),
            (evt.EVT_PDU_RECV, self._note_release),
            (evt.EVT_ABORTED, lambda event: self._end(event.assoc, Ending.BROKEN_OFF)),
            (evt.EVT_CONN_CLOSE, lambda event: self._end(event.assoc, Ending.BROKEN_OFF)),
        ]
        return entity.make_server(
            (address.host, address.port),
            evt_handlers=handlers,
            server_class=kind,
            request_handler=handler,
            ssl_context=tls,
        )

    def stop(self) -> None:
        """No association is open and nothing listens any more."""
        self._entity.shutdown()
        for association in list(self._batches):
            self._end(association, Ending.BROKEN_OFF)

    def _let_in(self, event: Event) -> None:
        association = event.assoc
        request = cast("A_ASSOCIATE", association.requestor.primitive)
        calling, called = request.calling_ae_title, request.called_ae_title
        address = cast("AddressInformation", association.requestor.address_info).address
        sender = self._senders.find(calling=calling, called=called, address=address)
        if sender is None:
            _log.warning(
                "an association from %s was refused: it is not on the list of senders", address
            )
            known = self._senders.knows_called(called)
            association.acse.send_reject(*(_CALLING_UNKNOWN if known else _CALLED_UNKNOWN))
            association.is_rejected = True
            association.kill()
            return
        batch = Batch(site_code=sender.site, way="c_store", sender=sender.calling)
        with self._lock:
            self._batches[association] = (sender, batch)

    def _note_release(self, event: Event) -> None:
        # Asked for, not done: once the answer is out, the closing of the connection may be seen first.
        if isinstance(event.pdu, A_RELEASE_RQ):
            self._end(event.assoc, Ending.RELEASED)

    def _store(self, event: Event) -> int:
        sender, batch = self._batches[event.assoc]
        try:
            return self._keep(event, sender, batch)
        except NotDicom as refused:
            batch.fail(str(refused))
            return CANNOT_UNDERSTAND
        except OSError as error:  # a full disk among them
            _log.error("a file could not be kept: %s", type(error).__name__)
            batch.fail("The disk of the receiver is full or failed.")
            return OUT_OF_RESOURCES

    def _keep(self, event: Event, sender: Sender, batch: Batch) -> int:
        request = cast("C_STORE", event.request)
        dataset = cast("BytesIO", request.DataSet)
        syntax = str(event.context.transfer_syntax)
        dataset.seek(0)
        head = read_head(dataset, transfer_syntax=syntax)
        if (head.sop_class, head.sop_instance) != (
            request.AffectedSOPClassUID,
            request.AffectedSOPInstanceUID,
        ):
            batch.fail("The request and its dataset name different instances.")
            return MISMATCH
        dataset.seek(0)
        identity = identity_of(head, site_code=sender.site, transfer_syntax=syntax, dataset=dataset)
        outcome = batch.look_up(identity)
        if outcome is None:
            start = b"\0" * 128 + b"DICM" + encode_file_meta(event.file_meta)
            temporary = batch.incoming()
            sha256 = _write(temporary, start, dataset.getbuffer())
            outcome = batch.settle(temporary, identity, sha256=sha256)
        return STATUS[outcome]

    def _end(self, association: Association, how: Ending) -> None:
        with self._lock:
            _sender, batch = self._batches.pop(association, (None, None))
        if batch is not None:
            batch.end(how)


def _write(target: Path, start: bytes, dataset: memoryview) -> str:
    """The file's digest, once all its bytes are handed to the system; the spool makes them durable."""
    digest = hashlib.sha256(start)
    digest.update(dataset)
    try:
        with target.open("wb") as stream:
            stream.writelines((start, dataset))
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    finally:
        dataset.release()
    return digest.hexdigest()
