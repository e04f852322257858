"""Under which info hashes torrents are found, and what passes between them and their trackers.

A hybrid torrent is in two swarms (BEP 52), and its other info hash may be known only with its metadata; so names are
joined as they become known. Whatever a tracker says is settled before a turn of the client ends (`settle`).
"""

from webtorrent_py.client.connecting import Connecting, Connections
from webtorrent_py.client.dialling import Dialling
from webtorrent_py.client.signalling import Signalling
from webtorrent_py.client.trackers import Trackers
from webtorrent_py.errors import DuplicateTorrentError
from webtorrent_py.events import TorrentWarning, TrackerAnnounced, TrackerScraped
from webtorrent_py.outbox import Outbox
from webtorrent_py.torrent.torrent import Torrent
from webtorrent_py.tracker.outputs import AnnounceDue, TrackerEvent, TrackerWarning
from webtorrent_py.tracker.protocol import AnnounceResponse, RemoteAnswer, RemoteOffer, Stats, SwarmCounts


class Swarms:
    """The swarms of all torrents. `torrents` maps info hashes to torrents, and is kept here."""

    def __init__(
        self,
        torrents: dict[bytes, Torrent],
        connections: Connections,
        *,
        uses_trackers: bool,
        trackers: Trackers,
        signalling: Signalling,
        dialling: Dialling,
        connecting: Connecting,
        outbox: Outbox,
    ) -> None:
        self._torrents = torrents
        self._connections = connections
        self._uses_trackers = uses_trackers
        self._trackers = trackers
        self._signalling = signalling
        self._dialling = dialling
        self._connecting = connecting
        self._outbox = outbox
        self._joined: dict[int, tuple[bytes, ...]] = {}
        """Torrent → the info hashes under which it is announced and found."""

    def maybe_join(self, torrent: Torrent, now: float) -> None:
        """Be found, and announce, under every info hash, those that became known since the last call too."""
        if self._joined.get(torrent.id) is torrent.swarm_hashes or torrent.failed is not None:
            return
        self._keep_private(torrent, now)
        for info_hash in torrent.swarm_hashes:
            other = self._torrents.setdefault(info_hash, torrent)
            if other is not torrent:
                named = f"torrent is in the client already, by its other info hash {info_hash.hex()}"
                torrent.fail(DuplicateTorrentError(named, other.id), now)
                self.leave(torrent, now)
                self.forget(torrent)
                return
            if self._uses_trackers:
                self._trackers.add_torrent(info_hash, torrent.trackers, now)
        self._joined[torrent.id] = torrent.swarm_hashes
        self.settle(now)

    def join_again(self, torrent: Torrent) -> None:
        """Its trackers are others now: `maybe_join` is to announce to them."""
        self._joined.pop(torrent.id, None)

    def leave(self, torrent: Torrent, now: float) -> None:
        """Tell the trackers that it is gone, and give up connections that are under way for it."""
        for info_hash in torrent.swarm_hashes:
            if self._torrents.get(info_hash) is torrent:
                self._signalling.torrent_removed(info_hash)
                self._dialling.torrent_removed(info_hash)
                self._trackers.remove_torrent(info_hash, _stats(torrent), now)

    def forget(self, torrent: Torrent) -> None:
        """Find it no more."""
        self._joined.pop(torrent.id, None)
        for info_hash in torrent.swarm_hashes:
            if self._torrents.get(info_hash) is torrent:
                del self._torrents[info_hash]

    def complete(self, torrent: Torrent, now: float) -> None:
        """Tell the trackers that it was downloaded to its end."""
        for info_hash in torrent.swarm_hashes:
            self._trackers.complete(info_hash, now)
        self.settle(now)

    def announce_now(self, torrent: Torrent, now: float) -> None:
        """Ask the trackers for peers sooner than they would have it."""
        for info_hash in torrent.swarm_hashes:
            self._trackers.announce_now(info_hash, now)
        self.settle(now)

    def settle(self, now: float) -> None:
        """Do what trackers said, and announce what is due with the offers that there are."""
        while True:
            for url, event in self._trackers.events_received():
                self._handle_event(url, event, now)
            gathered = self._signalling.take_gathered(now)
            for gathering in gathered:
                torrent = self._torrents.get(gathering.info_hash)
                if torrent is None or not self._trackers.announce(
                    gathering.url,
                    gathering.info_hash,
                    _stats(torrent),
                    self._signalling.announced(gathering, now),
                    now,
                ):
                    self._signalling.give_back(gathering)
            if not gathered:
                return

    def _handle_event(self, url: str, event: TrackerEvent, now: float) -> None:
        if isinstance(event, TrackerWarning):
            affected = (
                {torrent.id for info_hash, torrent in self._torrents.items() if self._trackers.serves(url, info_hash)}
                if event.info_hash is None
                else {torrent.id for torrent in [self._torrents.get(event.info_hash)] if torrent}
            )
            for id in sorted(affected):
                self._outbox.tell(TorrentWarning(id, event.error))
            return
        found = self._torrents.get(event.info_hash)
        if found is None:
            return
        match event:
            case AnnounceDue():
                wanted = min(event.offers_wanted, self._connecting.offers(found, now))
                self._signalling.gather(url, event.info_hash, wanted, len(self._connections), now)
            case AnnounceResponse():
                self._outbox.tell(TrackerAnnounced(found.id, url, event.complete, event.incomplete))
            case RemoteOffer():
                if self._connecting.wants(found, event.peer_id, now):
                    self._signalling.offer_received(url, event, len(self._connections), now)
            case RemoteAnswer():
                self._signalling.answer_received(event, self._connecting.wants(found, event.peer_id, now), now)
            case SwarmCounts(complete=complete, downloaded=downloaded, incomplete=incomplete):
                self._outbox.tell(TrackerScraped(found.id, url, complete, downloaded, incomplete))

    def _keep_private(self, torrent: Torrent, now: float) -> None:
        """Of a link that turns out to be of a private torrent, use its own trackers only (BEP 27).

        Its peers may come from others; those that its own trackers know come again.
        """
        foreign = torrent.foreign_trackers.intersection(torrent.trackers)
        if foreign and torrent.metainfo is not None and torrent.metainfo.private:
            torrent.trackers = tuple(url for url in torrent.trackers if url not in foreign)
            torrent.close_peers(now, "the torrent is private, and the peer may be no part of it")
            self.leave(torrent, now)


def _stats(torrent: Torrent) -> Stats:
    return Stats(torrent.uploaded, torrent.received, torrent.left, torrent.announce_extras)
