"""Connections to peers with addresses that are not open yet: those we make, and those that come to us.

Strategy: a torrent is looked at when something may have changed for it (`wake`) or when one of its candidates has
rested enough, never otherwise. Who comes to us does not say for which torrent before its handshake's first
`ROUTE_LENGTH` bytes: until these are there it is a guest, of whom no more is kept than they.
"""

from dataclasses import dataclass

from webtorrent_py.actions import ClosePeer, OpenConnection
from webtorrent_py.codec.address import Address
from webtorrent_py.errors import WireError
from webtorrent_py.handles import Handles
from webtorrent_py.outbox import Outbox
from webtorrent_py.timers import Timers
from webtorrent_py.torrent.candidates import Candidates
from webtorrent_py.wire.handshake import ROUTE_LENGTH, check_prefix, routed_info_hash

# Connections of ours under way at the same time, of all torrents: routers of homes know few.
MAX_DIALS = 30
# Those who came and have not said for what. A stranger can take these places, but not hold them for long.
MAX_GUESTS = 50
# Seconds, as stock has it.
CONNECT_TIMEOUT = 25.0
GUEST_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Dial:
    """A connection that we are making."""

    info_hash: bytes
    candidates: Candidates
    address: Address


@dataclass(slots=True)
class Guest:
    """Somebody who came, and the beginning of what it said."""

    address: Address
    said: bytes = b""


class Dialling:
    """All connections by address that are under way."""

    def __init__(self, outbox: Outbox, handles: Handles) -> None:
        self._outbox = outbox
        self._handles = handles
        self._dials: dict[int, Dial] = {}
        self._guests: dict[int, Guest] = {}
        self._connecting: dict[bytes, int] = {}
        # Torrents that found no place among `MAX_DIALS`, longest waiting first.
        self._waiting: dict[bytes, None] = {}
        self._timeouts: Timers[int] = Timers()
        self._looks: Timers[bytes] = Timers()

    def connecting(self, info_hash: bytes) -> int:
        """How many connections for this torrent are under way."""
        return self._connecting.get(info_hash, 0)

    # --- out -----------------------------------------------------------------------------------

    def wake(self, info_hash: bytes, now: float) -> None:
        """Something changed for the torrent: look at once whether to connect to somebody."""
        self._looks.set(info_hash, now)

    def dial(self, info_hash: bytes, candidates: Candidates, room: int, now: float) -> None:
        """Connect to as many as there is room for."""
        while room > 0:
            if len(self._dials) >= MAX_DIALS:
                self._waiting[info_hash] = None
                return
            address = candidates.take(now)
            if address is None:
                self._looks.set(info_hash, candidates.get_timer())
                return
            room -= 1
            handle = self._handles.new()
            self._dials[handle] = Dial(info_hash, candidates, address)
            self._connecting[info_hash] = self.connecting(info_hash) + 1
            self._timeouts.set(handle, now + CONNECT_TIMEOUT)
            self._outbox.do(OpenConnection(handle, address.host, address.port))

    def opened(self, handle: int) -> Dial | None:
        """The connection is open, and not under way any more."""
        return self._forget(handle)

    def failed(self, handle: int, now: float) -> None:
        """The host says that nothing comes of it."""
        if self._guests.pop(handle, None) is not None:
            self._timeouts.set(handle, None)
        dial = self._forget(handle)
        if dial is not None:
            dial.candidates.ended(dial.address, now)
            self.wake(dial.info_hash, now)

    # --- in ------------------------------------------------------------------------------------

    def accept(self, address: Address, now: float) -> int | None:
        """Somebody came: its handle, or None when there is no place for it."""
        if len(self._guests) >= MAX_GUESTS:
            return None
        handle = self._handles.new()
        self._guests[handle] = Guest(address)
        self._timeouts.set(handle, now + GUEST_TIMEOUT)
        return handle

    def receive_data(self, handle: int, data: bytes) -> tuple[bytes, Address, bytes] | None:
        """Bytes of a guest. When it has said enough: the info hash it wants, its address, and all its bytes."""
        guest = self._guests.get(handle)
        if guest is None:
            return None
        guest.said += data
        try:
            check_prefix(guest.said)
        except WireError:
            self.close(handle)
            return None
        if len(guest.said) < ROUTE_LENGTH:
            return None
        del self._guests[handle]
        self._timeouts.set(handle, None)
        return routed_info_hash(guest.said), guest.address, guest.said

    # --- ends ----------------------------------------------------------------------------------

    def close(self, handle: int) -> None:
        """Give a connection up."""
        self._guests.pop(handle, None)
        self._timeouts.set(handle, None)
        self._forget(handle)
        self._outbox.do(ClosePeer(handle))

    def torrent_removed(self, info_hash: bytes) -> None:
        """Nothing is to be connected for this torrent any more."""
        self._looks.set(info_hash, None)
        self._waiting.pop(info_hash, None)
        for handle in [each for each, dial in self._dials.items() if dial.info_hash == info_hash]:
            self.close(handle)

    def close_all(self) -> None:
        """Give everything up."""
        for handle in [*self._dials, *self._guests]:
            self.close(handle)

    def get_timer(self) -> float | None:
        """When to call `handle_timer` next."""
        if self._waiting and len(self._dials) < MAX_DIALS:
            return float("-inf")
        times = [due for due in (self._timeouts.next(), self._looks.next()) if due is not None]
        return min(times, default=None)

    def handle_timer(self, now: float) -> list[bytes]:
        """Give up what takes too long; the info hashes of the torrents that may connect to somebody now."""
        for handle in self._timeouts.take_due(now):
            dial = self._dials.get(handle)
            self.close(handle)
            if dial is not None:
                dial.candidates.ended(dial.address, now)
                self.wake(dial.info_hash, now)
        due = [each for each in self._looks.take_due(now) if each not in self._waiting]
        if self._waiting and len(self._dials) < MAX_DIALS:
            # One at a time: it takes what places there are, and what it still lacks it waits for behind the others.
            first = next(iter(self._waiting))
            del self._waiting[first]
            due.append(first)
        return due

    def _forget(self, handle: int) -> Dial | None:
        dial = self._dials.pop(handle, None)
        if dial is not None:
            self._timeouts.set(handle, None)
            left = self._connecting[dial.info_hash] - 1
            if left:
                self._connecting[dial.info_hash] = left
            else:
                del self._connecting[dial.info_hash]
        return dial
