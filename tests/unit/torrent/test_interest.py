"""Who has something that is wanted, against comparing everything each time."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.torrent.interest import Interest

PIECES = 8
pieces = st.sets(st.integers(0, PIECES - 1))
steps = st.lists(
    st.tuples(st.just("comes"), st.integers(1, 4), pieces)
    | st.tuples(st.just("goes"), st.integers(1, 4), st.none())
    | st.tuples(st.just("have"), st.integers(1, 4), st.integers(0, PIECES - 1))
    | st.tuples(st.just("got"), st.integers(0, PIECES - 1), st.none())
    | st.tuples(st.just("wants"), st.none(), pieces),
    max_size=30,
)


def bitfield_of(indices, length=PIECES):
    bitfield = Bitfield(length)
    for index in indices:
        bitfield.set(index)
    return bitfield


@given(steps)
def test_a_peer_is_interesting_as_long_as_it_has_anything_that_is_wanted(steps):
    interest = Interest(Random(0))
    wanted = set(range(PIECES))
    peers = {}
    for step, which, value in steps:
        if step == "comes":
            interest.forget(which)
            peers[which] = set(value)
            assert interest.examine(which, bitfield_of(value), bitfield_of(wanted)) == bool(value & wanted)
        elif step == "goes":
            peers.pop(which, None)
            interest.forget(which)
        elif step == "have" and which in peers:
            peers[which].add(value)
            if value in wanted:
                interest.gained(which, value)
        elif step == "got" and which in wanted:
            wanted.discard(which)
            for peer in interest.depending_on(which):
                interest.examine(peer, bitfield_of(peers[peer]), bitfield_of(wanted))
        elif step == "wants":
            wanted = set(value)
            for peer, has in peers.items():
                interest.examine(peer, bitfield_of(has), bitfield_of(wanted))
        assert set(interest) == {peer for peer, has in peers.items() if has & wanted}
        assert all(interest.witness(peer) in peers[peer] & wanted for peer in interest)


def test_a_peers_witness_changes_seldom():
    interest = Interest(Random(1))
    count = 2000
    wanted = bitfield_of(range(count), count)
    everything = wanted.copy()
    interest.examine(1, everything, wanted)
    order = list(range(count))
    Random(2).shuffle(order)
    examined = 0
    for index in order:
        wanted.clear(index)
        for peer in interest.depending_on(index):
            examined += 1
            interest.examine(peer, everything, wanted)
    assert 1 not in interest and examined < 30
