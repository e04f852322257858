"""Gathers what `diagnosis` decides over from where it is known."""

from collections.abc import Iterable, Sequence

from webtorrent_py.client.diagnosis import AttemptFacts, Facts, PeerFacts, TrackerFacts
from webtorrent_py.client.signalling import Attempts
from webtorrent_py.errors import StorageError
from webtorrent_py.torrent.torrent import Torrent
from webtorrent_py.tracker.outputs import TrackerState
from webtorrent_py.tracker.url import is_usable


def gather_facts(
    torrent: Torrent, trackers: Iterable[tuple[str, TrackerState]] | None, attempts: Sequence[Attempts], now: float
) -> Facts:
    """The facts of a torrent. `trackers` are those that it is announced to; None: the client uses none at all.

    A hybrid is in two swarms, and has `trackers` and `attempts` in each.
    """
    connected = [peer for peer in torrent.peers.values() if peer.handshaken]
    active = torrent.active
    useful = [peer for peer in connected if active and active.downloader.is_interested_in(peer.handle)]
    serving = [peer for peer in useful if not peer.peer_choking or peer.allowed_fast]
    return Facts(
        age=now - torrent.added_at,
        error=str(torrent.failed) if torrent.failed else None,
        is_storage_error=isinstance(torrent.failed, StorageError),
        paused=torrent.paused,
        ready=torrent.ready,
        complete=torrent.complete,
        wanted=active.downloader.wanted.count if active else 0,
        selected_any=active is None or active.selects_any,
        rate=torrent.download_rate(now),
        peers=PeerFacts(len(connected), len(useful), len(serving)),
        attempts=AttemptFacts(
            offered=sum(each.offered for each in attempts),
            unanswered=sum(each.unanswered for each in attempts),
            opened=sum(each.opened for each in attempts),
            failed=sum(each.failed for each in attempts),
        ),
        trackers=[_tracker(url, state, now) for url, state in trackers or ()],
        unusable_trackers=[url for url in torrent.trackers if not is_usable(url)],
        uses_trackers=trackers is not None,
        web_seed_errors=dict(torrent.web_seeds.errors) if torrent.web_seeds is not None else {},
    )


def _tracker(url: str, state: TrackerState, now: float) -> TrackerFacts:
    return TrackerFacts(
        url,
        answered=state.answered,
        seeders=state.complete,
        leechers=state.incomplete,
        failing_for=None if state.failing_since is None else now - state.failing_since,
        reason=state.reason,
    )
