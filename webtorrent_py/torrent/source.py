"""What the downloader must know of whoever can give it blocks: a peer, or a web seed."""

from collections.abc import Collection, Iterable
from typing import Protocol

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.peer.connection import Block
from webtorrent_py.peer.rate import RateMeter
from webtorrent_py.peer.requests import Requests


class Source(Protocol):
    """One source of blocks. The verbs are those of a peer's wire; a web seed translates them to HTTP."""

    bitfield: Bitfield | None
    """The pieces that it has; None until that is known."""
    requests: Requests
    """What it is asked for and did not send yet."""
    last_block: float
    """When a block came last, or requests went out to a source that had none."""
    last_wait: float
    """Seconds between the request and the block that came last."""
    snubbed: bool
    """Whether nothing comes though it was asked; kept by the downloader."""
    download: RateMeter

    @property
    def handle(self) -> int:
        """Names it; no peer and no web seed of the client has the same."""

    @property
    def prefers_runs(self) -> bool:
        """Whether it is asked for adjacent pieces rather than for the rarest ones: each run costs it a round trip."""

    @property
    def suggested(self) -> Collection[int]:
        """Pieces that it would like to be asked for."""

    @property
    def request_limit(self) -> int:
        """How many requests it may be given at most."""

    def room(self, depth: int) -> int:
        """How many blocks to ask for now, where `depth` of them fill the line for a round trip."""

    @property
    def requestable(self) -> Bitfield:
        """The pieces that it has and would send now; asked for only when `bitfield` is known."""

    def may_request(self, index: int) -> bool:
        """Whether it has the piece and would send it now."""

    def send_requests(self, blocks: list[Block], now: float) -> None:
        """Ask for blocks."""

    def send_cancels(self, blocks: Iterable[Block], now: float) -> None:
        """Take requests back."""

    def send_interested(self, interested: bool, now: float) -> None:
        """Tell it whether we want anything of it."""

    def send_dont_have(self, index: int, now: float) -> None:
        """Tell it that we lost a piece (BEP 54)."""

    def send_haves(self, haves: bytes, now: float) -> None:
        """Tell it of pieces that we have now, in serialized `have` messages."""
