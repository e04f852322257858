"""How a torrent is to be treated: what whoever adds it says, and what the client knows of its host."""

from dataclasses import dataclass

from webtorrent_py.errors import InvalidOptionError
from webtorrent_py.torrent.choker import UPLOAD_SLOTS
from webtorrent_py.torrent.state import TorrentState

NO_PEERS_INTERVAL = 30.0


@dataclass(frozen=True, slots=True)
class TorrentOptions:
    """How a torrent is to be treated.

    `have_all`: the store holds everything, verified (seeding). `deselect`: want nothing until asked to.
    `only_files`: want nothing but these inclusive ranges of file indices (a magnet's `so`, BEP 53).
    `sequential`: get pieces in order instead of rarest first. `max_conns`: peers at the same time.
    `upload_slots`: peers that are served at the same time. `choke_seeders`: never serve one that has everything.
    `dials_addresses`: the host can connect to addresses. `listen_port`: the TCP port on which it takes connections.
    `max_web_conns`: HTTP requests to one web seed at the same time. `check`: look through the store first.
    `state`: what is known from an earlier session.
    `private`: peers from its own trackers only (BEP 27). `no_peers_interval`: seconds between two `NoPeers`.
    """

    have_all: bool = False
    paused: bool = False
    deselect: bool = False
    only_files: tuple[tuple[int, int], ...] | None = None
    sequential: bool = False
    max_conns: int = 55
    dials_addresses: bool = False
    listen_port: int | None = None
    max_web_conns: int = 4
    check: bool = False
    state: TorrentState | None = None
    private: bool = False
    no_peers_interval: float = NO_PEERS_INTERVAL
    upload_slots: int = UPLOAD_SLOTS
    choke_seeders: bool = True

    def __post_init__(self) -> None:
        slots: object = self.upload_slots
        if isinstance(slots, bool) or not isinstance(slots, int) or slots < 0:
            raise InvalidOptionError(f"a number of peers to serve at a time is 0 or more, not {slots!r}")
