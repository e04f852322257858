"""What peers that do not follow the rules say instead of what our client would."""

from tests.simulation.network import Node
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.extensions import ExtendedHandshake, MetadataData, parse_metadata_message
from webtorrent_py.wire.handshake import Handshake
from webtorrent_py.wire.hashes import Hashes, HashReject

Said = list[m.Message | Handshake | bytes]


def flipped(data: bytes | memoryview) -> bytes:
    return bytes(byte ^ 0xFF for byte in data)


def wrong_blocks(node: Node, message: m.Message | Handshake) -> Said:
    """Every block is wrong."""
    if isinstance(message, m.Piece):
        return [m.Piece(message.index, message.begin, flipped(message.data))]
    return [message]


def some_wrong_blocks(node: Node, message: m.Message | Handshake) -> Said:
    """One block of ten is wrong."""
    if isinstance(message, m.Piece) and node.network.random.random() < 0.1:
        return wrong_blocks(node, message)
    return [message]


def wrong_hashes(node: Node, message: m.Message | Handshake) -> Said:
    """Hashes of a file's pieces or blocks that are not its own."""
    return [Hashes(message.query, flipped(message.hashes))] if isinstance(message, Hashes) else [message]


def no_hashes(node: Node, message: m.Message | Handshake) -> Said:
    """Tells nobody any hash, and does not say so."""
    return [] if isinstance(message, Hashes) else [message]


def rejecting_hashes(node: Node, message: m.Message | Handshake) -> Said:
    """Tells nobody any hash."""
    return [HashReject(message.query)] if isinstance(message, Hashes) else [message]


def wrong_metadata(node: Node, message: m.Message | Handshake) -> Said:
    """Metadata of the right size with wrong bytes."""
    if isinstance(message, m.Extended) and message.id:
        data = parse_metadata_message(message.payload)
        if isinstance(data, MetadataData):
            wrong = MetadataData(data.piece, data.total_size, flipped(data.data))
            return [m.Extended(message.id, wrong.serialize())]
    return [message]


def wrong_metadata_size(node: Node, message: m.Message | Handshake) -> Said:
    """Offers metadata of another size, and never sends any."""
    if isinstance(message, m.Extended):
        if message.id:
            return []
        return [m.Extended(0, ExtendedHandshake(ids={"ut_metadata": 1}, metadata_size=9_000_000).serialize())]
    return [message]


def garbage(node: Node, message: m.Message | Handshake) -> Said:
    """Random bytes in the place of all but the handshake."""
    return [message] if isinstance(message, Handshake) else [node.network.random.randbytes(50)]


def silence(node: Node, message: m.Message | Handshake) -> Said:
    """Not a block is sent."""
    return [] if isinstance(message, m.Piece) else [message]


def lazy(node: Node, message: m.Message | Handshake) -> Said:
    """One block of ten is not sent."""
    return [] if isinstance(message, m.Piece) and node.network.random.random() < 0.1 else [message]


def never_unchoking(node: Node, message: m.Message | Handshake) -> Said:
    """Takes and never gives."""
    if isinstance(message, m.Piece):
        return [m.Reject(message.index, message.begin, len(message.data))]
    return [] if isinstance(message, m.Unchoke) else [message]


def claiming_all(node: Node, message: m.Message | Handshake) -> Said:
    """Says that it has everything; what it lacks it rejects."""
    if isinstance(message, m.HaveNone | m.BitfieldMessage):
        return [m.HaveAll()]
    return [] if isinstance(message, m.Have) else [message]


def claiming_nonsense(node: Node, message: m.Message | Handshake) -> Said:
    """Has pieces that do not exist."""
    return [message, m.Have(4_000_000_000)] if isinstance(message, m.Have | m.HaveAll) else [message]


def flooding(node: Node, message: m.Message | Handshake) -> Said:
    """Asks for more than anybody holds, again and again."""
    flood = [m.Request(index % 3, 0, 16384) for index in range(3000)]
    return [message, *flood] if isinstance(message, m.Interested | m.Request) else [message]


def plain(node: Node, message: m.Message | Handshake) -> Said:
    """Speaks BEP 3 and BEP 10, but not BEP 6."""
    match message:
        case Handshake():
            without = int.from_bytes(message.reserved, "big") & ~4
            return [Handshake(message.info_hash, message.peer_id, without.to_bytes(8, "big"))]
        case m.HaveAll():
            count = next(iter(node.client.torrents.values())).metainfo.piece_count
            spare = -count % 8
            return [m.BitfieldMessage((((1 << count) - 1) << spare).to_bytes((count + spare) // 8, "big"))]
        case m.HaveNone() | m.Reject():
            return []
    return [message]


def never_rejecting(node: Node, message: m.Message | Handshake) -> Said:
    """Speaks BEP 6, but answers neither a cancel nor what it will not serve."""
    return [] if isinstance(message, m.Reject) else [message]


def black_hole(node: Node, message: m.Message | Handshake) -> Said:
    """Says that it has everything and serves everybody, and answers nothing."""
    if isinstance(message, m.Piece | m.Reject):
        return []
    return claiming_all(node, message)


def half_messages(node: Node, message: m.Message | Handshake) -> Said:
    """Begins every block, and never ends it."""
    if isinstance(message, m.Piece):
        return [message.serialize()[: len(message.data) // 2]]
    return [message]


def poisoned_metadata(node: Node, message: m.Message | Handshake) -> Said:
    """Wrong metadata, and no blocks either."""
    return [] if isinstance(message, m.Piece) else wrong_metadata(node, message)


ALL = (
    wrong_blocks,
    some_wrong_blocks,
    wrong_metadata,
    wrong_metadata_size,
    garbage,
    silence,
    lazy,
    never_unchoking,
    claiming_all,
    claiming_nonsense,
    flooding,
    black_hole,
    half_messages,
    poisoned_metadata,
)
"""Every way not to follow the rules."""
