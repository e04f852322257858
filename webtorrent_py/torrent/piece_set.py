"""A set of pieces that is changed one by one and searched for what a peer has.

Strategy: the set's bits stand in words as a bitfield's do, and one more integer tells which words are not empty.
Adding, removing and finding among many cost the same in a torrent of a thousand pieces and of a hundred thousand;
only where set and peer have little in common, all words are compared, a hundred of them for 100,000 pieces.
"""

from collections.abc import Iterator, Sequence
from random import Random

from webtorrent_py.codec.bitfield import BITS, WORD


class PieceSet:
    """Indices of pieces."""

    __slots__ = ("_occupied", "_words")

    def __init__(self, piece_count: int) -> None:
        self._words = [0] * -(-piece_count // WORD)
        # Bit n, counted from the lowest: word n is not empty.
        self._occupied = 0

    def __bool__(self) -> bool:
        return self._occupied != 0

    def __contains__(self, index: int) -> bool:
        return self._words[index // WORD] & BITS[index % WORD] != 0

    def __iter__(self) -> Iterator[int]:
        """In rising order."""
        for number, word in enumerate(self._words):
            while word:
                place = WORD - word.bit_length()
                yield number * WORD + place
                word ^= BITS[place]

    def add(self, index: int) -> None:
        """Put a piece in."""
        number = index // WORD
        self._words[number] |= BITS[index % WORD]
        self._occupied |= 1 << number

    def discard(self, index: int) -> None:
        """Take a piece out, if it is in."""
        number = index // WORD
        self._words[number] &= ~BITS[index % WORD]
        if not self._words[number]:
            self._occupied &= ~(1 << number)

    def update(self, words: Sequence[int]) -> None:
        """Put all pieces in whose bits are set in the words of a bitfield."""
        for number, word in enumerate(words):
            if word:
                self._words[number] |= word
                self._occupied |= 1 << number

    def take(self, words: Sequence[int]) -> list[int]:
        """Take all pieces out whose bits are set in `words`. What was taken, as words."""
        taken = [mine & theirs for mine, theirs in zip(self._words, words, strict=True)]
        for number, word in enumerate(taken):
            if word:
                self._words[number] ^= word
                if not self._words[number]:
                    self._occupied &= ~(1 << number)
        return taken

    def first(self, within: Sequence[int]) -> int | None:
        """The first piece whose bit is set in `within` too."""
        for number in _set_bits(self._occupied):
            common = self._words[number] & within[number]
            if common:
                return number * WORD + WORD - common.bit_length()
        return None

    def any(self, within: Sequence[int], random: Random) -> int | None:
        """A piece at random whose bit is set in `within` too.

        In a torrent of more than a word's pieces not each has quite the same chance: a word is chosen first.
        """
        if not self._occupied:
            return None
        start = 0
        if self._occupied & (self._occupied - 1):
            start = random.randrange(self._occupied.bit_length())
        later = self._occupied >> start << start
        for part in (later, self._occupied ^ later):
            for number in _set_bits(part):
                common = self._words[number] & within[number]
                if common:
                    return number * WORD + _nth_set(common, random.randrange(common.bit_count()))
        return None


def _set_bits(word: int) -> Iterator[int]:
    """The places of the set bits, counted from the lowest."""
    while word:
        lowest = word & -word
        yield lowest.bit_length() - 1
        word ^= lowest


def _nth_set(word: int, rank: int) -> int:
    """The place, counted from the highest of `WORD` bits, of the set bit that has `rank` set bits before it."""
    place = 0
    width = WORD
    while width > 1:
        width //= 2
        upper = word >> width
        count = upper.bit_count()
        if rank < count:
            word = upper
        else:
            rank -= count
            word ^= upper << width
            place += width
    return place
