"""Bytes in, handshake and messages out, however the bytes were cut into channel messages.

Strategy: what arrives is parsed where it lies. Only a message that is still incomplete is kept, and just as
much is added to it as it lacks; so each byte is copied a bounded number of times, and a block that comes
whole, or as header and payload in two channel messages, not at all.

Rules: nothing is kept before its length was checked; after a `WireError` the parser takes no more data.
"""

from struct import Struct
from typing import Final

from webtorrent_py.errors import WireError
from webtorrent_py.wire.handshake import HANDSHAKE_LENGTH, Handshake, check_prefix
from webtorrent_py.wire.ids import MessageId
from webtorrent_py.wire.messages import (
    LENGTH_RANGES,
    PIECE_HEADER_LENGTH,
    UNKNOWN_LENGTH_RANGE,
    KeepAlive,
    Message,
    Piece,
    length_error,
    parse_message,
)

_LENGTH_AND_ID: Final = Struct(">IB")
_PIECE_POSITION: Final = Struct(">II")
_KEEP_ALIVE: Final = KeepAlive()


class WireParser:
    """The receiving half of one peer connection.

    Until the owner calls `set_piece_count`, a bitfield may have any length up to that of the largest torrent.
    """

    def __init__(self) -> None:
        self._ranges = dict(LENGTH_RANGES)
        self._longest = max(greatest for _, greatest in (*self._ranges.values(), UNKNOWN_LENGTH_RANGE))
        self._handshaken = False
        self._failed = False
        self._kept = bytearray()  # the beginning of one incomplete message, or of the handshake
        self._needed = 0  # bytes of it with which parsing can go on

    @property
    def max_message_length(self) -> int:
        """Bytes of the largest message that is accepted, without its 4 bytes of length."""
        return self._longest

    def set_piece_count(self, count: int) -> None:
        """From here on a bitfield must fit exactly `count` pieces."""
        length = 1 + (count + 7) // 8
        self._ranges[MessageId.BITFIELD] = (length, length)
        self._longest = max(greatest for _, greatest in (*self._ranges.values(), UNKNOWN_LENGTH_RANGE))

    def receive_data(self, data: bytes) -> list[Handshake | Message]:
        """Everything that is complete with these bytes, in order.

        Raises `WireError` at what the protocol does not allow, and ever after; messages that came before it
        in the same call are lost with the connection.
        """
        if self._failed:
            raise WireError("the peer broke the protocol before")
        try:
            return self._receive(data)
        except WireError:
            self._failed = True
            self._kept.clear()
            raise

    def _receive(self, data: bytes) -> list[Handshake | Message]:
        output: list[Handshake | Message] = []
        start = 0
        kept = self._kept
        while kept:
            missing = self._needed - len(kept)
            if len(data) - start < missing:
                kept += data[start:]
                if not self._handshaken:
                    check_prefix(bytes(kept))
                return output
            if len(kept) == PIECE_HEADER_LENGTH and kept[4] == MessageId.PIECE:
                # The way stock peers send a block: its header was a channel message by itself.
                index, begin = _PIECE_POSITION.unpack_from(kept, 5)
                kept.clear()
                output.append(Piece(index, begin, memoryview(data)[start : start + missing]))
            else:
                kept += data[start : start + missing]
                message = bytes(kept)
                kept.clear()
                self._parse(message, 0, output)
            start += missing
        if start < len(data):
            self._parse(data, start, output)
        return output

    def _parse(self, data: bytes, start: int, output: list[Handshake | Message]) -> None:
        """Append what is complete in `data` from `start` on to `output` and keep the rest."""
        size = len(data)
        if not self._handshaken:
            check_prefix(data)
            if size < HANDSHAKE_LENGTH:
                self._keep(data, HANDSHAKE_LENGTH)
                return
            output.append(Handshake.parse(data[:HANDSHAKE_LENGTH]))
            self._handshaken = True
            start = HANDSHAKE_LENGTH
        ranges = self._ranges
        while size - start >= 5:
            length, message_id = _LENGTH_AND_ID.unpack_from(data, start)
            if length == 0:
                output.append(_KEEP_ALIVE)
                start += 4
                continue
            least, greatest = ranges.get(message_id, UNKNOWN_LENGTH_RANGE)
            if not least <= length <= greatest:
                raise length_error(message_id, length, least, greatest)
            end = start + 4 + length
            if end > size:
                self._keep(data[start:], end - start)
                return
            output.append(parse_message(data, start + 4, end))
            start = end
        if size - start == 4:
            length = int.from_bytes(data[start:], "big")
            if length == 0:
                output.append(_KEEP_ALIVE)
                return
            if length > self._longest:
                raise WireError(f"message of length {length}, more than {self._longest}")
            self._keep(data[start:], 5)
        elif size > start:
            self._keep(data[start:], 4)

    def _keep(self, rest: bytes, needed: int) -> None:
        self._kept += rest
        self._needed = needed
