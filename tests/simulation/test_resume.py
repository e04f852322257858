"""Leaving a swarm and coming back, in virtual time."""

import pytest

from tests.simulation.network import Network, Node, make_content, make_metainfo
from webtorrent_py.codec.magnet import Magnet
from webtorrent_py.errors import StateError
from webtorrent_py.events import CheckDone, PieceLost, PieceVerified, TorrentDone, TorrentWarning

CONTENT = make_content(2_000_000)
METAINFO = make_metainfo(CONTENT)
PIECES = METAINFO.piece_count


def half_way(network: Network, *, partial_pieces: bool = False) -> tuple[bytes, dict[int, bytes], int]:
    """The state, the store and the received bytes of somebody who got half of the content and left."""
    leech = network.add("leech")
    torrent = leech.add(METAINFO)
    network.run(lambda: torrent.progress > 0.5)
    state = leech.client.export_state(torrent.id, partial_pieces=partial_pieces)
    store = dict(leech.stores[torrent.id])
    leech.disappear()
    return state, store, torrent.received


def come_back(network: Network, store: dict[int, bytes], source: object = METAINFO, **options: object) -> Node:
    """Somebody whose store has these pieces already."""
    node = network.add("again")
    torrent = node.client.add(source, network.now, **options)  # type: ignore[arg-type]
    node.stores[torrent.id] = dict(store)
    node.turn()
    return node


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("partial_pieces", [False, True])
@pytest.mark.parametrize("source", [METAINFO, Magnet(METAINFO.info_hash)], ids=["file", "magnet"])
def test_what_was_there_is_not_downloaded_again(seed: int, partial_pieces: bool, source: object) -> None:
    network = Network(seed, rate=300_000)
    network.add("seed").seed(METAINFO, CONTENT)
    state, store, received = half_way(network, partial_pieces=partial_pieces)
    node = come_back(network, store, source, state=state)
    (torrent,) = node.client.torrents.values()
    network.run(lambda: node.done(torrent.id), limit=120)
    assert node.content(torrent.id) == CONTENT
    assert torrent.received - received + len(store) * METAINFO.piece_length <= (1.05 if partial_pieces else 1.3) * len(
        CONTENT
    )
    got = {event.index for event in node.events if isinstance(event, PieceVerified)}
    assert not got & set(store) and len(got) + len(store) == PIECES


@pytest.mark.parametrize("seed", range(2))
def test_a_store_without_a_state_is_looked_through(seed: int) -> None:
    network = Network(seed, rate=300_000)
    network.add("seed").seed(METAINFO, CONTENT)
    _, store, _ = half_way(network)
    bad = dict(store)
    wrong = sorted(store)[:3]
    for index in wrong:
        bad[index] = bytes(len(bad[index]))
    node = come_back(network, bad, check=True)
    (torrent,) = node.client.torrents.values()
    network.run(lambda: node.done(torrent.id), limit=120)
    assert node.content(torrent.id) == CONTENT
    assert torrent.received <= len(CONTENT) - (len(store) - len(wrong) - 1) * METAINFO.piece_length


def test_a_rescan_finds_what_went_wrong_while_others_are_served() -> None:
    network = Network(1, rate=200_000)
    seed = network.add("seed")
    torrent = seed.seed(METAINFO, CONTENT)
    other = network.add("other seed")
    other.seed(METAINFO, CONTENT)
    leech = network.add("leech")
    theirs = leech.add(METAINFO)
    network.run(lambda: theirs.progress > 0.2)
    for index in (3, 30):
        seed.stores[torrent.id][index] = bytes(METAINFO.piece_size(index))
    seed.do(seed.client.rescan, torrent.id)
    network.run(lambda: any(isinstance(event, CheckDone) for event in seed.events), limit=20)
    assert sorted(event.index for event in seed.events if isinstance(event, PieceLost)) == [3, 30]
    network.run(lambda: leech.done(theirs.id) and torrent.complete, limit=120)
    assert leech.content(theirs.id) == seed.content(torrent.id) == CONTENT
    # Once when it was added, and once when it was whole again.
    assert sum(isinstance(event, TorrentDone) for event in seed.events) == 2


def test_the_state_of_another_torrent_is_refused_and_nothing_is_added() -> None:
    network = Network(1)
    node = network.add("node")
    torrent = node.add(make_metainfo(make_content(100_000, 9)))
    state = node.client.export_state(torrent.id)
    for damaged in (state, state[:-1], b"", b"d1:ai0ee"):
        with pytest.raises(StateError):
            node.client.add(METAINFO, network.now, state=damaged)
    assert len(node.client.torrents) == 1
    assert not any(isinstance(event, TorrentWarning) for event in node.events)


def test_a_paused_torrent_comes_back_paused_and_counts_go_on() -> None:
    network = Network(2)
    network.add("seed").seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(METAINFO, web_seeds=["http://gone.test/"])
    network.run(lambda: leech.done(torrent.id))
    leech.do(leech.client.pause, torrent.id)
    state, store = leech.client.export_state(torrent.id), leech.stores[torrent.id]
    leech.disappear()
    node = come_back(network, store, state=state)
    (again,) = node.client.torrents.values()
    assert again.paused and again.complete and again.received == torrent.received
    assert again.web_seed_urls == ("http://gone.test/",) and again.trackers == torrent.trackers
