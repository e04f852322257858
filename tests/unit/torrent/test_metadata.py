"""Getting the info dictionary from honest peers, liars and mutes, and giving it."""

import hashlib
import heapq
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webtorrent_py.errors import WireError
from webtorrent_py.torrent.metadata import ANSWER_TIMEOUT, METADATA_PIECE, PIPELINE, MetadataDownload, metadata_answer
from webtorrent_py.wire.extensions import MetadataData, MetadataReject, MetadataRequest, parse_metadata_message

INFO = bytes(range(256)) * 200  # three pieces and a bit
SHORT = b"d4:spam4:eggse"
INFOS = {"long": INFO, "short": SHORT, "even": INFO[: 2 * METADATA_PIECE]}


class Peer:
    """Honest and quick, unless told otherwise."""

    def __init__(self, info: bytes, *, delay: float = 0.1) -> None:
        self.info = info
        self.size = len(info)
        self.delay = delay

    def answer(self, request: MetadataRequest, random: Random) -> bytes | None:
        """What it sends, if anything."""
        return metadata_answer(self.info, request)


class Mute(Peer):
    def answer(self, request, random):
        return None


class Refuser(Peer):
    def answer(self, request, random):
        return MetadataReject(request.piece).serialize()


class Liar(Peer):
    """Has a dictionary of the right size with wrong bytes."""

    def __init__(self, info, **options):
        super().__init__(bytes(byte ^ 1 for byte in info), **options)


class Stranger(Peer):
    """Has a dictionary of another size."""

    def __init__(self, info, **options):
        super().__init__(info + b"more of it" * 3000, **options)


class Braggart(Mute):
    """Offers more than anybody has, and sends nothing."""

    def __init__(self, info, **options):
        super().__init__(info, **options)
        self.size = 9_000_000


class Moody(Peer):
    """Does any of it."""

    def answer(self, request, random):
        kind = random.choice([Peer, Mute, Refuser, Liar, Stranger])
        return kind(self.info).answer(request, random)


class Room:
    """Virtual time in which peers come, answer, and are thrown out if they lie."""

    def __init__(self, info: bytes, seed: int = 0) -> None:
        self.random = Random(seed)
        self.now = 0.0
        self.peers: dict[int, Peer] = {}
        self.info: bytes | None = None
        self.requests = 0
        self.banned: list[Peer] = []
        self._heap: list[tuple[float, int, object]] = []
        self.download = MetadataDownload(hashlib.sha1(info).digest(), self._send)

    def add(self, peer: Peer, at: float = 0.0) -> None:
        heapq.heappush(self._heap, (at, len(self._heap), peer))

    def _send(self, handle: int, payload: bytes) -> None:
        assert self.info is None
        message = parse_metadata_message(payload)
        assert isinstance(message, MetadataRequest)
        self.requests += 1
        peer = self.peers[handle]
        assert message.piece * METADATA_PIECE < peer.size
        answer = peer.answer(message, self.random)
        if answer is not None:
            at = self.now + peer.delay
            heapq.heappush(self._heap, (at, 1000 + self.requests, (handle, answer)))

    def run(self, limit: float = 3600.0) -> None:
        """Until the dictionary is there or nothing is to come."""
        while self.info is None:
            timer = self.download.get_timer()
            event = self._heap[0][0] if self._heap else None
            times = [each for each in (timer, event) if each is not None]
            if not times or min(times) > limit:
                return
            if timer is not None and (event is None or timer <= event):
                assert timer >= self.now
                self.now = timer
                self.download.handle_timer(self.now)
                later = self.download.get_timer()
                assert later is None or later > self.now
                continue
            self.now, _, what = heapq.heappop(self._heap)
            if isinstance(what, Peer):
                self.peers[len(self.peers) + 1] = what
                self.download.add_peer(len(self.peers), what.size, self.now)
            else:
                self._receive(*what)  # type: ignore[misc]

    def _receive(self, handle: int, payload: bytes) -> None:
        if self.peers[handle] in self.banned:
            return
        try:
            message = parse_metadata_message(payload)
            if isinstance(message, MetadataData):
                self.info = self.download.received(handle, message, self.now)
            elif isinstance(message, MetadataReject):
                self.download.rejected(handle, message, self.now)
        except WireError:
            self.banned.append(self.peers[handle])
            self.download.remove_peer(handle, self.now)


