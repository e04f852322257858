"""By which info hashes a peer may call a torrent in its handshake (BEP 52)."""

import pytest

from tests.simulation.network import make_v2_metainfo
from tests.unit.torrent.scene import Scene
from webtorrent_py.codec.creation import Version
from webtorrent_py.wire.handshake import Handshake

HYBRID, CONTENT = make_v2_metainfo([b"x" * 20_000, b"y"], Version.HYBRID)
V2, _ = make_v2_metainfo([b"x" * 20_000, b"y"], Version.V2)
V1_NAME, V2_NAME = HYBRID.swarm_hashes
OTHER = b"o" * 20


def greeted(scene, info_hash, *, v2=False):
    """A peer that said its handshake with this hash."""
    remote = scene.channel()
    remote.say(Handshake.ours(info_hash, remote.peer_id, v2=v2))
    return remote


def by_v2_name(metainfo):
    """A torrent of which nothing is known yet but its v2 hash."""
    return Scene(metainfo=metainfo, content=CONTENT, info_hash=metainfo.info_hash_v2[:20], resolving=True)


@pytest.mark.parametrize(("name", "speaks"), [(V1_NAME, False), (V2_NAME, True)])
def test_a_hybrid_has_either_name(name, speaks):
    remote = greeted(Scene(metainfo=HYBRID, content=CONTENT), name)
    assert not remote.closed and remote.connection.speaks_hashes == speaks


def test_another_name_is_another_torrent():
    for v2 in (False, True):
        assert greeted(Scene(metainfo=HYBRID, content=CONTENT), OTHER, v2=v2).closed
    assert greeted(Scene(metainfo=V2, content=CONTENT), OTHER).closed
    assert greeted(Scene(), bytes(20)).closed


def test_libtorrent_says_zeros_for_want_of_a_v1_hash():
    remote = greeted(Scene(metainfo=V2, content=CONTENT), bytes(20))
    assert not remote.closed and remote.connection.speaks_hashes


def test_a_v1_name_is_taken_on_trust_until_the_metadata_tells():
    scene = by_v2_name(HYBRID)
    assert greeted(scene, V1_NAME).closed, "it does not say that it knows v2"
    right, wrong = greeted(scene, V1_NAME, v2=True), greeted(scene, OTHER, v2=True)
    assert not right.closed and not wrong.closed
    right.offer_metadata()
    right.send_metadata()
    assert scene.torrent.ready and scene.torrent.swarm_hashes == HYBRID.swarm_hashes
    assert not right.closed and wrong.closed
