"""What one event costs in small and large torrents, among few and many peers: CPU time of this process on CPython."""

from dataclasses import dataclass
from random import Random
from time import thread_time

from tests.peers.crowd import PIECE_LENGTH, Crowd, Meter, make_metainfo
from webtorrent_py.client import Client
from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.codec.metainfo import parse_info
from webtorrent_py.torrent.availability import Availability
from webtorrent_py.torrent.pace import Pace
from webtorrent_py.torrent.picker import Picker
from webtorrent_py.torrent.pieces import BLOCK_LENGTH, PiecesInProgress
from webtorrent_py.torrent.readers import Readers
from webtorrent_py.torrent.selection import Selection

PIECES = (1_000, 10_000, 100_000)
PEERS = (5, 50, 200)
EVENTS = 2_000
ROUNDS = 3


def block_and_have(pieces: int, peers: int) -> tuple[float, float]:
    """Microseconds for one received block, with all that follows from it, and for one `have`."""
    meter = Meter(seconds=True)
    crowd = Crowd(pieces, peers, meter)
    crowd.serve(EVENTS)
    meter.total = 0.0
    crowd.serve(EVENTS)
    block = meter.total / EVENTS
    meter.total = 0.0
    crowd.tell_haves(EVENTS)
    return block * 1e6, meter.total / EVENTS * 1e6


@dataclass
class FakePeer:
    """What the picker must know of a peer."""

    requestable: Bitfield
    handle: int = 1
    prefers_runs: bool = False
    suggested: tuple[int, ...] = ()

    def may_request(self, index: int) -> bool:
        """Whether it has the piece."""
        return self.requestable[index]


def pick_of_a_piece(pieces: int, peers: int) -> tuple[float, float]:
    """Microseconds to pick all blocks of a new piece: for any peer, and for one that lacks all of the rarer half."""
    random = Random(1)
    availability = Availability(pieces, random)
    under_way = PiecesInProgress(pieces)
    picker = Picker(
        sizes=make_metainfo(pieces),
        have=Bitfield(pieces),
        selection=Selection(pieces),
        availability=availability,
        pieces=under_way,
        readers=Readers(PIECE_LENGTH),
        pace=Pace(),
        sequential=False,
    )
    common = Bitfield.from_span(pieces // 2, pieces - 1, pieces)
    fields = []
    for _ in range(peers):
        field = Bitfield.from_flags(random.randbytes(pieces).translate(bytes(128) + b"\1" * 128))
        fields.append(field)
        availability.add_peer(field)
        availability.add_peer(common - field)
    availability.offer_only([(1, Bitfield.from_span(0, pieces - 1, pieces))])
    results = []
    for peer in (FakePeer(fields[0]), FakePeer(common)):
        total = 0.0
        for _ in range(EVENTS):
            begun = thread_time()
            blocks = picker.pick(peer, PIECE_LENGTH // BLOCK_LENGTH)
            total += thread_time() - begun
            assert len(blocks) == PIECE_LENGTH // BLOCK_LENGTH
            picker.restart(blocks[0][0])
        results.append(total / EVENTS * 1e6)
    return results[0], results[1]


def opening(pieces: int) -> float:
    """Milliseconds from the info dictionary to a torrent that can ask for blocks."""
    info = make_metainfo(pieces).info
    begun = thread_time()
    Client(peer_id=bytes(20), random=Random(1)).add(parse_info(info), 0.0)
    return (thread_time() - begun) * 1e3


def idle_second(torrents: int) -> float:
    """Microseconds that one second costs with this many torrents without peers."""
    client = Client(peer_id=bytes(20), random=Random(1))
    for number in range(torrents):
        client.add(make_metainfo(number + 1), 0.0)
    begun = thread_time()
    for tick in range(1, 29):
        client.handle_timer(float(tick))
        client.get_timer()
    return (thread_time() - begun) / 28 * 1e6


def main() -> None:
    """Print the tables; of each number the least of some rounds."""
    print(
        f"{'µs of CPU':>10} {'pieces':>8} {'peers':>6} {'block':>8} {'have':>8} {'pick':>8} {'pick, rare lacking':>20}"
    )
    least: dict[str, list[float]] = {}
    for pieces in PIECES:
        for peers in PEERS:
            rounds = [(*block_and_have(pieces, peers), *pick_of_a_piece(pieces, peers)) for _ in range(ROUNDS)]
            block, have, pick, lacking = (min(values) for values in zip(*rounds, strict=True))
            for name, value in (("block", block), ("have", have), ("pick", pick)):
                least.setdefault(name, []).append(value)
            print(
                f"{'':>10} {pieces:>8} {peers:>6} {block:>8.1f} {have:>8.1f} {pick:>8.1f} {lacking:>20.1f}", flush=True
            )
    print("most to least: " + ", ".join(f"{name} {max(each) / min(each):.2f}" for name, each in least.items()))
    for pieces in PIECES:
        print(f"open {pieces:>7} pieces: {min(opening(pieces) for _ in range(ROUNDS)):.1f} ms")
    for torrents in (1, 1000):
        print(f"a second of {torrents:>4} idle torrents: {min(idle_second(torrents) for _ in range(ROUNDS)):.1f} µs")


if __name__ == "__main__":
    main()
