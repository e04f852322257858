"""Which pieces somebody has: one bit for each piece, the first in the high bit of the first byte (BEP 3).

The bits stand in integers of `WORD` bits each. One bit is set or asked for at the same cost however many there are,
and what concerns all of them (what does the peer have that we want?) goes word by word, at the speed of C.
"""

from collections.abc import Iterator, Sequence
from itertools import chain

from webtorrent_py.errors import FormatError

WORD = 1024
"""Bits of a word. Long, so that 100,000 pieces are a hundred words; not so long that changing one bit costs more."""
FULL = (1 << WORD) - 1
"""A word with all bits set."""
BITS = tuple(1 << WORD - 1 - place for place in range(WORD))
"""The bit of each place in a word; the first is the highest, as on the wire."""

_WORD_BYTES = WORD // 8
_FLAGS = b"0" + b"1" * 255


class Bitfield:
    """A fixed number of bits, all clear at first. Spare bits of the last word are always zero."""

    __slots__ = ("_count", "_length", "_words")

    def __init__(self, length: int) -> None:
        self._length = length
        self._words = [0] * -(-length // WORD)
        self._count = 0

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview, length: int) -> "Bitfield":
        """Read the form of the wire. Raises `FormatError` on a wrong size or set spare bits."""
        size = (length + 7) // 8
        if len(data) != size:
            raise FormatError(f"bitfield of {len(data)} bytes where {length} pieces need {size}")
        if length % 8 and data[-1] & (0xFF >> length % 8):
            raise FormatError("bitfield has spare bits set")
        whole = bytes(data).ljust(-(-length // WORD) * _WORD_BYTES, b"\0")
        starts = range(0, len(whole), _WORD_BYTES)
        return cls._of([int.from_bytes(whole[start : start + _WORD_BYTES], "big") for start in starts], length)

    @classmethod
    def from_flags(cls, flags: bytes | bytearray) -> "Bitfield":
        """One bit for each byte, set where the byte is not zero."""
        digits = flags.translate(_FLAGS).ljust(-(-len(flags) // WORD) * WORD, b"0")
        return cls._of([int(digits[start : start + WORD], 2) for start in range(0, len(digits), WORD)], len(flags))

    @classmethod
    def from_span(cls, first: int, last: int, length: int) -> "Bitfield":
        """The bits from `first` to `last` (inclusive) are set; none if `last` comes before `first`."""
        words = [0] * -(-length // WORD)
        for number in range(first // WORD, last // WORD + 1 if first <= last else 0):
            start = max(first - number * WORD, 0)
            end = min(last - number * WORD + 1, WORD)
            words[number] = (FULL >> start) & ~(FULL >> end)
        return cls._of(words, length)

    @classmethod
    def _of(cls, words: list[int], length: int) -> "Bitfield":
        bitfield = cls.__new__(cls)
        bitfield._length = length
        bitfield._words = words
        bitfield._count = sum(map(int.bit_count, words))
        return bitfield

    def to_bytes(self) -> bytes:
        """The form of the wire."""
        return b"".join([word.to_bytes(_WORD_BYTES, "big") for word in self._words])[: (self._length + 7) // 8]

    @property
    def words(self) -> Sequence[int]:
        """The bits as integers of `WORD` bits, for algorithms over all of them; not to be changed."""
        return self._words

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> bool:
        if not 0 <= index < self._length:
            raise IndexError(f"bit {index} of a bitfield of {self._length}")
        return self._words[index // WORD] & BITS[index % WORD] != 0

    def set(self, index: int) -> bool:
        """Set a bit; true if it was clear before."""
        if self[index]:
            return False
        self._words[index // WORD] |= BITS[index % WORD]
        self._count += 1
        return True

    def clear(self, index: int) -> bool:
        """Clear a bit; true if it was set before."""
        if not self[index]:
            return False
        self._words[index // WORD] ^= BITS[index % WORD]
        self._count -= 1
        return True

    def fill(self) -> None:
        """Set every bit."""
        self._words = [FULL] * len(self._words)
        if self._length % WORD:
            self._words[-1] = FULL ^ (FULL >> self._length % WORD)
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
        for number, word in enumerate(self._words):
            if word:
                digits = f"{word:0{WORD}b}"
                place = digits.find("1")
                while place >= 0:
                    yield number * WORD + place
                    place = digits.find("1", place + 1)

    def first_missing(self, start: int = 0, end: int | None = None) -> int:
        """The first clear bit in `start:end`, or `end` when all of them are set.

        So pieces `start` to `first_missing(start) - 1` can be read in one go. `end` defaults to the length.
        """
        end = self._length if end is None else min(end, self._length)
        while start < end:
            number, place = divmod(start, WORD)
            gaps = ~self._words[number] & (FULL >> place)
            if gaps:
                return min(number * WORD + WORD - gaps.bit_length(), end)
            start = (number + 1) * WORD
        return end

    def find_common(self, other: "Bitfield", near: int = 0) -> int | None:
        """A bit that is set both here and in `other`: the first from `near` on, or from the beginning if there is none.

        Both have the same length, and `near` is in it.
        """
        first, place = divmod(near, WORD)
        mask = FULL >> place
        for number in chain(range(first, len(self._words)), range(first + 1)):
            common = self._words[number] & other._words[number] & mask
            if common:
                return number * WORD + WORD - common.bit_length()
            mask = FULL
        return None

    def count_between(self, first: int, last: int) -> int:
        """How many bits are set from `first` to `last` (inclusive)."""
        return self.count_common(Bitfield.from_span(first, last, self._length))

    def count_common(self, other: "Bitfield") -> int:
        """How many bits are set both here and in `other`."""
        return sum([(mine & theirs).bit_count() for mine, theirs in zip(self._words, other._words, strict=True)])

    def copy(self) -> "Bitfield":
        """An independent bitfield with the same bits."""
        return Bitfield._of(self._words.copy(), self._length)

    def __and__(self, other: "Bitfield") -> "Bitfield":
        return Bitfield._of([mine & theirs for mine, theirs in self._pairs(other)], self._length)

    def __or__(self, other: "Bitfield") -> "Bitfield":
        return Bitfield._of([mine | theirs for mine, theirs in self._pairs(other)], self._length)

    def __sub__(self, other: "Bitfield") -> "Bitfield":
        """The bits that are set here and not in `other`."""
        return Bitfield._of([mine & ~theirs for mine, theirs in self._pairs(other)], self._length)

    def _pairs(self, other: "Bitfield") -> Iterator[tuple[int, int]]:
        return zip(self._words, other._words, strict=True)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Bitfield):
            return NotImplemented
        return self._length == other._length and self._words == other._words

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"Bitfield({self._count} of {self._length})"
