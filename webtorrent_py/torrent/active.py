"""A torrent whose metadata is known: pieces are got and served."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from webtorrent_py.actions import OpenStore
from webtorrent_py.codec.metainfo import Metainfo
from webtorrent_py.errors import WireError
from webtorrent_py.events import CheckDone, FileDone, TorrentDone, TorrentReady
from webtorrent_py.handles import Handles
from webtorrent_py.limits import Share
from webtorrent_py.outbox import Outbox
from webtorrent_py.peer.connection import PeerConnection
from webtorrent_py.torrent.checking import Checking
from webtorrent_py.torrent.choker import Choker
from webtorrent_py.torrent.downloader import Downloader
from webtorrent_py.torrent.file_priorities import FilePriorities
from webtorrent_py.torrent.hash_exchange import Answered, HashExchange
from webtorrent_py.torrent.hashes import PieceHashes
from webtorrent_py.torrent.metadata import METADATA_PIECE, metadata_answer
from webtorrent_py.torrent.progress import Progress
from webtorrent_py.torrent.selection import Selection
from webtorrent_py.torrent.state import TorrentState
from webtorrent_py.torrent.uploader import Uploader
from webtorrent_py.torrent.verification import Verdict, Verification
from webtorrent_py.torrent.webseeds import WebSeeds
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.extensions import (
    EXTENDED_HANDSHAKE_ID,
    LT_DONTHAVE,
    OUR_IDS,
    UT_METADATA,
    MetadataRequest,
    parse_dont_have,
    parse_metadata_message,
)
from webtorrent_py.wire.hashes import Hashes, HashReject, HashRequest

# A peer that others lied to may have to ask again, but an answer is hundreds of times as long as a request.
MAX_METADATA_COPIES = 16


class Active:
    """The phase in which payload moves."""

    def __init__(
        self,
        torrent: int,
        metainfo: Metainfo,
        *,
        have_all: bool,
        state: TorrentState | None,
        priority: int,
        sequential: bool,
        max_web_conns: int,
        choker: Choker,
        download: Share,
        upload: Share,
        peers: Mapping[int, PeerConnection],
        handles: Handles,
        outbox: Outbox,
        random: Random,
        now: float,
    ) -> None:
        self._torrent = torrent
        self._metainfo = metainfo
        self._peers = peers
        self._outbox = outbox
        have = () if state is None else state.verified(metainfo).indices()
        self.progress = Progress(metainfo, have_all, have)
        self.hashes = PieceHashes(metainfo) if metainfo.info_hash_v2 is not None else None
        self._exchange = HashExchange(self.hashes, peers, now) if self.hashes is not None else None
        self.liars: list[tuple[int, int]] = []
        """Pieces, and the handles of peers that are found to have sent wrong blocks of them; taken by the torrent."""
        self._selection = Selection(metainfo.piece_count, priority)
        self._files = FilePriorities(metainfo, priority, self.progress.files_in)
        if state is not None and state.have is not None:
            self._selection.restore(state.priorities)
            self._files.restore(state.unselected_files)
        self._verification = Verification(torrent, metainfo, self.hashes)
        self._checking: Checking | None = None
        self._paused = False
        self._seconds_active = 0.0
        self._active_since = now
        self.downloader = Downloader(
            torrent,
            metainfo=metainfo,
            verification=self._verification,
            exchange=self._exchange,
            progress=self.progress,
            selection=self._selection,
            share=download,
            outbox=outbox,
            random=random,
            sequential=sequential,
        )
        self.web_seeds = WebSeeds(
            torrent,
            metainfo=metainfo,
            downloader=self.downloader,
            max_conns=max_web_conns,
            handles=handles,
            outbox=outbox,
        )
        self.uploader = Uploader(
            torrent,
            info_hash=metainfo.info_hash,
            sizes=metainfo,
            piece_length=metainfo.piece_length,
            has_gaps=not metainfo.has_v1,
            have=self.progress.have,
            peers=peers,
            choker=choker,
            seeding=lambda: self.downloader.wants_nothing,
            share=upload,
            outbox=outbox,
            now=now,
        )
        # Peer → how many pieces of metadata it was sent.
        self._metadata_given: dict[int, int] = {}
        outbox.do(OpenStore(torrent, metainfo.extent, metainfo.piece_length))
        if state is not None:
            self.downloader.received, self.uploader.total = state.received, state.uploaded
            for index, (blocks, data) in state.partial.items():
                self.downloader.restore(index, blocks, data)

    @property
    def selects_any(self) -> bool:
        """Whether any piece is selected."""
        return not self._selection.empty

    def announce_ready(self) -> None:
        """Tell that the torrent can be used, and what of it is there already."""
        self._outbox.tell(TorrentReady(self._torrent))
        for number, file in enumerate(self._metainfo.files):
            if self.progress.file_bytes[number] == file.length:
                self._outbox.tell(FileDone(self._torrent, number))
        if self.progress.have.all:
            self._outbox.tell(TorrentDone(self._torrent))

    def peer_added(self, peer: PeerConnection, now: float) -> None:
        """Count what it has."""
        if self._exchange is not None:
            self._exchange.peer_added(peer, now)
        self.downloader.add_peer(peer, now)
        self.uploader.interest_changed(peer, now)

    def peer_removed(self, peer: PeerConnection, now: float) -> None:
        """Ask and serve others instead."""
        self._metadata_given.pop(peer.handle, None)
        if self._exchange is not None:
            self._exchange.peer_removed(peer, now)
        self.downloader.remove_peer(peer, now)
        self.uploader.peer_removed(peer, now)

    def message_received(self, peer: PeerConnection, message: m.Message, now: float) -> None:
        """Take a message. Raises `WireError`."""
        match message:
            case m.Piece():
                self.downloader.block_received(peer, message, now)
            case m.Request():
                self.uploader.request_received(peer, message, now)
            case m.Cancel():
                self.uploader.cancel_received(peer, message)
            case m.Have(index):
                self.downloader.have_received(peer, index, now)
            case m.BitfieldMessage() | m.HaveAll() | m.HaveNone():
                self.downloader.bitfield_received(peer, now)
            case m.Unchoke() | m.AllowedFast():
                self.downloader.unchoked(peer, now)
            case m.Choke():
                self.downloader.choked(peer, now)
            case m.Reject(index, begin):
                self.downloader.rejected(peer, index, begin, now)
            case m.Interested() | m.NotInterested():
                self.uploader.interest_changed(peer, now)
            case m.Extended(id=id) if id == EXTENDED_HANDSHAKE_ID:
                # It may have begun, or ended, to be upload-only.
                self.uploader.interest_changed(peer, now)
            case m.Extended(id=id, payload=payload) if id == OUR_IDS[LT_DONTHAVE]:
                self.downloader.have_lost(peer, parse_dont_have(payload), now)
            case m.Extended(id=id, payload=payload) if id == OUR_IDS[UT_METADATA]:
                request = parse_metadata_message(payload)
                if isinstance(request, MetadataRequest):
                    self._give_metadata(peer, request, now)
            case HashRequest() | Hashes() | HashReject():
                self._hash_message_received(peer, message, now)

    # --- hashes --------------------------------------------------------------------------------

    def _hash_message_received(
        self, peer: PeerConnection, message: HashRequest | Hashes | HashReject, now: float
    ) -> None:
        if self._exchange is None:
            raise WireError("the peer speaks of hashes that a v1 torrent does not have")
        match message:
            case HashRequest():
                self._exchange.requested(peer, message, now)
            case HashReject():
                self._exchange.rejected(peer.handle, message, now)
            case Hashes():
                self._go_on(self._exchange.received(peer.handle, message, now), now)

    def piece_hashed(self, index: int, digests: bytes, now: float) -> None:
        """The host hashed a complete piece. Raises `MetainfoError` when the torrent contradicts itself."""
        self.liars += [(index, peer) for peer in self.downloader.piece_hashed(index, digests, now)]

    def _go_on(self, answered: Answered, now: float) -> None:
        for index, digests in answered.judgeable:
            self.piece_hashed(index, digests, now)
        for index, wrong in answered.questioned:
            self.liars += [(index, peer) for peer in self.downloader.blocks_judged(index, wrong, now)]

    def _give_metadata(self, peer: PeerConnection, request: MetadataRequest, now: float) -> None:
        given = self._metadata_given.get(peer.handle, 0) + 1
        if given > MAX_METADATA_COPIES * (1 + len(self._metainfo.info) // METADATA_PIECE):
            raise WireError("the peer asks for the metadata again and again")
        self._metadata_given[peer.handle] = given
        peer.send_metadata(metadata_answer(self._metainfo.info, request), now)

    def select_pieces(self, first: int, last: int, priority: int, now: float) -> None:
        """Want pieces this much, whatever files they are of; 0 is not at all."""
        self._files.set_pieces(first, last, priority)
        self.downloader.select(first, last, priority, now)

    def select_file(self, file: int, priority: int, now: float) -> None:
        """Want a file's pieces this much; those that it shares with others as much as the one that is wanted most."""
        for first, last, greatest in self._files.set_file(file, priority):
            self.downloader.select(first, last, greatest, now)

    @property
    def is_checking(self) -> bool:
        """Whether the store is being looked through."""
        return self._checking is not None

    def seconds_active(self, now: float) -> float:
        """For how long it was not paused, since the metadata was known."""
        return self._seconds_active + (0.0 if self._paused else now - self._active_since)

    def check(self, now: float) -> None:
        """Look through the store: for what is missing here, and whether what was verified still is right."""
        if self._checking is not None:
            return
        under_way = {piece.index for piece in self.downloader.under_way()}
        pieces = [index for index in range(self._metainfo.piece_count) if index not in under_way]
        if not pieces:
            self._outbox.tell(CheckDone(self._torrent))
            return
        self.downloader.pause(now)
        self._checking = Checking(
            self._torrent,
            pieces,
            len(pieces),
            verification=self._verification,
            size=self._metainfo.piece_length,
            outbox=self._outbox,
        )

    def piece_checked(self, index: int, digests: bytes | None, now: float) -> None:
        """The host looked at a piece in the store. Raises `MetainfoError` when the torrent contradicts itself."""
        if self._checking is None or not self._checking.checked(index):
            return
        verdict = Verdict.WRONG if digests is None else self._verification.judge(index, digests)
        if verdict is Verdict.RIGHT and not self.progress.have[index]:
            self.downloader.piece_found(index, now)
        elif verdict is Verdict.WRONG and self.progress.have[index]:
            self.downloader.piece_lost(index, now)
        if self._checking.is_over:
            self._checking = None
            if not self._paused:
                self.downloader.resume(now)
            self._outbox.tell(CheckDone(self._torrent))

    def export(self, state: TorrentState, partial_pieces: bool) -> TorrentState:
        """The state with what this phase knows; with the bytes of pieces under way only if asked for."""
        partial = {
            piece.index: (piece.blocks_here(), bytes(piece.data))
            for piece in self.downloader.under_way()
            if partial_pieces and piece.missing < piece.asked_count
        }
        return replace(
            state,
            uploaded=self.uploader.total,
            received=self.downloader.received,
            have=self.progress.have.to_bytes(),
            priorities=self._selection.export(),
            unselected_files=self._files.unselected,
            partial=partial,
        )

    def pause(self, now: float) -> None:
        """Move no payload."""
        self._seconds_active = self.seconds_active(now)
        self._paused = True
        self.downloader.pause(now)
        self.uploader.pause(now)

    def resume(self, now: float) -> None:
        """Move payload again."""
        self._seconds_active, self._active_since = self.seconds_active(now), now
        self._paused = False
        if self._checking is None:
            self.downloader.resume(now)
        self.uploader.resume(now)

    def tick(self, now: float) -> None:
        """Choose whom to serve, and relieve silent peers."""
        self.uploader.tick(now)
        self.downloader.tick(now)
        if self._exchange is not None:
            self._go_on(self._exchange.tick(now), now)
        self.web_seeds.tick(now)
