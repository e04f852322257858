"""What must be true of torrents and clients between any two inputs, whatever peers and hosts do.

This looks inside, so that tests of behaviour need not.
"""

from collections import Counter

from webtorrent_py.client import Client
from webtorrent_py.client.dialling import MAX_DIALS, MAX_GUESTS
from webtorrent_py.client.signalling import MAX_CONNECTIONS, Stage
from webtorrent_py.peer.connection import MAX_QUEUED_REQUESTS
from webtorrent_py.peer.incoming import MAX_SUGGESTED
from webtorrent_py.torrent.allowed_fast import ALLOWED_FAST_PIECES
from webtorrent_py.torrent.candidates import MAX_CANDIDATES
from webtorrent_py.torrent.downloader import Downloader
from webtorrent_py.torrent.end_game import MAX_REQUESTERS
from webtorrent_py.torrent.hash_exchange import HashExchange
from webtorrent_py.torrent.hash_requests import PIPELINE
from webtorrent_py.torrent.pieces import BLOCK_LENGTH
from webtorrent_py.torrent.resolving import Resolving
from webtorrent_py.torrent.source import Source
from webtorrent_py.torrent.torrent import Torrent
from webtorrent_py.torrent.webseed import WebSeed
from webtorrent_py.wire.handshake import ROUTE_LENGTH


def check_client(client: Client) -> None:
    """All torrents, and that nothing is kept of what is gone."""
    open_peers = {handle for torrent in client.torrents.values() for handle in torrent.peers}
    assert set(client._connections) == open_peers
    assert set(client._readers.values()) <= set(client.torrents.values())
    assert client._completed <= set(client.torrents)
    joined = {each: client.torrents[id] for id, info_hashes in client._swarms._joined.items() for each in info_hashes}
    assert joined == client._by_hash
    for torrent in client.torrents.values():
        assert client._swarms._joined.get(torrent.id) == torrent.swarm_hashes or torrent.failed is not None
    check_signalling(client)
    check_dialling(client)
    check_limits(client)
    for torrent in client.torrents.values():
        check_torrent(torrent)


def check_limits(client: Client) -> None:
    """Nobody waits who need not, nor for a torrent that is gone, and whoever waits is called."""
    for throttle in (client._limits.download, client._limits.upload):
        assert set(throttle._queue) | set(throttle._resting) <= set(client.torrents)
        for share in (*throttle._queue.values(), *throttle._resting.values()):
            assert share.limited or not share.members
            assert not share.members or share.stopped or throttle.get_timer() is not None


def check_signalling(client: Client) -> None:
    """The offer pool is bounded, and what is in it is accounted for."""
    signalling = client._signalling
    dials = signalling._dials
    assert len(dials) + len(client._connections) <= MAX_CONNECTIONS
    assert not set(dials) & set(client._connections)
    ready = [*signalling._ready, *(dial for each in signalling._gatherings for dial in each.offers)]
    assert sorted(dial.handle for dial in ready) == sorted(d.handle for d in dials.values() if d.stage is Stage.READY)
    assert signalling._making == sum(dial.stage is Stage.MAKING for dial in dials.values())
    assert {dial.handle for dial in signalling._by_offer.values()} == {
        dial.handle for dial in dials.values() if dial.outgoing and dial.offer_id
    }
    for dial in dials.values():
        # Everything that waits ends by itself.
        assert signalling._timers._deadlines.get(dial.handle) is not None
        assert dial.info_hash is None or dial.info_hash in client._by_hash


