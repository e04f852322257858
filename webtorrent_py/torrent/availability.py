"""How many peers have each piece, and the pieces still to be started in order of rarity.

Strategy: the counts stand in *planes*: plane k holds bit k of every piece's count, as the words of a bitfield. A
whole bitfield is added to all counts as numbers are added by hand, with a carry from plane to plane, a word at a
time; a single `have` carries through one word. A peer that has everything adds one to a counter instead.

Pieces that may be started stand in one set per count, and are moved to the neighbouring set when the count changes.
So the rarest that a peer has is found in the first set that has something in common with the peer; where the first
few have not, it is found by comparing the counts, plane by plane. Ties are broken at random. Each priority has sets
of its own, and higher ones come first.
"""

from collections.abc import Iterable, Iterator, Sequence
from random import Random

from webtorrent_py.codec.bitfield import BITS, WORD, Bitfield
from webtorrent_py.torrent.piece_set import PieceSet, choose

# Sets that are searched one after the other before all counts are compared.
SETS_TRIED = 3


class Availability:
    """Counts per piece over all peers, and the candidates to start, rarest first (BEP 3)."""

    def __init__(self, piece_count: int, random: Random) -> None:
        self._piece_count = piece_count
        self._random = random
        self._seeds = 0
        self._planes: list[list[int]] = []
        self._tiers: dict[int, _Tier] = {}
        self.waiting = 0
        """How many pieces may be started."""

    def __getitem__(self, index: int) -> int:
        """How many connected peers have the piece."""
        return self._count(index) + self._seeds

    # --- peers ---------------------------------------------------------------------------------

    def add_peer(self, pieces: Bitfield) -> None:
        """A peer came that has `pieces`."""
        if pieces.all:
            self._seeds += 1
        elif not pieces.none:
            for tier in self._tiers.values():
                tier.shift(pieces.words, 1)
            self._carry(pieces.words, 1)

    def remove_peer(self, pieces: Bitfield) -> None:
        """A peer went; `pieces` is what it had by then."""
        if pieces.all:
            self._seeds -= 1
        elif not pieces.none:
            for tier in self._tiers.values():
                tier.shift(pieces.words, -1)
            self._carry(pieces.words, -1)

    def add_have(self, index: int, pieces: Bitfield) -> None:
        """A peer that now has `pieces` got piece `index`."""
        count = self._count(index)
        tier = self._tier_of(index)
        if tier is not None:
            tier.move(index, count, count + 1)
        number, bit = index // WORD, BITS[index % WORD]
        for plane in self._planes:
            plane[number] ^= bit
            if plane[number] & bit:
                break
        else:
            self._planes.append([0] * -(-self._piece_count // WORD))
            self._planes[-1][number] = bit
        if pieces.all:
            # From here on it counts as a seed, as `remove_peer` will take it.
            for each in self._tiers.values():
                each.shift(pieces.words, -1)
            self._carry(pieces.words, -1)
            self._seeds += 1

    def remove_have(self, index: int, pieces: Bitfield) -> None:
        """A peer that now has `pieces` lost piece `index` (BEP 54)."""
        if pieces.count == self._piece_count - 1:
            # It counted as a seed.
            self._seeds -= 1
            self.add_peer(pieces)
            return
        self.remove_peer(Bitfield.from_span(index, index, self._piece_count))

    def _count(self, index: int) -> int:
        number, bit = index // WORD, BITS[index % WORD]
        count = 0
        for power, plane in enumerate(self._planes):
            if plane[number] & bit:
                count |= 1 << power
        return count

    def _carry(self, words: Sequence[int], step: int) -> None:
        """Add 1 to the counts of the pieces in `words`, or subtract it."""
        carry = list(words)
        for plane in self._planes:
            flipped = [old ^ new for old, new in zip(plane, carry, strict=True)]
            # A bit is carried where a 1 became 0, and borrowed where a 0 became 1.
            turned = plane if step > 0 else flipped
            carry = [word & new for word, new in zip(turned, carry, strict=True)]
            plane[:] = flipped
            if not any(carry):
                return
        assert step > 0
        self._planes.append(carry)

    # --- candidates ----------------------------------------------------------------------------

    def offer(self, index: int, priority: int) -> None:
        """Let the piece be started, with a priority above 0 (255 is the most urgent)."""
        self.withdraw(index)
        self._tier(priority).add(index, self._count(index))
        self.waiting += 1

    def is_offered(self, index: int) -> bool:
        """Whether there is such a piece, and it may be started."""
        return index < self._piece_count and self._tier_of(index) is not None

    def withdraw(self, index: int) -> None:
        """Let the piece not be started: it is under way, verified, or unwanted."""
        tier = self._tier_of(index)
        if tier is not None:
            tier.remove(index, self._count(index))
            self.waiting -= 1

    def offer_only(self, pieces_of: Iterable[tuple[int, Bitfield]]) -> None:
        """Let just these pieces be started: for each priority, other pieces."""
        self._tiers.clear()
        self.waiting = 0
        for priority, pieces in pieces_of:
            if not pieces.none:
                self.waiting += pieces.count
                self._tier(priority).update(self._by_count(pieces.words))

    def rarest(self, among: Bitfield) -> int | None:
        """Of the pieces that may be started, one of the highest priority and the rarest of those in `among`."""
        for priority in self._priorities():
            index = self._tiers[priority].rarest(among.words, self._planes, self._random)
            if index is not None:
                return index
        return None

    def are_equal(self, index: int, other: int) -> bool:
        """Whether both pieces may be started, and nothing speaks for one before the other."""
        tier = self._tier_of(index)
        return tier is not None and tier is self._tier_of(other) and self._count(index) == self._count(other)

    def first(self, among: Bitfield) -> int | None:
        """Of the pieces that may be started, the first of the highest priority of those in `among`."""
        for priority in self._priorities():
            index = self._tiers[priority].waiting.first(among.words)
            if index is not None:
                return index
        return None

    def __iter__(self) -> Iterator[int]:
        """The pieces that may be started, by priority."""
        for priority in self._priorities():
            yield from self._tiers[priority].waiting

    def _priorities(self) -> list[int]:
        return sorted(self._tiers, reverse=True) if len(self._tiers) > 1 else list(self._tiers)

    def _tier(self, priority: int) -> "_Tier":
        tier = self._tiers.get(priority)
        if tier is None:
            tier = self._tiers[priority] = _Tier(self._piece_count)
        return tier

    def _tier_of(self, index: int) -> "_Tier | None":
        for tier in self._tiers.values():
            if index in tier.waiting:
                return tier
        return None

    def _by_count(self, words: Sequence[int]) -> dict[int, Sequence[int]]:
        """Pieces, as words, told apart by their counts."""
        parts: dict[int, Sequence[int]] = {0: words}
        for power in reversed(range(len(self._planes))):
            plane = self._planes[power]
            for count, part in list(parts.items()):
                ones = [word & bits for word, bits in zip(part, plane, strict=True)]
                if any(ones):
                    parts[count | 1 << power] = ones
                    parts[count] = [word ^ bits for word, bits in zip(part, ones, strict=True)]
        return parts


class _Tier:
    """The pieces of one priority that may be started."""

    def __init__(self, piece_count: int) -> None:
        self._piece_count = piece_count
        self._sets: list[PieceSet] = []
        # Bit n, counted from the lowest: the set of those that n peers have is not empty.
        self._occupied = 0
        self.waiting = PieceSet(piece_count)
        """All of them."""

    def add(self, index: int, count: int) -> None:
        self.waiting.add(index)
        self._set(count).add(index)
        self._occupied |= 1 << count

    def remove(self, index: int, count: int) -> None:
        self.waiting.discard(index)
        self._leave(index, count)

    def move(self, index: int, old: int, new: int) -> None:
        self._leave(index, old)
        self._set(new).add(index)
        self._occupied |= 1 << new

    def update(self, parts: dict[int, Sequence[int]]) -> None:
        for count, words in parts.items():
            if any(words):
                self.waiting.update(words)
                self._set(count).update(words)
                self._occupied |= 1 << count

    def shift(self, words: Sequence[int], step: int) -> None:
        """The pieces in `words` got a count greater by 1, or less."""
        counts = range(len(self._sets))
        for count in reversed(counts) if step > 0 else counts:
            if self._occupied >> count & 1:
                taken = self._sets[count].take(words)
                if any(taken):
                    self._set(count + step).update(taken)
                    self._occupied |= 1 << count + step
                    if not self._sets[count]:
                        self._occupied &= ~(1 << count)

    def rarest(self, words: Sequence[int], planes: Sequence[Sequence[int]], random: Random) -> int | None:
        # One search in all sets at once, before each of them.
        if not self.waiting.meets(words):
            return None
        occupied = self._occupied
        for _ in range(SETS_TRIED):
            lowest = occupied & -occupied
            index = self._sets[lowest.bit_length() - 1].any(words, random)
            if index is not None:
                return index
            occupied ^= lowest
            if not occupied:
                break
        # The peer lacks all that is rare: from the highest bit of the counts to the lowest, keep those without it.
        candidates = self.waiting.common(words)
        for plane in reversed(planes):
            less = [word & ~bits for word, bits in zip(candidates, plane, strict=True)]
            if any(less):
                candidates = less
        return choose(candidates, random)

    def _set(self, count: int) -> PieceSet:
        while len(self._sets) <= count:
            self._sets.append(PieceSet(self._piece_count))
        return self._sets[count]

    def _leave(self, index: int, count: int) -> None:
        pieces = self._sets[count]
        pieces.discard(index)
        if not pieces:
            self._occupied &= ~(1 << count)
