"""One association from its request to its end, as the receiver's side of PS3.8, in the thread that runs it."""

import logging
import socket
from collections.abc import Mapping

from studyportal.core.spool import Batch, Ending
from studyportal.dicom.arriving import Arriving, TooLarge
from studyportal.dicom.commands import (
    CANCEL,
    ECHO,
    STORE,
    UNKNOWN_OPERATION,
    Command,
    CommandBroken,
    answer_to,
    read_command,
)
from studyportal.dicom.keeping import CANNOT_UNDERSTAND, SUCCESS
from studyportal.dicom.negotiation import (
    CALLED_UNKNOWN,
    CALLING_UNKNOWN,
    TOO_MANY,
    AssociationRequest,
    Context,
    Rejection,
    RequestBroken,
    rejecting,
)
from studyportal.dicom.senders import Sender, Senders
from studyportal.dicom.wire import (
    ABORT,
    ASSOCIATE_RQ,
    BAD_VALUE,
    PRESENTATION_DATA,
    RELEASE_RP,
    RELEASE_RQ,
    UNEXPECTED,
    Hung,
    ProtocolBroken,
    Wire,
    is_command,
    is_last,
    values_of,
)

_REQUEST_SECONDS, _SILENT_SECONDS = 15.0, 60.0
_MOST_COMMAND_BYTES = 1 << 14
_WITHOUT_IMAGE = {ECHO: SUCCESS, STORE: CANNOT_UNDERSTAND}

_log = logging.getLogger(__name__)


class Association:
    """Talks with one sender. `full` says that as many are talked with as may be, so that it hears to come back."""

    def __init__(
        self, connection: socket.socket, address: str, *, senders: Senders, full: bool
    ) -> None:
        self._wire = Wire(connection)
        self._address, self._senders, self._full = address, senders, full
        self._contexts: Mapping[int, Context] = {}
        self._batch: Batch | None = None
        self._site = ""
        self._command_bytes = bytearray()
        self._asked: tuple[int, Command, Arriving | None] | None = None
        self._stopped = False

    def run(self) -> None:
        """The association came to its end, and its batch says which."""
        try:
            self._wire.wait_at_most(_REQUEST_SECONDS)
            if self._open():
                self._wire.wait_at_most(_SILENT_SECONDS)
                self._talk()
        except Hung:  # also when a sender was silent for too long, which then hears that it is over
            self._wire.send_abort(None)
        except ProtocolBroken as broken:
            self._wire.send_abort(broken.reason)
        except TooLarge:
            _log.warning("an association sent more than one file may have and was ended")
            self._wire.send_abort(BAD_VALUE)
        finally:
            self._end(Ending.BROKEN_OFF)
            self._wire.close()

    def stop(self) -> None:
        """What is being kept is answered, then the association is over; from any thread or a signal handler."""
        self._stopped = True
        self._wire.hang_up()

    def _open(self) -> bool:
        kind, content = self._wire.read()
        if kind != ASSOCIATE_RQ:
            raise ProtocolBroken(UNEXPECTED)
        try:
            # The library decodes whole units; the head, of which it needs nothing, was taken off.
            request = AssociationRequest(bytes((kind, 0, 0, 0, 0, 0)) + bytes(content))
        except RequestBroken as broken:
            raise ProtocolBroken(BAD_VALUE) from broken
        sender = self._senders.find(
            calling=request.calling, called=request.called, address=self._address
        )
        rejection = self._rejection(request, sender)
        if sender is None or rejection is not None:
            self._wire.send(rejecting(rejection or CALLING_UNKNOWN))
            return False
        answer, self._contexts = request.accept()
        self._site = sender.site
        self._batch = Batch(site_code=sender.site, way="c_store", sender=sender.calling)
        self._wire.send(answer)
        return True

    def _rejection(self, request: AssociationRequest, sender: Sender | None) -> Rejection | None:
        if request.fault is not None:
            return request.fault
        if sender is None:
            _log.warning(
                "an association from %s was refused: it is not on the list of senders",
                self._address,
            )
            return CALLING_UNKNOWN if self._senders.knows_called(request.called) else CALLED_UNKNOWN
        return TOO_MANY if self._full else None

    def _talk(self) -> None:
        while not self._stopped:
            kind, content = self._wire.read()
            if kind == PRESENTATION_DATA:
                for context, control, piece in values_of(content):
                    self._take(context, control, piece)
            elif kind == RELEASE_RQ:
                # Noted before it is answered: the sender may be gone right after.
                self._end(Ending.RELEASED)
                self._wire.send(RELEASE_RP)
                return
            elif kind == ABORT:
                return
            else:
                raise ProtocolBroken(UNEXPECTED)
        self._wire.send_abort(None)

    def _take(self, context: int, control: int, piece: memoryview) -> None:
        if is_command(control):
            if self._asked is not None:
                raise ProtocolBroken(UNEXPECTED)
            self._command_bytes += piece
            if len(self._command_bytes) > _MOST_COMMAND_BYTES:
                raise ProtocolBroken(BAD_VALUE)
            if is_last(control):
                self._ask(context)
            return
        if self._asked is None or self._asked[0] != context:
            raise ProtocolBroken(UNEXPECTED)
        _context, command, arriving = self._asked
        if arriving is not None:
            arriving.take(piece)
        if is_last(control):
            self._answer(context, command, arriving)

    def _ask(self, context: int) -> None:
        try:
            command = read_command(bytes(self._command_bytes))
        except CommandBroken as broken:
            raise ProtocolBroken(BAD_VALUE) from broken
        self._command_bytes.clear()
        agreed = self._contexts.get(context)
        if agreed is None or self._batch is None:
            raise ProtocolBroken(BAD_VALUE)
        if command.field == CANCEL:
            return
        arriving = None
        if command.field == STORE and command.has_dataset:
            arriving = Arriving(command, agreed, batch=self._batch, site_code=self._site)
        self._asked = (context, command, arriving)
        if not command.has_dataset:
            self._answer(context, command, arriving)

    def _answer(self, context: int, command: Command, arriving: Arriving | None) -> None:
        self._asked = None
        if arriving is not None:
            status = arriving.settle()
        else:
            status = _WITHOUT_IMAGE.get(command.field, UNKNOWN_OPERATION)
        self._wire.send_command(context, answer_to(command, status))

    def _end(self, how: Ending) -> None:
        if self._asked is not None and self._asked[2] is not None:
            self._asked[2].drop()
        if self._batch is not None:
            self._batch.end(how)