def check_dialling(client: Client) -> None:
    """Connections by address are bounded, and what is under way is accounted for."""
    dialling = client._dialling
    dials, guests = dialling._dials, dialling._guests
    assert len(dials) <= MAX_DIALS and len(guests) <= MAX_GUESTS
    assert not (set(dials) | set(guests)) & set(client._connections)
    assert set(dialling._timeouts._deadlines) == {*dials, *guests}
    assert dialling._connecting == Counter(dial.info_hash for dial in dials.values())
    assert {dial.info_hash for dial in dials.values()} <= client._by_hash.keys()
    assert all(len(guest.said) < ROUTE_LENGTH for guest in guests.values())
    for torrent in client.torrents.values():
        under_way = client._signalling.connecting(torrent.info_hash) + dialling.connecting(torrent.info_hash)
        assert len(torrent.peers) + under_way <= torrent.options.max_conns
        reachable = torrent._exchange._reachable
        assert reachable._at.keys() <= torrent.peers.keys()
        assert all(reachable._at[handle] == address for address, handle in reachable._holders.items())
        # Nothing else sets a candidate aside, and none is set aside twice.
        dialled = [dial.address for dial in dials.values() if dial.candidates is torrent.candidates]
        known = torrent.candidates._known
        busy = [address for address, candidate in known.items() if candidate.busy]
        assert sorted(busy) == sorted(address for address in (*dialled, *reachable._holders) if address in known)
        assert len(known) <= MAX_CANDIDATES
        assert client.dials_addresses or not known


def check_torrent(torrent: Torrent) -> None:
    """One torrent."""
    assert all(not peer.closed for peer in torrent.peers.values())
    assert torrent.failed is None or not torrent.peers
    for share in (torrent.download_share, torrent.upload_share):
        assert not (torrent.paused and share.members)
    if torrent._active is not None:
        check_downloader(torrent._active.downloader, torrent)
        for seed in torrent.web_seeds:
            check_web_seed(seed, torrent)
        check_uploads(torrent)
        if torrent._active._exchange is not None:
            check_hashes(torrent._active._exchange, torrent)
    elif isinstance(torrent._phase, Resolving):
        handles = {handle for handle, peer in torrent.peers.items() if peer.handshaken}
        assert torrent._phase._offering <= handles
        download = torrent._phase._download
        assert set(download._key_of) <= handles and set(download._resting) <= set(download._key_of)
        peers = [peer for attempt in download._attempts.values() for peer in attempt.peers]
        assert sorted(peers) == sorted(download._key_of)
        for attempt in download._attempts.values():
            assert {peer for peer, _ in attempt.asked} <= set(attempt.peers)


def check_uploads(torrent: Torrent) -> None:
    """Only the served have anything queued, but for pieces that are allowed, and there are few of them."""
    have = torrent.bitfield
    assert have is not None
    assert sum(not peer.am_choking for peer in torrent.peers.values()) <= torrent.options.upload_slots
    for peer in torrent.peers.values():
        assert len(peer.suggested) <= MAX_SUGGESTED
        assert len(peer.upload_queue) <= MAX_QUEUED_REQUESTS
        assert not peer.upload_queue or not peer.writable or peer.handle in torrent.upload_share.members
        assert all(have[index] for index, _, _ in peer.upload_queue)
        assert not peer.am_choking or all(index in peer.allowed_to_peer for index, _, _ in peer.upload_queue)
        assert len(peer.allowed_to_peer) <= ALLOWED_FAST_PIECES
        assert all(left >= 0 for left in peer.allowed_to_peer.values())
        assert peer.am_choking or (peer.peer_interested and not peer.upload_only and not torrent.paused)
        assert not torrent.paused or not peer.upload_queue


def check_hashes(exchange: HashExchange, torrent: Torrent) -> None:
    """What waits for hashes is there, and what is asked of whom."""
    pieces = torrent._active.downloader._pieces
    waiting = {*exchange._waiting, *exchange._questions}
    assert all((piece := pieces.get(index)) is not None and not piece.missing for index in waiting)
    assert not set(exchange._waiting) & set(exchange._questions)
    assert all(exchange._hashes.piece_root(index) is None for index in exchange._waiting)
    requests = exchange._requests
    speaking = {handle for handle, peer in torrent.peers.items() if peer.handshaken and peer.speaks_hashes}
    assert set(requests._asked) == speaking and set(requests._resting) <= speaking
    assert all(len(asked) <= PIPELINE for asked in requests._asked.values())
    assert set(requests._queue) <= requests._wanted
    assert requests._wanted <= {*requests._queue, *(query for asked in requests._asked.values() for query in asked)}
    assert {query for each in exchange._questions.values() for query in each.unanswered} == set(exchange._questioned_by)


