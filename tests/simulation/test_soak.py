"""Many swarms, each of a size, speed and order of arrival of its own: too long for every submission."""

from random import Random

import pytest

from tests.simulation.network import TRACKER, Network, make_content, make_metainfo
from webtorrent_py.codec.magnet import Magnet

pytestmark = pytest.mark.soak

SWARMS = 300


@pytest.mark.parametrize("seed", range(SWARMS))
def test_everybody_gets_everything(seed: int) -> None:
    random = Random(seed)
    content = make_content(random.randrange(1, 2_000_000))
    metainfo = make_metainfo(content)
    magnet = Magnet(metainfo.info_hash, trackers=(TRACKER,))
    network = Network(seed, rate=random.choice([50_000, 200_000, 1_000_000]))
    leeches = []
    names = ["seed", *(f"leech {number}" for number in range(random.randrange(1, 12)))]
    random.shuffle(names)
    for name in names:
        client = network.add(name)
        if name == "seed":
            client.seed(metainfo, content)
        else:
            leeches.append((client, client.add(magnet).id))
        network.run_for(random.choice([0, 1, 30]))
    network.run(lambda: all(client.done(torrent) for client, torrent in leeches), limit=3600)
    assert all(client.content(torrent) == content for client, torrent in leeches)
