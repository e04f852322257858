"""Peers that could be connected to: addresses, in the order in which they are to be tried.

Strategy: new ones are tried first come, first served. One that fails, or that hangs up soon, rests twice as long as
the time before and up to `MAX_REST`, each time a bit more or less, so that those who lost each other at once do not
all come back at once. Those that a user, link or tracker named are tried for ever; what other peers only heard
of is forgotten after `MAX_FAILURES`.

Rules: nothing is tried twice at a time. The number kept is bounded: when it is reached, one that failed makes room;
if none did, the new one is not taken, so that whoever tells of many addresses crowds out nobody.
"""

from dataclasses import dataclass
from enum import Enum, auto
from random import Random

from webtorrent_py.codec.address import Address
from webtorrent_py.timers import Timers
from webtorrent_py.torrent.bans import Bans

MAX_CANDIDATES = 1000
# Seconds.
FIRST_REST = 5.0
MAX_REST = 600.0
# A connection that held so long was worth making.
LASTING = 60.0
MAX_FAILURES = 4


class Source(Enum):
    """Who told of an address."""

    NAMED = auto()
    """The user, a magnet link, a tracker."""
    HEARD = auto()
    """A peer: of itself when it came to us, or of others (BEP 11)."""


@dataclass(slots=True)
class Candidate:
    """`busy`: connected, or being connected to. `failures`: attempts in a row that came to nothing."""

    source: Source
    failures: int = 0
    busy: bool = False


class Candidates:
    """Of one torrent."""

    def __init__(self, bans: Bans, random: Random) -> None:
        self._bans = bans
        self._random = random
        self._known: dict[Address, Candidate] = {}
        # Both are in the order in which they came.
        self._ready: dict[Address, None] = {}
        self._failing: dict[Address, None] = {}
        self._resting: Timers[Address] = Timers()
        self._named_only = False

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, address: Address) -> bool:
        return address in self._known

    @property
    def ready(self) -> bool:
        """Whether there is one that can be tried now."""
        return bool(self._ready)

    def add(self, address: Address, source: Source) -> None:
        """Somebody told of a peer."""
        known = self._known.get(address)
        if known is not None:
            if source is Source.NAMED:
                known.source = source
            return
        if self._add(address, source):
            self._ready[address] = None

    def occupy(self, address: Address) -> bool:
        """A peer that came to us can be reached at this address. Whether it holds it now, until `ended`."""
        if address not in self._known and not self._add(address, Source.HEARD):
            return False
        if self._known[address].busy:
            return False
        self._ready.pop(address, None)
        self._resting.set(address, None)
        self._known[address].busy = True
        return True

    def take(self, now: float) -> Address | None:
        """The one to connect to next; it is busy until `ended`. None: nothing is to be tried now."""
        for address in self._resting.take_due(now):
            self._ready[address] = None
        while self._ready:
            address = next(iter(self._ready))
            del self._ready[address]
            if self._bans.has_address(address):
                self.forget(address)
                continue
            self._known[address].busy = True
            return address
        return None

    def ended(self, address: Address, now: float, *, lasted: float = 0.0) -> None:
        """A connection ended after `lasted` seconds, or could not be made."""
        candidate = self._known.get(address)
        if candidate is None or not candidate.busy:
            return
        candidate.busy = False
        self._failing.pop(address, None)
        candidate.failures = 1 if lasted >= LASTING else candidate.failures + 1
        if candidate.source is Source.HEARD and (self._named_only or candidate.failures >= MAX_FAILURES):
            self.forget(address)
            return
        self._failing[address] = None
        rest = min(FIRST_REST * 2 ** min(candidate.failures - 1, 20), MAX_REST)
        self._resting.set(address, now + rest * self._random.uniform(0.5, 1.5))

    def avoid(self, address: Address) -> None:
        """Never connect to this address again: it is our own, or that of somebody banned."""
        self._bans.ban_address(address)
        self.forget(address)

    def forget(self, address: Address) -> None:
        """Keep the address no longer: it is of no use."""
        self._known.pop(address, None)
        self._ready.pop(address, None)
        self._failing.pop(address, None)
        self._resting.set(address, None)

    def keep_named(self) -> None:
        """Forget what was only heard of, from now on and when it ends: the torrent is private (BEP 27)."""
        self._named_only = True
        heard = [each for each, known in self._known.items() if known.source is Source.HEARD and not known.busy]
        for address in heard:
            self.forget(address)

    def get_timer(self) -> float | None:
        """When `take` has something, if nothing is added; in the past when it has now."""
        return float("-inf") if self._ready else self._resting.next()

    def _add(self, address: Address, source: Source) -> bool:
        if self._bans.has_address(address):
            return False
        if len(self._known) >= MAX_CANDIDATES:
            if not self._failing:
                return False
            self.forget(next(iter(self._failing)))
        self._known[address] = Candidate(source)
        return True