def check_downloader(downloader: Downloader, torrent: Torrent) -> None:
    """Who is asked for what."""
    peers = {handle: peer for handle, peer in torrent.peers.items() if peer.handshaken}
    peers |= {seed.handle: seed for seed in torrent.web_seeds}
    have, wanted, pieces = downloader._have, downloader._wanted, downloader._pieces
    requester, interest = downloader._requester, downloader._interest
    assert set(requester._pipelines) == set(requester._peers) == set(peers)
    assert set(requester._hungry) <= set(peers)
    assert requester._refusers <= set(peers)
    assert (wanted & have).none

    availability = downloader._availability
    for index in range(len(have)):
        assert availability[index] == sum(peer.bitfield[index] for peer in peers.values())
    waiting = list(availability)
    assert sorted(waiting) == [index for index in wanted.indices() if index not in pieces]
    assert availability.waiting == len(waiting)
    assert {handle for peers_of in interest._peers_of.values() for handle in peers_of} == set(interest)
    assert set(interest) <= set(peers)

    for piece in pieces:
        assert not have[piece.index]
        assert wanted[piece.index] or not piece.missing
        requesters = {peer for peers in piece.requested.values() for peer in peers}
        assert not piece.exclusive or requesters <= {piece.owner}
        for number, handles in piece.requested.items():
            assert len(handles) <= MAX_REQUESTERS
            for handle in handles:
                assert (piece.index, number * BLOCK_LENGTH) in peers[handle].requests
                assert peers[handle].bitfield[piece.index]

    for peer in peers.values():
        witness = interest.witness(peer.handle)
        assert (peer.bitfield & wanted).none if witness is None else peer.bitfield[witness] and wanted[witness]
        assert peer.am_interested == (witness is not None and not torrent.paused and not torrent.is_checking)
        assert len(peer.requests) <= peer.request_limit
        assert not (torrent.paused or torrent.is_checking) or not peer.requests
        can_take = peer.room(requester._pipelines[peer.handle].depth) > 0
        assert not (torrent.paused or torrent.is_checking) or not peer.requests
        can_take = peer.room(requester._pipelines[peer.handle].depth) > 0
        may_ask = not requester.paused and peer.handle not in requester._refusers
        waits = peer.handle in torrent.download_share.members
        if can_take and may_ask and not waits and not peer.requests:
            check_idle(downloader, peer, waiting)


def check_web_seed(seed: WebSeed, torrent: Torrent) -> None:
    """Everything that is asked of a web seed is in a run, and there are few of those."""
    runs = seed._all_runs()
    assert len(seed._runs) <= torrent.options.max_web_conns
    assert all(seed._runs[run.fetch] is run for run in seed._runs.values())
    assert all(len(run.partial) < BLOCK_LENGTH for run in runs)
    assert all(run.position <= run.end <= torrent.metainfo.extent for run in runs)
    assert {place for run in runs for place in seed._places_in(run)} == set(seed.requests)
    assert not seed._ignores_ranges or len(runs) <= torrent.options.max_web_conns
    assert torrent.failed is None and (seed.bitfield.count > 0 or not torrent.metainfo.piece_count)


def check_idle(downloader: Downloader, peer: Source, waiting: list[int]) -> None:
    """There is nothing that a peer without requests could be asked for: else the download stalls."""
    pieces = downloader._pieces
    # What is urgent may wait for a faster peer.
    left = downloader.readers and set(downloader.readers.urgent_pieces())
    for piece in pieces.with_free_blocks():
        if left and piece.index in left:
            continue
        assert not (peer.may_request(piece.index) and piece.open_to(peer.handle)), f"piece {piece.index} waits"
    if not pieces.full:
        for index in waiting:
            assert (left and index in left) or not peer.may_request(index), f"piece {index} waits"
