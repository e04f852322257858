"""A libtorrent session with one torrent: the WebTorrent peer on the desktop that our pages meet."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import libtorrent

# Loopback only, and nothing that would look for peers elsewhere than at the tracker.
SETTINGS: "libtorrent.settings_pack" = {
    "listen_interfaces": "127.0.0.1:0",
    "webtorrent_stun_server": "",
    "allow_multiple_connections_per_ip": True,
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "min_websocket_announce_interval": 1,
    "stop_tracker_timeout": 1,
    "alert_mask": (
        libtorrent.alert.category_t.error_notification
        | libtorrent.alert.category_t.status_notification
        | libtorrent.alert.category_t.tracker_notification
    ),
}

# To be reached by address: plain TCP, as we speak it.
TCP_SETTINGS: "libtorrent.settings_pack" = {
    "enable_incoming_utp": False,
    "enable_outgoing_utp": False,
    "in_enc_policy": int(libtorrent.enc_policy.disabled),
    "out_enc_policy": int(libtorrent.enc_policy.disabled),
    # Those who have everything stay, so that it can be seen what they said.
    "close_redundant_connections": False,
    # A client that failed may be right the next second.
    "min_reconnect_time": 1,
}

POLL_MILLISECONDS = 50
TIMEOUT_SECONDS = 60.0


class LibtorrentPeer:
    """One torrent, a torrent file's bytes or a magnet link, in a session of its own; a context manager.

    With `seed` the files below `directory` are taken to be complete and right, unverified: what they really
    hold is what peers are sent. `rate_limit` is in bytes per second of upload; `settings` change `SETTINGS`.
    """

    def __init__(
        self,
        torrent: bytes | str,
        directory: Path,
        *trackers: str,
        seed: bool = True,
        rate_limit: int = 0,
        settings: "libtorrent.settings_pack | None" = None,
    ) -> None:
        self._session = libtorrent.session({**SETTINGS, **(settings or {})})
        self.alerts: list[str] = []
        if isinstance(torrent, str):
            params = libtorrent.parse_magnet_uri(torrent)
        else:
            params = libtorrent.load_torrent_buffer(torrent)
        params.save_path = str(directory)
        params.trackers += trackers
        params.upload_limit = rate_limit
        params.flags &= ~(libtorrent.torrent_flags.auto_managed | libtorrent.torrent_flags.paused)
        if seed:
            assert params.ti is not None, "only a torrent file says how many pieces there are"
            # Not libtorrent's seed mode, which verifies each piece when it is first asked for.
            params.have_pieces = [True] * params.ti.num_pieces()
            params.flags |= libtorrent.torrent_flags.no_verify_files
        self._handle = self._session.add_torrent(params)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def status(self) -> libtorrent.torrent_status:
        """libtorrent's `torrent_status`: `progress`, `total_payload_upload`, `num_peers` and more."""
        return self._handle.status()

    @property
    def port(self) -> int:
        """The TCP port on which it takes connections; blocks until there is one."""
        self.wait_until(lambda: self._session.listen_port() != 0)
        return self._session.listen_port()

    @property
    def peers(self) -> list[libtorrent.peer_info]:
        """What it knows of those it is connected to."""
        return self._handle.get_peer_info()

    def connect(self, host: str, port: int) -> None:
        """Let it connect to a peer."""
        self._handle.connect_peer((host, port))

    def wait_until_announced(self) -> None:
        """Block until a tracker has answered: from here on newcomers are told of this peer."""
        self.wait_until(lambda: any(tracker["verified"] for tracker in self._handle.trackers()))

    def wait_until_done(self, timeout: float = TIMEOUT_SECONDS) -> None:
        """Block until every piece is here and verified; raise `TimeoutError` with the alerts seen."""
        self.wait_until(lambda: self.status.is_seeding, timeout)

    def wait_until(self, condition: Callable[[], bool], timeout: float = TIMEOUT_SECONDS) -> None:
        """Block until the condition holds, which is looked at whenever there are news; raise `TimeoutError`."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                status = self.status
                raise TimeoutError(f"libtorrent is {status.state} at {status.progress:.1%}; alerts: {self.alerts}")
            self._session.wait_for_alert(POLL_MILLISECONDS)
            self.alerts += [alert.message() for alert in self._session.pop_alerts()]

    def close(self) -> None:
        """End the session; the tracker is told. Blocks until the sockets are closed."""
        del self._handle, self._session
