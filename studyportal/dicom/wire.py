"""One connection as protocol data units (PS3.8 9.3), each checked for its length before it is read."""

import socket
import struct
from contextlib import suppress

ASSOCIATE_RQ, PRESENTATION_DATA, RELEASE_RQ, ABORT = 0x01, 0x04, 0x05, 0x07
PDU_BYTES = 1 << 17  # the longest that a sender may send, which it is told
RELEASE_RP = b"\x06\0\0\0\0\4\0\0\0\0"
_HEAD = struct.Struct(">BxL")
_VALUE = struct.Struct(">LBB")
_LAST, _COMMAND = 2, 1
_TAIL_SECONDS = 2.0


class Hung(Exception):
    """The connection is closed, was silent for too long, or failed."""


class ProtocolBroken(Exception):
    """The sender does not keep to the protocol; `reason` is the one that A-ABORT tells."""

    def __init__(self, reason: int) -> None:
        super().__init__(f"the protocol was broken, reason {reason}")
        self.reason = reason


UNEXPECTED, BAD_VALUE = 2, 6  # reasons of A-ABORT


class Wire:
    """Reads in large pieces and hands out views of them, so no byte of an image is copied more than once."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray(2 * PDU_BYTES)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0

    def wait_at_most(self, seconds: float) -> None:
        """Reading and writing give up after so long without a byte."""
        self._connection.settimeout(seconds)

    def read(self) -> tuple[int, memoryview]:
        """Type and content of the next unit; the content is valid until the next call.

        Raises
        ------
        Hung
            When no further unit comes.
        ProtocolBroken
            When the unit says that it is longer than it may be.
        """
        kind, length = _HEAD.unpack(self._take(_HEAD.size))
        if length > PDU_BYTES:
            raise ProtocolBroken(BAD_VALUE)
        return kind, self._take(length)

    def send(self, content: bytes) -> None:
        """The bytes are on their way.

        Raises
        ------
        Hung
            When the other side takes no more.
        """
        try:
            self._connection.sendall(content)
        except OSError as error:
            raise Hung from error

    def send_command(self, context: int, command: bytes) -> None:
        """A whole command set is on its way."""
        value = _VALUE.pack(len(command) + 2, context, _LAST | _COMMAND) + command
        self.send(_HEAD.pack(PRESENTATION_DATA, len(value)) + value)

    def send_abort(self, reason: int | None) -> None:
        """The other side is told that the association is over; with a reason, that the fault is its own."""
        source = b"\0\0" if reason is None else bytes((2, reason))
        with suppress(Hung):
            self.send(b"\x07\0\0\0\0\4\0\0" + source)

    def hang_up(self) -> None:
        """Reading ends at once; may be called from another thread or a signal handler."""
        with suppress(OSError):
            # The plain method: on an encrypted connection its own would go on in clear text.
            socket.socket.shutdown(self._connection, socket.SHUT_RD)

    def close(self) -> None:
        """The connection is closed, after the other side had a moment to close it first."""
        with suppress(OSError):
            self._connection.settimeout(_TAIL_SECONDS)
            self._connection.shutdown(socket.SHUT_WR)
            self._connection.recv(1)
        self._connection.close()

    def _take(self, count: int) -> memoryview:
        while self._end - self._start < count:
            self._fill()
        taken = self._view[self._start : self._start + count]
        self._start += count
        return taken

    def _fill(self) -> None:
        if self._start == self._end:
            self._start = self._end = 0
        elif self._start > len(self._buffer) // 2:
            rest = self._buffer[self._start : self._end]
            self._buffer[: len(rest)] = rest
            self._start, self._end = 0, len(rest)
        try:
            # Senders with Nagle's algorithm wait for our acknowledgement between a command and its dataset; Linux
            # holds it back for 40 ms unless it is asked again for each read.
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            count = self._connection.recv_into(self._view[self._end :])
        except OSError as error:
            raise Hung from error
        if not count:
            raise Hung
        self._end += count


def values_of(content: memoryview) -> "list[tuple[int, int, memoryview]]":
    """Context, control bits and bytes of each presentation data value in a unit.

    Raises
    ------
    ProtocolBroken
        When a value says that it is longer than the unit, or too short to be one.
    """
    values, at = [], 0
    while at < len(content):
        if len(content) - at < _VALUE.size:
            raise ProtocolBroken(BAD_VALUE)
        length, context, control = _VALUE.unpack_from(content, at)
        end = at + 4 + length
        if length < 2 or end > len(content):
            raise ProtocolBroken(BAD_VALUE)
        values.append((context, control, content[at + _VALUE.size : end]))
        at = end
    return values


def is_command(control: int) -> bool:
    """Whether the control bits are those of a command set, not of a dataset."""
    return bool(control & _COMMAND)


def is_last(control: int) -> bool:
    """Whether the value is the last one of its command set or dataset."""
    return bool(control & _LAST)