kinds = st.sampled_from([Mute, Refuser, Liar, Stranger, Braggart, Moody])
crowds = st.lists(st.tuples(kinds, st.floats(0.01, 5.0), st.floats(0.0, 30.0)), max_size=6)


@given(crowds, st.floats(0.0, 30.0), st.sampled_from(list(INFOS)), st.integers(0, 99))
@settings(deadline=None)
def test_one_honest_peer_is_enough(crowd, arrival, info, seed):
    info = INFOS[info]
    room = Room(info, seed)
    honest = Peer(info)
    room.add(honest, arrival)
    for kind, delay, at in crowd:
        room.add(kind(info, delay=delay), at)
    room.run()
    assert room.info == info, f"not by {room.now}"
    assert honest not in room.banned
    assert room.now < 600
    # Nobody is asked for more than he could send, and again only after a while.
    pieces = -(-(len(info) + 30000) // METADATA_PIECE)
    assert room.requests <= (len(crowd) + 1) * max(pieces, PIPELINE) * (3 + room.now / ANSWER_TIMEOUT)


@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=5))
def test_honest_peers_share_the_work(delays):
    room = Room(INFO)
    for delay in delays:
        room.add(Peer(INFO, delay=delay))
    room.run()
    assert room.info == INFO and not room.banned
    assert room.requests == -(-len(INFO) // METADATA_PIECE)


@pytest.mark.parametrize("kind", [Mute, Refuser, Liar, Stranger])
def test_without_an_honest_peer_there_is_no_metadata_and_no_haste(kind):
    room = Room(INFO)
    room.add(kind(INFO))
    room.add(kind(INFO))
    room.run(limit=300.0)
    assert room.info is None
    assert room.requests <= 2 * 6 * (2 + 300 / ANSWER_TIMEOUT)


def test_a_liar_alone_is_thrown_out():
    room = Room(INFO)
    room.add(Liar(INFO))
    room.run()
    assert len(room.banned) == 1 and room.download.get_timer() is None


def test_a_peer_has_only_so_many_requests_at_a_time():
    sent = []
    download = MetadataDownload(b"h" * 20, lambda peer, payload: sent.append((peer, payload)))
    download.add_peer(1, 100 * METADATA_PIECE, 0.0)
    assert len(sent) == PIPELINE
    download.add_peer(2, 100 * METADATA_PIECE, 0.0)
    assert len(sent) == 2 * PIPELINE and len({payload for _, payload in sent}) == 2 * PIPELINE


def test_what_was_not_asked_for_is_not_taken():
    download = MetadataDownload(hashlib.sha1(SHORT).digest(), lambda peer, payload: None)
    data = MetadataData(0, len(SHORT), SHORT)
    assert download.received(1, data, 0.0) is None
    download.add_peer(1, len(SHORT), 0.0)
    assert download.received(2, data, 0.0) is None
    assert download.received(1, data, 0.0) == SHORT


def test_a_piece_of_another_size_than_was_offered_breaks_the_protocol():
    download = MetadataDownload(hashlib.sha1(SHORT).digest(), lambda peer, payload: None)
    download.add_peer(1, len(SHORT), 0.0)
    with pytest.raises(WireError):
        download.received(1, MetadataData(0, len(SHORT) - 1, SHORT[:-1]), 0.0)


def test_when_the_only_source_leaves_the_next_one_is_asked():
    room = Room(INFO)
    room.add(Mute(INFO))
    room.add(Peer(INFO), 1.0)
    room.run(limit=0.5)
    room.download.remove_peer(1, 0.5)
    room.run(limit=5.0)
    assert room.info == INFO


@given(st.integers(1, len(INFO)), st.integers(0, 5))
def test_our_answers_are_the_pieces_or_rejects(length, piece):
    info = INFO[:length]
    answer = parse_metadata_message(metadata_answer(info, MetadataRequest(piece)))
    expected = info[piece * METADATA_PIECE : (piece + 1) * METADATA_PIECE]
    assert answer == (MetadataData(piece, len(info), expected) if expected else MetadataReject(piece))
