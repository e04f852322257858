"""What must hold of every parser for any bytes at all; each target raises when it does not.

A target takes the fuzzer's bytes and calls the parser. Errors of the kind that its docstring promises are an answer;
any other exception is a finding, and so is a value that does not survive being written and read again.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha1, sha256
from random import Random

from webtorrent_py.codec import bencode
from webtorrent_py.codec.address import parse_address
from webtorrent_py.codec.magnet import Magnet, parse_magnet, parse_torrent_id
from webtorrent_py.codec.metainfo import Metainfo, parse_info, parse_torrent
from webtorrent_py.errors import (
    AddressError,
    BencodeError,
    FormatError,
    InvalidTorrentIdError,
    StateError,
    TrackerError,
    WireError,
)
from webtorrent_py.torrent.state import parse_state
from webtorrent_py.tracker import protocol as tracker
from webtorrent_py.tracker.fields import SDP_SIZE_LIMIT
from webtorrent_py.wire.exchange import MAX_ADDRESSES, PeerExchange
from webtorrent_py.wire.extensions import ExtendedHandshake, parse_metadata_message
from webtorrent_py.wire.handshake import HANDSHAKE_LENGTH, Handshake
from webtorrent_py.wire.messages import Message, Piece
from webtorrent_py.wire.parser import WireParser

HANDSHAKE = Handshake.ours(b"i" * 20, b"p" * 20).serialize()
# Beyond them a parser fed byte by byte says nothing new, and takes long.
LONGEST_STREAM = 4096


def bencoding(data: bytes) -> None:
    """Whatever is taken has one spelling, but for the order of keys."""
    try:
        value = bencode.decode(data)
    except BencodeError:
        return
    encoded = bencode.encode(value)
    assert bencode.decode(encoded) == value
    assert sorted(encoded) == sorted(data)
    # A second value behind the first does not change it.
    assert bencode.decode_prefix(data + data) == (value, len(data))
    assert bencode.decode_prefix(b"x" + data, 1) == (value, len(data) + 1)
    if isinstance(value, dict):
        for key, item in value.items():
            start, end = bencode.value_span(data, key)
            assert bencode.decode(data[start:end]) == item


def metainfo(data: bytes) -> None:
    """Whatever is taken as a torrent, or as an info dictionary, can be written and read again."""
    for parse in (parse_torrent, parse_info):
        try:
            torrent = parse(data)
        except FormatError:
            continue
        check_metainfo(torrent)


def check_metainfo(torrent: Metainfo) -> None:
    """Its own torrent file means the same; its files do not overlap; nothing leaves the torrent's folder."""
    hashes = {torrent.info_hash_v2 and torrent.info_hash_v2[:20], torrent.has_v1 and sha1(torrent.info).digest()}
    assert torrent.info_hash in hashes and set(torrent.swarm_hashes) == hashes - {None, False}
    assert torrent.info_hash_v2 in (None, sha256(torrent.info).digest())
    assert parse_torrent(torrent.torrent_file()) == torrent
    end = 0
    for index, file in enumerate(torrent.files):
        # In v1 files follow each other, in v2 each that has bytes begins with a piece.
        gap = 0 if torrent.has_v1 or not file.length else -end % torrent.piece_length
        assert file.length >= 0 and file.offset == end + gap
        end = file.offset + file.length
        for part in file.path:
            assert part not in ("", ".", "..") and not {"/", "\\", "\0"} & set(part)
        assert (torrent.file_pieces(index) is None) == (file.length == 0)
    assert end == torrent.extent
    assert len({file.path for file in torrent.files}) == len(torrent.files)
    assert sum(torrent.piece_size(index) for index in range(torrent.piece_count)) == torrent.length
    roots = {file.pieces_root for file in torrent.files}
    for root, layer in torrent.piece_layers.items():
        assert root in roots and len(layer) > 32
    check_magnet(torrent.magnet())


def magnet(data: bytes) -> None:
    """Whatever is taken as a link, or as an info hash, can be written and read again."""
    # As JavaScript hands it over: halves of surrogate pairs may stand alone.
    text = data.decode("utf-8", "surrogateescape")
    for parse in (parse_magnet, parse_torrent_id):
        try:
            link = parse(text)
        except (FormatError, InvalidTorrentIdError):
            continue
        check_magnet(link)


def check_magnet(link: Magnet) -> None:
    """A link means the same once more, and so do the addresses in it."""
    assert parse_magnet(link.to_uri()) == link
    for text in link.peers:
        with suppress(AddressError):
            address = parse_address(text)
            assert parse_address(address.text) == address


