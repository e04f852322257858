"""All trackers of a client: one announcer and at most one socket per URL, whatever the number of torrents."""

from collections.abc import Iterable, Sequence
from random import Random

from webtorrent_py.actions import CloseSocket, OpenSocket, SendText
from webtorrent_py.handles import Handles
from webtorrent_py.outbox import Outbox
from webtorrent_py.timers import Timers
from webtorrent_py.tracker.announcer import Tracker
from webtorrent_py.tracker.outputs import Connect, Disconnect, TrackerEvent, TrackerState, Transmit
from webtorrent_py.tracker.protocol import Offer, Stats
from webtorrent_py.tracker.url import is_usable, normalize_url


class Trackers:
    """Routes between torrents, announcers and sockets. What trackers say is taken with `events_received`."""

    def __init__(self, own_id: bytes, outbox: Outbox, random: Random, handles: Handles) -> None:
        self._own_id = own_id
        self._outbox = outbox
        self._random = random
        self._handles = handles
        self._trackers: dict[str, Tracker] = {}
        self._urls: dict[bytes, list[str]] = {}
        self._socket_of: dict[str, int] = {}
        self._url_of: dict[int, str] = {}
        self._timers: Timers[str] = Timers()
        self._events: list[tuple[str, TrackerEvent]] = []

    def events_received(self) -> list[tuple[str, TrackerEvent]]:
        """What the trackers said since the last call, with the URL of the one that said it."""
        events, self._events = self._events, []
        return events

    # --- torrents ------------------------------------------------------------------------------

    def add_torrent(self, info_hash: bytes, urls: Iterable[str], now: float) -> None:
        """Announce a torrent to those of the URLs that a page can use."""
        known = self._urls.setdefault(info_hash, [])
        for url in (normalize_url(url) for url in urls if is_usable(url)):
            if url in known:
                continue
            known.append(url)
            tracker = self._trackers.get(url)
            if tracker is None:
                tracker = self._trackers[url] = Tracker(url, self._own_id, self._random)
            tracker.add_torrent(info_hash, now)
            self._settle(tracker)

    def remove_torrent(self, info_hash: bytes, stats: Stats, now: float) -> None:
        """Announce the torrent no more; trackers without torrents are left."""
        for url in self._urls.pop(info_hash, ()):
            tracker = self._trackers[url]
            tracker.remove_torrent(info_hash, stats, now)
            self._settle(tracker)
            if not any(url in urls for urls in self._urls.values()):
                del self._trackers[url]
                self._timers.set(url, None)

    def serves(self, url: str, info_hash: bytes) -> bool:
        """Whether the torrent is announced to the tracker at `url`."""
        return url in self._urls.get(info_hash, ())

    def states(self, info_hash: bytes) -> list[tuple[str, TrackerState]]:
        """The torrent's trackers that are used, and how it fares there."""
        return [(url, self._trackers[url].state(info_hash)) for url in self._urls.get(info_hash, ())]

    def complete(self, info_hash: bytes, now: float) -> None:
        """Tell all trackers of the torrent that it was downloaded to its end."""
        for url in self._urls.get(info_hash, ()):
            self._trackers[url].complete(info_hash, now)
            self._settle(self._trackers[url])

    def announce_now(self, info_hash: bytes, now: float) -> None:
        """Ask all trackers of the torrent for peers sooner than they would have it."""
        for url in self._urls.get(info_hash, ()):
            self._trackers[url].announce_now(info_hash, now)
            self._settle(self._trackers[url])

    def scrape(self, info_hashes: Sequence[bytes], now: float) -> None:
        """Ask all trackers of these torrents for their counts."""
        for tracker in self._trackers.values():
            tracker.scrape(info_hashes, now)
            self._settle(tracker)

    def announce(self, url: str, info_hash: bytes, stats: Stats, offers: tuple[Offer, ...], now: float) -> bool:
        """Announce a torrent to one tracker. False if that is not possible any more."""
        tracker = self._trackers.get(url)
        if tracker is None:
            return False
        sent = tracker.announce(info_hash, stats, offers, now)
        self._settle(tracker)
        return sent

    def answer(self, url: str, info_hash: bytes, peer_id: bytes, offer_id: bytes, sdp: str, now: float) -> None:
        """Answer an offer that came through this tracker."""
        tracker = self._trackers.get(url)
        if tracker is not None:
            tracker.answer(info_hash, peer_id, offer_id, sdp, now)
            self._settle(tracker)

    # --- sockets and time ----------------------------------------------------------------------

    def socket_opened(self, socket: int, now: float) -> None:
        """A socket can be sent on."""
        if tracker := self._tracker_at(socket):
            tracker.socket_opened(now)
            self._settle(tracker)

    def socket_received(self, socket: int, text: str, now: float) -> None:
        """A text message came."""
        tracker = self._tracker_at(socket)
        if tracker is not None and tracker.connected:
            tracker.receive_text(text, now)
            self._settle(tracker)

    def socket_closed(self, socket: int, reason: str, now: float) -> None:
        """A socket is gone, or could not be opened."""
        tracker = self._tracker_at(socket)
        if tracker is not None:
            self._forget_socket(tracker.url)
            tracker.socket_closed(reason, now)
            self._settle(tracker)

    def get_timer(self) -> float | None:
        """When to call `handle_timer` next."""
        return self._timers.next()

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        for url in self._timers.take_due(now):
            self._trackers[url].handle_timer(now)
            self._settle(self._trackers[url])

    # --- inside --------------------------------------------------------------------------------

    def _tracker_at(self, socket: int) -> Tracker | None:
        url = self._url_of.get(socket)
        return self._trackers.get(url) if url is not None else None

    def _forget_socket(self, url: str) -> int | None:
        socket = self._socket_of.pop(url, None)
        if socket is not None:
            del self._url_of[socket]
        return socket

    def _settle(self, tracker: Tracker) -> None:
        for command in tracker.commands_to_perform():
            match command:
                case Connect(url):
                    new = self._handles.new()
                    self._socket_of[url] = new
                    self._url_of[new] = url
                    self._outbox.do(OpenSocket(new, url))
                case Transmit(text):
                    self._outbox.do(SendText(self._socket_of[tracker.url], text))
                case Disconnect():
                    socket = self._forget_socket(tracker.url)
                    if socket is not None:
                        self._outbox.do(CloseSocket(socket))
        self._events += [(tracker.url, event) for event in tracker.events_received()]
        self._timers.set(tracker.url, tracker.get_timer())
