"""When a connection has had its time: what each peer is given to show that it is there and of use."""

from webtorrent_py.peer.connection import PeerConnection

# Seconds. A peer whose channel is open has nothing to wait for with its handshake (stock: 25).
HANDSHAKE_TIMEOUT = 25.0
# BEP 3 has two minutes. As often as others do it: who hears nothing for longer knows that we are gone.
KEEP_ALIVE_INTERVAL = 50.0
# Others too send keep-alives about each minute. Browsers do not always tell that a connection is dead.
SILENT_TIME = 75.0
# Longer than anybody's keep-alive interval.
IDLE_TIMEOUT = 180.0
# Snubbed for so long, a peer only takes the place of a better one.
USELESS_TIMEOUT = 120.0


def reason_to_drop(peer: PeerConnection, now: float) -> str | None:
    """Why not to wait for the peer any longer; None: it may go on."""
    if not peer.handshaken and now - peer.opened_at > HANDSHAKE_TIMEOUT:
        return "no handshake within 25 seconds"
    if now - peer.last_received > IDLE_TIMEOUT:
        return "nothing heard for three minutes"
    if peer.snubbed and now - peer.last_block > USELESS_TIMEOUT:
        return "no block came for two minutes"
    return None


def maybe_keep_alive(peer: PeerConnection, now: float) -> None:
    """Say something to a peer to which nothing was said for long."""
    if now - peer.last_sent > KEEP_ALIVE_INTERVAL:
        peer.send_keep_alive(now)


def is_silent(peer: PeerConnection, now: float) -> bool:
    """Whether the other end may be gone unnoticed, so that the same peer may come again."""
    return now - peer.last_received > SILENT_TIME
