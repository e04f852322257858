"""Looking through the store: which of the pieces that it should have are there, and right.

The host reads and hashes, some pieces at the same time; the pieces under way are left out, since they are not in the
store yet. Nothing is asked of peers meanwhile: it might be there already. What was verified before can be read and
served until it is found to be wrong.
"""

from collections.abc import Iterable, Iterator

from webtorrent_py.events import CheckProgress
from webtorrent_py.outbox import Outbox
from webtorrent_py.torrent.verification import Verification

# Pieces that are read at the same time, and their bytes.
MAX_CHECKS = 4
MAX_BYTES = 16 * 1024 * 1024
# News of the progress, over a whole check: one for each percent.
STEPS = 100


class Checking:
    """One look through the store."""

    def __init__(
        self, torrent: int, pieces: Iterable[int], count: int, *, verification: Verification, size: int, outbox: Outbox
    ) -> None:
        """`pieces` are the `count` pieces to look at, `size` is that of one in bytes."""
        self._torrent = torrent
        self._pieces: Iterator[int] = iter(pieces)
        self._count = count
        self._verification = verification
        self._outbox = outbox
        self._parallel = max(1, min(MAX_CHECKS, MAX_BYTES // size))
        self._asked: set[int] = set()
        self._checked = 0
        self._start()

    @property
    def is_over(self) -> bool:
        """Whether all pieces were looked at."""
        return not self._asked

    def checked(self, index: int) -> bool:
        """The host looked at a piece. False if it was not asked to."""
        if index not in self._asked:
            return False
        self._asked.remove(index)
        self._checked += 1
        if self._checked * STEPS // self._count > (self._checked - 1) * STEPS // self._count:
            self._outbox.tell(CheckProgress(self._torrent, self._checked, self._count))
        self._start()
        return True

    def _start(self) -> None:
        while len(self._asked) < self._parallel and (index := next(self._pieces, None)) is not None:
            self._asked.add(index)
            self._outbox.do(self._verification.check_piece(index))
