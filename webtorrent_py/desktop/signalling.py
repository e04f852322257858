"""The swarms of a WebSocket tracker: who is in which, and whose offers and answers go where.

Without I/O: texts go in, with the connection they came on, and deliveries come out. A connection is whatever
the adapter uses to tell its sockets apart. As with other WebTorrent trackers, a peer is in a swarm from its
first announce until it announces `stopped` or its connection closes, and an offer goes to any one other peer.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final, Generic, Literal, TypeVar

from webtorrent_py.errors import TrackerError
from webtorrent_py.tracker.fields import Fields, read_id, read_object, read_sdp, write_id, write_object

MAX_OFFERS: Final = 50
"""Offers of one announce that are passed on; more than that are ignored."""

MAX_SCRAPED: Final = 100
"""Torrents of one scrape that are told of."""

_EVENTS: Final = frozenset({None, "", "empty", "update", "started", "completed", "stopped", "paused"})

Connection = TypeVar("Connection", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Delivery(Generic[Connection]):
    """Send the text on the connection."""

    connection: Connection
    text: str


@dataclass(frozen=True, slots=True)
class Eviction(Generic[Connection]):
    """Close the connection: its peer has come back on another one. It is forgotten already."""

    connection: Connection


@dataclass(slots=True)
class _Member(Generic[Connection]):
    connection: Connection
    complete: bool


class Signalling(Generic[Connection]):
    """All swarms of one tracker. `interval`: seconds after which peers shall announce again."""

    def __init__(self, interval: int, random: Random) -> None:
        self._interval = interval
        self._random = random
        self._swarms: dict[bytes, dict[bytes, _Member[Connection]]] = {}  # info hash → peer id → member
        self._memberships: defaultdict[Connection, set[tuple[bytes, bytes]]] = defaultdict(set)

    def counts(self, info_hash: bytes) -> tuple[int, int]:
        """How many peers of a swarm are complete, and how many are not."""
        members = self._swarms.get(info_hash, {}).values()
        complete = sum(member.complete for member in members)
        return complete, len(members) - complete

    def receive_text(self, connection: Connection, text: str) -> list[Delivery[Connection] | Eviction[Connection]]:
        """What follows from a message. Bad ones are answered with a failure reason."""
        message: Fields = {}
        try:
            message = read_object(text)
            return list(self._handle(connection, message))
        except TrackerError as error:
            failure = {"action": "announce", "failure reason": str(error)}
            # Clients share a connection among torrents and drop answers that do not say which is meant.
            try:
                failure["info_hash"] = write_id(read_id(message, "info_hash"))
            except TrackerError:
                return [Delivery(connection, write_object(failure))]
            return [Delivery(connection, write_object(failure))]

    def connection_closed(self, connection: Connection) -> None:
        """Its peers are gone."""
        for info_hash, peer_id in self._memberships.pop(connection, ()):
            self._remove(info_hash, peer_id)

    def _handle(self, connection: Connection, message: Fields) -> Iterator[Delivery[Connection] | Eviction[Connection]]:
        action = message.get("action")
        if action == "scrape":
            yield self._scraped(connection, message)
            return
        if action != "announce":
            raise TrackerError("only announces and scrapes are understood")
        info_hash, peer_id = read_id(message, "info_hash"), read_id(message, "peer_id")
        if message.get("answer") is not None:
            yield from self._handle_answer(info_hash, peer_id, message)
            return
        event = message.get("event")
        if not isinstance(event, str | None) or event not in _EVENTS:
            raise TrackerError("an announce of an unknown event")
        offers = _read_offers(message)
        if event == "stopped":
            self._leave(connection, info_hash, peer_id)
        else:
            yield from self._join(connection, info_hash, peer_id, message)
        complete, incomplete = self.counts(info_hash)
        response = {
            "action": "announce",
            "info_hash": write_id(info_hash),
            "interval": self._interval,
            "complete": complete,
            "incomplete": incomplete,
        }
        yield Delivery(connection, write_object(response))
        if event != "stopped":
            yield from self._pass_on(info_hash, peer_id, offers)

    def _scraped(self, connection: Connection, message: Fields) -> Delivery[Connection]:
        """Who has the torrents that are named; who ever completed them is not kept (BEP 48)."""
        named = message.get("info_hash")
        names = named if isinstance(named, list) else [named]
        files = {}
        for info_hash in (read_id({"info_hash": name}, "info_hash") for name in names[:MAX_SCRAPED]):
            complete, incomplete = self.counts(info_hash)
            files[write_id(info_hash)] = {"complete": complete, "downloaded": complete, "incomplete": incomplete}
        return Delivery(connection, write_object({"action": "scrape", "files": files}))

    def _join(
        self, connection: Connection, info_hash: bytes, peer_id: bytes, message: Fields
    ) -> Iterator[Eviction[Connection]]:
        present = self._swarms.get(info_hash, {}).get(peer_id)
        if present is not None and present.connection != connection:
            self.connection_closed(present.connection)
            yield Eviction(present.connection)
            present = None
        # An unknown size is sent as null or not at all; it does not make a seeder.
        complete = message.get("event") == "completed" or message.get("left") == 0
        if present is None:
            self._swarms.setdefault(info_hash, {})[peer_id] = _Member(connection, complete)
            self._memberships[connection].add((info_hash, peer_id))
        else:
            present.complete = present.complete or complete

    def _leave(self, connection: Connection, info_hash: bytes, peer_id: bytes) -> None:
        if (info_hash, peer_id) in self._memberships.get(connection, ()):
            self._memberships[connection].discard((info_hash, peer_id))
            self._remove(info_hash, peer_id)

    def _remove(self, info_hash: bytes, peer_id: bytes) -> None:
        swarm = self._swarms[info_hash]
        del swarm[peer_id]
        if not swarm:
            del self._swarms[info_hash]

    def _pass_on(
        self, info_hash: bytes, peer_id: bytes, offers: list[tuple[bytes, str]]
    ) -> Iterator[Delivery[Connection]]:
        others = [member for other_id, member in self._swarms[info_hash].items() if other_id != peer_id]
        chosen = self._random.sample(others, min(len(offers), len(others)))
        for member, (offer_id, sdp) in zip(chosen, offers, strict=False):
            yield Delivery(member.connection, _introduction(info_hash, peer_id, offer_id, "offer", sdp))

    def _handle_answer(self, info_hash: bytes, peer_id: bytes, message: Fields) -> Iterator[Delivery[Connection]]:
        to_peer_id, offer_id = read_id(message, "to_peer_id"), read_id(message, "offer_id")
        sdp = read_sdp(message, "answer")
        member = self._swarms.get(info_hash, {}).get(to_peer_id)
        if member is not None:  # it may well have left meanwhile
            yield Delivery(member.connection, _introduction(info_hash, peer_id, offer_id, "answer", sdp))


def _read_offers(message: Fields) -> list[tuple[bytes, str]]:
    offers = message.get("offers")
    if offers is None:
        return []
    if not isinstance(offers, list) or not all(isinstance(offer, dict) for offer in offers):
        raise TrackerError("an announce with malformed offers")
    wanted = message.get("numwant")
    limit = min(MAX_OFFERS, wanted) if isinstance(wanted, int) and wanted >= 0 else MAX_OFFERS
    return [(read_id(offer, "offer_id"), read_sdp(offer, "offer")) for offer in offers[:limit]]


def _introduction(info_hash: bytes, peer_id: bytes, offer_id: bytes, kind: Literal["offer", "answer"], sdp: str) -> str:
    return write_object(
        {
            "action": "announce",
            "info_hash": write_id(info_hash),
            "peer_id": write_id(peer_id),
            "offer_id": write_id(offer_id),
            kind: {"type": kind, "sdp": sdp},
        }
    )
