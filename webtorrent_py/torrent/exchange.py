"""Telling peers of peers (BEP 11): what they tell becomes candidates, and they hear of whom we are connected to.

Strategy: each peer is told the difference to what it was told before, at most once a minute. An address is told of
when a connection can be made to it: we made it, or the peer said on which port it listens.

Rules: a private torrent does neither (BEP 27). A peer that tells more often than it may is not heard, but nor is it
dropped: clients differ in how they count the minute.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from webtorrent_py.codec.address import Address, compact, may_tell_of
from webtorrent_py.peer.connection import PeerConnection
from webtorrent_py.torrent.candidates import Candidates, Source
from webtorrent_py.torrent.reachable import Reachable
from webtorrent_py.wire.exchange import MAX_ADDRESSES, PeerExchange, PeerFlags
from webtorrent_py.wire.extensions import EXTENDED_HANDSHAKE_ID, UT_PEX, UT_PEX_ID
from webtorrent_py.wire.messages import Extended

# Seconds between messages to one peer (BEP 11).
INTERVAL = 60.0
# The same for what we hear: their minute may be a bit shorter than ours.
LEAST_INTERVAL = 45.0


@dataclass(slots=True)
class _Partner:
    """What a peer was told, and when it was told or heard last."""

    told: set[Address] = field(default_factory=set)
    told_at: float = float("-inf")
    heard_at: float = float("-inf")


class Exchange:
    """Of one torrent. Off where the host makes no connections to addresses."""

    def __init__(self, peers: Mapping[int, PeerConnection], candidates: Candidates, *, enabled: bool) -> None:
        self._peers = peers
        self._candidates = candidates
        self._reachable = Reachable(candidates)
        self._enabled = enabled
        self._private = False
        self._partners: dict[int, _Partner] = {}

    @property
    def ids(self) -> Mapping[str, int]:
        """What the extended handshake says of it; 0 takes back what may have been said before (BEP 10)."""
        return {UT_PEX: 0 if self._private else UT_PEX_ID} if self._enabled else {}

    def stop(self) -> None:
        """The torrent is found to be private."""
        self._private = True
        self._partners.clear()
        self._candidates.keep_named()

    def opened(self, peer: PeerConnection) -> None:
        """A connection is open."""
        self._reachable.opened(peer)

    def message_received(self, peer: PeerConnection, message: Extended, now: float) -> None:
        """Take what concerns the addresses of peers. Raises `WireError`."""
        if not self._enabled or peer.address is None:
            return
        if message.id == UT_PEX_ID:
            self._told(peer, message.payload, now)
        elif message.id == EXTENDED_HANDSHAKE_ID:
            self._reachable.told(peer)

    def _told(self, peer: PeerConnection, payload: bytes, now: float) -> None:
        assert peer.address is not None
        if self._private:
            return
        partner = self._partners.setdefault(peer.handle, _Partner())
        if now - partner.heard_at < LEAST_INTERVAL:
            return
        partner.heard_at = now
        for address, _ in PeerExchange.parse(payload).added:
            if may_tell_of(peer.address.host, address):
                self._candidates.add(address, Source.HEARD)

    def removed(self, peer: PeerConnection, now: float) -> None:
        """A peer is gone, whether it had said hello or not."""
        self._partners.pop(peer.handle, None)
        self._reachable.removed(peer, now)

    def tick(self, now: float) -> None:
        """Tell those whose minute is over."""
        if not self._enabled or self._private:
            return
        due = [peer for peer in self._peers.values() if self._is_due(peer, now)]
        if not due:
            return
        addresses = ((self._reachable.at(peer.handle), peer) for peer in self._peers.values())
        reachable = {address: _flags(peer) for address, peer in addresses if address and compact(address)}
        for peer in due:
            self._tell(peer, reachable, now)

    def _is_due(self, peer: PeerConnection, now: float) -> bool:
        if not peer.has_extension(UT_PEX):
            return False
        partner = self._partners.get(peer.handle)
        return partner is None or now - partner.told_at >= INTERVAL

    def _tell(self, peer: PeerConnection, reachable: Mapping[Address, PeerFlags], now: float) -> None:
        partner = self._partners.setdefault(peer.handle, _Partner())
        own = self._reachable.at(peer.handle)
        added = [each for each in reachable if each not in partner.told and each != own][:MAX_ADDRESSES]
        dropped = [each for each in partner.told if each not in reachable][:MAX_ADDRESSES]
        if not added and not dropped:
            return
        partner.told.update(added)
        partner.told.difference_update(dropped)
        partner.told_at = now
        message = PeerExchange(tuple((each, reachable[each]) for each in added), tuple(dropped))
        peer.send_extension(UT_PEX, message.serialize(), now)


def _flags(peer: PeerConnection) -> PeerFlags:
    flags = PeerFlags.REACHABLE if peer.outgoing else PeerFlags(0)
    return flags | PeerFlags.SEED if peer.bitfield is not None and peer.bitfield.all else flags
