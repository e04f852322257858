"""Which pieces somebody has: one bit for each piece, the first in the high bit of the first byte (BEP 3)."""

import re
from collections.abc import Iterator

from webtorrent_py.errors import FormatError

_NOT_FULL = re.compile(rb"[^\xff]")
_NOT_EMPTY = re.compile(rb"[^\x00]")
_SET_BITS = tuple(tuple(bit for bit in range(8) if byte & (0x80 >> bit)) for byte in range(256))


class Bitfield:
    """A fixed number of bits, all clear at first. Spare bits of the last byte are always zero."""

    __slots__ = ("_bits", "_count", "_length")

    def __init__(self, length: int) -> None:
        self._length = length
        self._bits = bytearray((length + 7) // 8)
        self._count = 0

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview, length: int) -> "Bitfield":
        """Read the form of the wire. Raises `FormatError` on a wrong size or set spare bits."""
        size = (length + 7) // 8
        if len(data) != size:
            raise FormatError(f"bitfield of {len(data)} bytes where {length} pieces need {size}")
        if length % 8 and data[-1] & (0xFF >> length % 8):
            raise FormatError("bitfield has spare bits set")
        bitfield = cls(length)
        bitfield._bits[:] = data
        bitfield._count = int.from_bytes(data, "big").bit_count()
        return bitfield

    def to_bytes(self) -> bytes:
        """The form of the wire."""
        return bytes(self._bits)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> bool:
        self._check(index)
        return bool(self._bits[index >> 3] & (0x80 >> (index & 7)))

    def set(self, index: int) -> bool:
        """Set a bit; true if it was clear before."""
        if self[index]:
            return False
        self._bits[index >> 3] |= 0x80 >> (index & 7)
        self._count += 1
        return True

    def clear(self, index: int) -> bool:
        """Clear a bit; true if it was set before."""
        if not self[index]:
            return False
        self._bits[index >> 3] &= ~(0x80 >> (index & 7)) & 0xFF
        self._count -= 1
        return True

    def fill(self) -> None:
        """Set every bit."""
        self._bits[:] = b"\xff" * len(self._bits)
        if self._length % 8:
            self._bits[-1] = ~(0xFF >> self._length % 8) & 0xFF
        self._count = self._length

    @property
    def count(self) -> int:
        """Number of set bits, in constant time."""
        return self._count

    @property
    def all(self) -> bool:
        """Whether every bit is set (so also when there is none)."""
        return self._count == self._length

    @property
    def none(self) -> bool:
        """Whether no bit is set."""
        return self._count == 0

    def indices(self) -> Iterator[int]:
        """The set bits in rising order. The bitfield must not change meanwhile."""
        for match in _NOT_EMPTY.finditer(self._bits):
            position = match.start()
            for bit in _SET_BITS[self._bits[position]]:
                yield position * 8 + bit

    def first_missing(self, start: int = 0, end: int | None = None) -> int:
        """The first clear bit in `start:end`, or `end` when all of them are set.

        So pieces `start` to `first_missing(start) - 1` can be read in one go. `end` defaults to the length.
        """
        end = self._length if end is None else min(end, self._length)
        while start < end:
            if start & 7 == 0:  # whole bytes are skipped at C speed
                match = _NOT_FULL.search(self._bits, start >> 3)
                if match is None:
                    return end
                start = match.start() * 8
            for bit in range(start, min(end, (start | 7) + 1)):
                if not self[bit]:
                    return bit
            start = (start | 7) + 1
        return end

    def count_between(self, first: int, last: int) -> int:
        """How many bits are set from `first` to `last` (inclusive)."""
        self._check(first)
        self._check(last)
        bits = int.from_bytes(self._bits[first >> 3 : (last >> 3) + 1], "big") >> (7 - (last & 7))
        return (bits & ((1 << (last - first + 1)) - 1)).bit_count()

    def count_common(self, other: "Bitfield") -> int:
        """How many bits are set both here and in `other`."""
        return (int.from_bytes(self._bits, "big") & int.from_bytes(other._bits, "big")).bit_count()

    def copy(self) -> "Bitfield":
        """An independent bitfield with the same bits."""
        twin = Bitfield(self._length)
        twin._bits[:] = self._bits
        twin._count = self._count
        return twin

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Bitfield):
            return NotImplemented
        return self._length == other._length and self._bits == other._bits

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"Bitfield({self._count} of {self._length})"

    def _check(self, index: int) -> None:
        if not 0 <= index < self._length:
            raise IndexError(f"bit {index} of a bitfield of {self._length}")
