"""Which pieces are wanted, and how much.

A piece is wanted if the user selected it or an open reader will come to it. Priorities are kept as one
byte per piece, and whole ranges of them are set and looked through at the speed of C.
"""

from collections.abc import Iterator

from webtorrent_py.codec.bitfield import Bitfield

UNWANTED = 0
NORMAL = 1
HIGHEST = 255


class Selection:
    """Priority per piece (0: not selected), and ranges that readers hold on top of it."""

    def __init__(self, piece_count: int, priority: int = NORMAL) -> None:
        self._priority = bytearray([priority]) * piece_count
        # Every priority that was ever given; there are few.
        self._used = {priority}
        self._held: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._priority)

    @property
    def empty(self) -> bool:
        """Whether no piece is selected."""
        return not any(self._priority)

    def select(self, first: int, last: int, priority: int) -> None:
        """Give the pieces from `first` to `last` (inclusive) a priority of 0 to 255."""
        self._priority[first : last + 1] = bytearray([priority]) * (last + 1 - first)
        self._used.add(priority)

    def export(self) -> bytes:
        """The priority of each piece."""
        return bytes(self._priority)

    def restore(self, priorities: bytes) -> None:
        """Take back what `export` gave."""
        self._priority[:] = priorities
        self._used |= set(priorities)

    def hold(self, reader: int, first: int, last: int) -> bool:
        """Want the pieces from `first` to `last` (inclusive) for as long as the reader holds them.

        True if some of them were not selected anyway.
        """
        self._held[reader] = (first, last)
        return UNWANTED in self._priority[first : last + 1]

    def release(self, reader: int) -> bool:
        """Forget what a reader held. True if some of it is not selected."""
        first, last = self._held.pop(reader, (0, -1))
        return UNWANTED in self._priority[first : last + 1]

    def selected(self, index: int) -> bool:
        """Whether the user selected the piece."""
        return self._priority[index] != UNWANTED

    def priority(self, index: int) -> int:
        """How much the piece is wanted: 0 is not at all."""
        priority = self._priority[index]
        if priority == UNWANTED and any(first <= index <= last for first, last in self._held.values()):
            return NORMAL
        return priority

    def count_missing(self, have: Bitfield) -> int:
        """How many selected pieces are not in `have`."""
        return (Bitfield.from_flags(self._priority) - have).count

    def wanted(self) -> Bitfield:
        """The wanted pieces."""
        wanted = Bitfield.from_flags(self._priority)
        for first, last in self._held.values():
            wanted |= Bitfield.from_span(first, last, len(self))
        return wanted

    def by_priority(self, pieces: Bitfield) -> Iterator[tuple[int, Bitfield]]:
        """The wanted ones of `pieces`, for each priority."""
        for priority in self._used - {UNWANTED, NORMAL}:
            only = bytes(number == priority for number in range(256))
            yield priority, pieces & Bitfield.from_flags(self._priority.translate(only))
        # What is wanted for a reader alone is of normal priority.
        normal = bytes(number == NORMAL for number in range(256))
        wanted = Bitfield.from_flags(self._priority.translate(normal))
        for first, last in self._held.values():
            wanted |= Bitfield.from_span(first, last, len(self)) - Bitfield.from_flags(self._priority)
        yield NORMAL, pieces & wanted