def wire(data: bytes) -> None:
    """However a stream is cut, the same messages come of it; each can be written again as it came.

    The first two bytes choose the cuts, whether a handshake goes before the rest, and the number of pieces.
    """
    if len(data) < 2:
        return
    choice, pieces, stream = data[0], data[1], data[2:LONGEST_STREAM]
    if choice & 1:
        stream = HANDSHAKE + stream
    cuts = Random(choice)
    whole, ok = receive(stream, pieces, lambda rest: len(rest))
    single, also_ok = receive(stream, pieces, lambda rest: 1)
    random, still_ok = receive(stream, pieces, lambda rest: cuts.randint(1, 64))
    # What came before a violation is lost with its connection, as far as it came in the same call.
    assert ok == also_ok == still_ok
    assert single[: len(whole)] == whole and single[: len(random)] == random
    assert len(single) == len(whole) or not ok
    assert stream.startswith(b"".join(serialized(message) for message in single))
    for message in single:
        read_extended(getattr(message, "payload", b""))


def receive(stream: bytes, pieces: int, cut: Callable[[bytes], int]) -> tuple[list[object], bool]:
    """The messages of a stream, cut as told; whether it kept to the protocol. What is kept meanwhile is bounded."""
    parser = WireParser()
    if pieces:
        parser.set_piece_count(pieces)
    messages: list[object] = []
    while stream:
        length = cut(stream)
        part, stream = stream[:length], stream[length:]
        try:
            # A block is a view of what was received.
            messages += [owned(message) for message in parser.receive_data(part)]
        except WireError:
            return messages, False
        assert len(parser._kept) <= max(4 + parser.max_message_length, HANDSHAKE_LENGTH)
    return messages, True


def owned(message: Handshake | Message) -> Handshake | Message:
    """The message, without a view of a buffer."""
    return Piece(message.index, message.begin, bytes(message.data)) if isinstance(message, Piece) else message


def serialized(message: object) -> bytes:
    """The bytes of a message on the wire."""
    assert isinstance(message, Handshake | Message)
    return message.serialize()


def extended(data: bytes) -> None:
    """What extended messages carry, by itself: the fuzzer need not find the way through the wire."""
    read_extended(data)


def read_extended(payload: bytes) -> None:
    """Every extension's reader takes or refuses it; what is taken can be written and read again."""
    try:
        handshake = ExtendedHandshake.parse(payload)
        # A name that is no UTF-8 is read with replacement characters, of three bytes each, and so may grow.
        assert ExtendedHandshake.parse(handshake.serialize()) == handshake
    except WireError:
        pass
    try:
        message = parse_metadata_message(payload)
        if message is not None:
            assert parse_metadata_message(message.serialize()) == message
    except WireError:
        pass
    try:
        exchange = PeerExchange.parse(payload)
        assert len(exchange.added) <= MAX_ADDRESSES and len(exchange.dropped) <= MAX_ADDRESSES
        again = PeerExchange.parse(exchange.serialize())
        # An IPv4 address in the clothes of IPv6 comes back as what it is, and so in another place.
        assert Counter(again.added) == Counter(exchange.added) and Counter(again.dropped) == Counter(exchange.dropped)
    except WireError:
        pass


def tracker_json(data: bytes) -> None:
    """What a tracker says is taken in bounds, or refused as a whole."""
    try:
        message = tracker.parse_message(data.decode("utf-8", "surrogateescape"))
    except TrackerError:
        return
    match message:
        case tracker.RemoteOffer(info_hash, peer_id, offer_id, sdp) | tracker.RemoteAnswer(
            info_hash, peer_id, offer_id, sdp
        ):
            assert len(info_hash) == len(peer_id) == len(offer_id) == 20
            assert len(sdp.encode()) <= SDP_SIZE_LIMIT
            # An answer to it can be written.
            assert tracker.AnswerRequest(info_hash, peer_id, peer_id, offer_id, sdp).serialize()
        case tracker.AnnounceResponse(interval=interval, complete=complete, incomplete=incomplete):
            assert interval is None or 0 < interval < 2**53
            assert all(count is None or 0 <= count < 2**53 for count in (complete, incomplete))
        case tracker.Failure(reason=reason):
            assert reason.isprintable()


def state(data: bytes) -> None:
    """A state is taken as it was written, or refused: it lay in a store that others can reach."""
    info_hash = b"i" * 20
    try:
        kept = parse_state(data, info_hash)
    except StateError:
        return
    assert parse_state(kept.to_bytes(), info_hash) == kept


TARGETS: dict[str, Callable[[bytes], None]] = {
    "bencode": bencoding,
    "metainfo": metainfo,
    "magnet": magnet,
    "wire": wire,
    "extended": extended,
    "tracker": tracker_json,
    "state": state,
}
