"""Swarms of v2 and hybrid torrents."""

from dataclasses import replace

import pytest

from tests.simulation import tampering
from tests.simulation.network import TRACKER, Network, make_content, make_v2_metainfo
from webtorrent_py.codec.creation import Version
from webtorrent_py.codec.magnet import Magnet
from webtorrent_py.codec.metainfo import parse_torrent
from webtorrent_py.errors import DuplicateTorrentError, WireError
from webtorrent_py.events import TorrentDone, TorrentFailed, TorrentWarning

# More than one piece, one, less, none, and one that ends with a piece.
FILES = [make_content(size, size) for size in (400_000, 32768, 5000, 0, 131_072, 16385)]
V2, V2_CONTENT = make_v2_metainfo(FILES, Version.V2)
HYBRID, HYBRID_CONTENT = make_v2_metainfo(FILES, Version.HYBRID)
V2_MAGNET = Magnet(V2.info_hash, trackers=(TRACKER,), info_hash_v2=V2.info_hash_v2)
V1_NAME = Magnet(HYBRID.info_hash, trackers=(TRACKER,))
V2_NAME = Magnet(HYBRID.info_hash_v2[:20], trackers=(TRACKER,), info_hash_v2=HYBRID.info_hash_v2)
BOTH_NAMES = replace(V1_NAME, info_hash_v2=HYBRID.info_hash_v2)

ORIGIN = "http://seed.test/"

seeds = pytest.mark.parametrize("seed", range(3))


def stored(metainfo, content):
    """The pieces, joined."""
    return b"".join(content[index * 32768 :][: metainfo.piece_size(index)] for index in range(metainfo.piece_count))


def as_v1(metainfo):
    """How a client sees a hybrid that knows v1 only."""
    files = tuple(replace(entry, pieces_root=None) for entry in metainfo.files)
    return replace(metainfo, info_hash_v2=None, files=files, piece_layers={})


