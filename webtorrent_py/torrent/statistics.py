"""Figures about a torrent and its peers, computed when they are asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from webtorrent_py.torrent.torrent import Torrent


@dataclass(frozen=True, slots=True)
class PeerStats:
    """One peer or web seed at one time. Rates are bytes per second, totals are bytes."""

    handle: int
    kind: str
    """`webrtc`, `tcp` or `webSeed`."""
    name: str | None
    """What it calls itself (BEP 10), or a web seed's URL."""
    address: str | None
    """`host:port` of a peer that is met by address."""
    am_choking: bool
    am_interested: bool
    peer_choking: bool
    peer_interested: bool
    is_snubbed: bool
    """Whether nothing comes though it was asked."""
    download_rate: float
    upload_rate: float
    downloaded: int
    uploaded: int
    piece_count: int
    """How many pieces it has; 0 before that is known."""
    request_count: int
    """How many blocks it is asked for."""


@dataclass(frozen=True, slots=True)
class TorrentStats:
    """A torrent at one time. Rates are bytes per second, other amounts bytes; payload only."""

    verified: int
    received: int
    """From peers and web seeds, right or wrong."""
    uploaded: int
    wasted: int
    """Received, and of no use: twice the same, or with a wrong hash."""
    download_rate: float
    upload_rate: float
    pieces_verified: int
    piece_count: int
    distributed_copies: float
    """How often each piece is in the swarm as we see it, ourselves included: whole copies, and the share of the pieces
    that are there once more. Below 1 nobody can finish."""
    seconds_active: float
    """For how long it was not paused, since the metadata was known."""
    peers: tuple[PeerStats, ...]


def torrent_stats(torrent: Torrent, now: float) -> TorrentStats:
    """The figures of a torrent."""
    have, active = torrent.bitfield, torrent.active
    return TorrentStats(
        verified=torrent.downloaded,
        received=torrent.received,
        uploaded=torrent.uploaded,
        wasted=active.downloader.wasted if active else 0,
        download_rate=torrent.download_rate(now),
        upload_rate=torrent.upload_rate(now),
        pieces_verified=have.count if have else 0,
        piece_count=len(have) if have else 0,
        distributed_copies=_distributed_copies(active.downloader.copies() if active else []),
        seconds_active=active.seconds_active(now) if active else 0.0,
        peers=tuple(_peers(torrent, now)),
    )


def _peers(torrent: Torrent, now: float) -> Iterator[PeerStats]:
    for peer in torrent.peers.values():
        if peer.handshaken:
            yield PeerStats(
                handle=peer.handle,
                kind="webrtc" if peer.address is None else "tcp",
                name=peer.extensions.handshake.client if peer.extensions.handshake else None,
                address=None if peer.address is None else str(peer.address),
                am_choking=peer.am_choking,
                am_interested=peer.am_interested,
                peer_choking=peer.peer_choking,
                peer_interested=peer.peer_interested,
                is_snubbed=peer.snubbed,
                download_rate=peer.download.rate(now),
                upload_rate=peer.upload.rate(now),
                downloaded=peer.download.total,
                uploaded=peer.upload.total,
                piece_count=peer.bitfield.count if peer.bitfield else 0,
                request_count=len(peer.requests),
            )
    for seed in torrent.web_seeds or ():
        yield PeerStats(
            handle=seed.handle,
            kind="webSeed",
            name=seed.url,
            address=None,
            am_choking=True,
            am_interested=seed.am_interested,
            peer_choking=False,
            peer_interested=False,
            is_snubbed=seed.snubbed,
            download_rate=seed.download.rate(now),
            upload_rate=0.0,
            downloaded=seed.download.total,
            uploaded=0,
            piece_count=seed.bitfield.count if seed.bitfield else 0,
            request_count=len(seed.requests),
        )


def _distributed_copies(counts: Sequence[int]) -> float:
    if not counts:
        return 0.0
    least = min(counts)
    return least + sum(count > least for count in counts) / len(counts)
