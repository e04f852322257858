"""At which addresses connections can be made to the peers that are here, and so which candidates are taken.

Rules: a peer that we called is where we called it; one that came to us is at the port that it told first, on the host
that it came from: else it could fill the queue with ports. Of several peers at one address (two connections to the
same one, until the worse is dropped) one holds the candidate, and the next takes over when it goes.
"""

from webtorrent_py.codec.address import Address
from webtorrent_py.peer.connection import PeerConnection
from webtorrent_py.torrent.candidates import Candidates


class Reachable:
    """Of one torrent: handle of a peer → address."""

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates
        self._at: dict[int, Address] = {}
        self._holders: dict[Address, int] = {}

    def at(self, handle: int) -> Address | None:
        """Where the peer with this handle can be reached, if that is known."""
        return self._at.get(handle)

    def opened(self, peer: PeerConnection) -> None:
        """A connection is open. Where we called, `Candidates.take` has set the candidate aside already."""
        if peer.outgoing and peer.address is not None:
            self._at[peer.handle] = peer.address
            self._holders[peer.address] = peer.handle

    def told(self, peer: PeerConnection) -> None:
        """A peer's extended handshake came, which may say on which port it listens (BEP 10)."""
        handshake = peer.extensions.handshake
        port = handshake.port if handshake else None
        if peer.address is None or port is None or peer.handle in self._at:
            return
        address = self._at[peer.handle] = Address(peer.address.host, port)
        if self._candidates.occupy(address):
            self._holders[address] = peer.handle

    def removed(self, peer: PeerConnection, now: float) -> None:
        """A peer is gone, whether it had said hello or not; its candidate may be tried again."""
        address = self._at.pop(peer.handle, None)
        if address is None or self._holders.get(address) != peer.handle:
            return
        heir = next((handle for handle, other in self._at.items() if other == address), None)
        if heir is not None:
            self._holders[address] = heir
            return
        del self._holders[address]
        self._candidates.ended(address, now, lasted=now - peer.opened_at if peer.handshaken else 0.0)
