"""A set of pieces that is changed one by one and searched for what a peer has.

The bits stand in words as a bitfield's do, and one more integer tells which words are not empty. Adding, removing, and
finding in a small set or where there is much in common cost the same in a torrent of a thousand pieces and of a hundred
thousand. Where there is little in common, all words are compared: a hundred for 100,000 pieces, some microseconds.
"""

from collections.abc import Iterator, Sequence
from random import Random

from webtorrent_py.codec.bitfield import BITS, WORD

# Sets of no more words are looked through one word after the other.
FEW_WORDS = 6


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
        self._words = [mine | theirs for mine, theirs in zip(self._words, words, strict=True)]
        self._occupied = _occupied(self._words)

    def take(self, words: Sequence[int]) -> list[int]:
        """Take all pieces out whose bits are set in `words`. What was taken, as words."""
        taken = [mine & theirs for mine, theirs in zip(self._words, words, strict=True)]
        self._words = [mine ^ theirs for mine, theirs in zip(self._words, taken, strict=True)]
        self._occupied = _occupied(self._words)
        return taken

    def common(self, within: Sequence[int]) -> list[int]:
        """The pieces whose bits are set in `within` too, as words."""
        return [mine & theirs for mine, theirs in zip(self._words, within, strict=True)]

    def meets(self, within: Sequence[int]) -> bool:
        """Whether any piece's bit is set in `within` too."""
        return any(mine & theirs for mine, theirs in zip(self._words, within, strict=True))

    def first(self, within: Sequence[int]) -> int | None:
        """The first piece whose bit is set in `within` too."""
        for number, mine in enumerate(self._words):
            common = mine & within[number]
            if common:
                return number * WORD + WORD - common.bit_length()
        return None

    def any(self, within: Sequence[int], random: Random) -> int | None:
        """A piece at random whose bit is set in `within` too.

        In a torrent of more than a word's pieces not each has quite the same chance: a word is chosen first.
        """
        if self._occupied.bit_count() <= FEW_WORDS:
            numbers = [number for number in _set_bits(self._occupied) if self._words[number] & within[number]]
        else:
            # Most sets with many words have something in common with a peer wherever one looks.
            number = random.randrange(len(self._words))
            if self._words[number] & within[number]:
                return _choose_in(number, self._words[number] & within[number], random)
            numbers = [number for number, word in enumerate(self.common(within)) if word]
        if not numbers:
            return None
        number = random.choice(numbers) if len(numbers) > 1 else numbers[0]
        return _choose_in(number, self._words[number] & within[number], random)


def choose(words: Sequence[int], random: Random) -> int:
    """One of the pieces in `words`, of which there is at least one."""
    number = random.choice([number for number, word in enumerate(words) if word])
    return _choose_in(number, words[number], random)


def _choose_in(number: int, word: int, random: Random) -> int:
    return number * WORD + _nth_set(word, random.randrange(word.bit_count()))


def _occupied(words: Sequence[int]) -> int:
    return sum([1 << number for number, word in enumerate(words) if word])


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