def as_v2(metainfo):
    """How a client sees a hybrid that knows v2 only: without padding."""
    files = tuple(entry for entry in metainfo.files if not entry.is_padding)
    length = metainfo.piece_length
    short = {(entry.offset + entry.length) // length: entry.length % length for entry in files if entry.length % length}
    return replace(
        metainfo,
        info_hash=metainfo.info_hash_v2[:20],
        pieces=b"",
        files=files,
        length=sum(entry.length for entry in files),
        short_pieces=short,
        padded_pieces={},
    )


@seeds
@pytest.mark.parametrize(
    ("metainfo", "content", "magnet"),
    [
        (V2, V2_CONTENT, V2_MAGNET),
        (HYBRID, HYBRID_CONTENT, V1_NAME),
        (HYBRID, HYBRID_CONTENT, V2_NAME),
        (HYBRID, HYBRID_CONTENT, BOTH_NAMES),
    ],
    ids=["v2", "hybrid by v1", "hybrid by v2", "hybrid by both"],
)
def test_a_magnet_becomes_the_whole_content(metainfo, content, magnet, seed):
    network = Network(seed)
    network.add("seed").seed(metainfo, content)
    leech = network.add("leech")
    torrent = leech.add(magnet)
    network.run(lambda: leech.done(torrent.id), limit=60)
    assert leech.content(torrent.id) == stored(metainfo, content)
    assert torrent.progress == 1 and torrent.downloaded == metainfo.length
    assert torrent.swarm_hashes == metainfo.swarm_hashes
    assert all(leech.client.get(each) is torrent for each in metainfo.swarm_hashes)
    assert not any(isinstance(event, TorrentWarning) for event in leech.events)


@pytest.mark.parametrize(("metainfo", "content"), [(V2, V2_CONTENT), (HYBRID, HYBRID_CONTENT)], ids=["v2", "hybrid"])
def test_a_web_seed_alone_is_enough(metainfo, content):
    network = Network()
    network.web.add(ORIGIN, rate=1e6).add(ORIGIN, metainfo, content)
    leech = network.add("leech")
    torrent = leech.add(metainfo, web_seeds=[ORIGIN])
    network.run(lambda: leech.done(torrent.id), limit=60)
    assert leech.content(torrent.id) == stored(metainfo, content)
    assert not any(isinstance(event, TorrentWarning) for event in leech.events)


def test_the_layers_that_peers_told_stand_in_the_torrent_file():
    network = Network()
    network.add("seed").seed(V2, V2_CONTENT)
    leech = network.add("leech")
    torrent = leech.add(V2_MAGNET)
    network.run(lambda: leech.done(torrent.id), limit=60)
    assert parse_torrent(torrent.full_metainfo.torrent_file()).piece_layers == V2.piece_layers != {}


@seeds
def test_a_v1_and_a_v2_peer_of_a_hybrid_swarm_meet(seed):
    network = Network(seed)
    network.add("v1 seed").seed(as_v1(HYBRID), HYBRID_CONTENT)
    old = network.add("v1 leech")
    new = network.add("v2 leech")
    of_old, of_new = old.add(as_v1(HYBRID)), new.add(as_v2(HYBRID))
    network.run(lambda: old.done(of_old.id), limit=60)
    network.run_for(60)
    assert not of_new.peers, "nobody speaks for both"
    middle = network.add("hybrid")
    torrent = middle.add(V1_NAME)
    network.run(lambda: new.done(of_new.id), limit=200)
    assert middle.content(torrent.id) == HYBRID_CONTENT
    assert new.content(of_new.id) == b"".join(FILES)
    assert not any(isinstance(event, TorrentWarning) for node in network.nodes for event in node.events)


@seeds
def test_what_a_v2_peer_has_a_v1_peer_gets(seed):
    network = Network(seed)
    network.add("v2 seed").seed(as_v2(HYBRID), HYBRID_CONTENT)
    middle = network.add("hybrid")
    middle.add(V2_NAME)
    old = network.add("v1 leech")
    torrent = old.add(as_v1(HYBRID))
    network.run(lambda: old.done(torrent.id), limit=200)
    assert old.content(torrent.id) == HYBRID_CONTENT


@seeds
@pytest.mark.parametrize(
    ("tamper", "is_banned"),
    [
        (tampering.wrong_blocks, True),
        (tampering.some_wrong_blocks, True),
        (tampering.wrong_hashes, True),
        (tampering.no_hashes, False),
        (tampering.rejecting_hashes, False),
        (tampering.plain, False),
    ],
)
def test_liars_do_not_keep_a_v2_swarm_from_the_right_bytes(tamper, is_banned, seed):
    network = Network(seed, rate=150_000)
    bad = [network.add(f"bad {number}", tamper=tamper) for number in range(2)]
    for node in bad:
        node.seed(V2, V2_CONTENT)
    leeches = [network.add(f"leech {number}") for number in range(3)]
    torrents = [leech.add(V2_MAGNET) for leech in leeches]
    network.run_for(3)
    network.add("good").seed(V2, V2_CONTENT)
    network.run(lambda: all(leech.done(t.id) for leech, t in zip(leeches, torrents, strict=True)), limit=300)
    assert all(leech.content(t.id) == b"".join(FILES) for leech, t in zip(leeches, torrents, strict=True))
    bad_ids = {node.client.peer_id for node in bad}
    banned = [torrent for torrent in torrents if not all(map(torrent.wants_peer, bad_ids))]
    if is_banned:
        assert banned
        events = [event for leech in leeches for event in leech.events]
        assert any(isinstance(event, TorrentWarning) and isinstance(event.error, WireError) for event in events)
    assert not any(
        peer.peer_id not in bad_ids and not torrent.wants_peer(peer.peer_id) and not peer.handshaken
        for torrent in torrents
        for peer in torrent.peers.values()
    )


def test_a_hybrid_whose_halves_disagree_fails_with_its_reason():
    other = [bytes(byte ^ 1 for byte in FILES[0]), *FILES[1:]]
    wrong, _ = make_v2_metainfo(other, Version.HYBRID)
    # The v1 hashes of one content and the v2 hashes of another.
    mixed = replace(HYBRID, files=wrong.files, piece_layers=wrong.piece_layers)
    network = Network()
    network.add("seed").seed(as_v1(HYBRID), HYBRID_CONTENT)
    leech = network.add("leech")
    leech.add(mixed)
    network.run(lambda: any(isinstance(event, TorrentFailed) for event in leech.events), limit=60)
    (failed,) = [event for event in leech.events if isinstance(event, TorrentFailed)]
    assert "v1 and v2 hashes of piece" in str(failed.error)
    assert not leech.lines


def test_a_torrent_is_there_once_whichever_name_it_has():
    network = Network()
    network.add("seed").seed(HYBRID, HYBRID_CONTENT)
    leech = network.add("leech")
    torrent = leech.add(HYBRID)
    for source in (V1_NAME, V2_NAME, BOTH_NAMES, HYBRID):
        with pytest.raises(DuplicateTorrentError) as caught:
            leech.add(source)
        assert caught.value.torrent == torrent.id
    leech.do(leech.client.remove, torrent.id)
    assert all(leech.client.get(each) is None for each in HYBRID.swarm_hashes)


def test_two_links_that_turn_out_to_be_one_torrent():
    network = Network()
    network.add("seed").seed(HYBRID, HYBRID_CONTENT)
    leech = network.add("leech")
    first, second = leech.add(V1_NAME), leech.add(V2_NAME)
    network.run(lambda: leech.done(first.id) or leech.done(second.id), limit=60)
    failed = [event for event in leech.events if isinstance(event, TorrentFailed)]
    assert len(failed) == 1 and isinstance(failed[0].error, DuplicateTorrentError)
    assert "by its other info hash" in str(failed[0].error)
    done = {event.torrent for event in leech.events if isinstance(event, TorrentDone)}
    assert done == {first.id, second.id} - {failed[0].torrent}
    leech.do(leech.client.remove, failed[0].torrent)
    assert all(leech.client.get(each).id in done for each in HYBRID.swarm_hashes)
