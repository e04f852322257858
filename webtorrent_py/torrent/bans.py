"""Whom a torrent keeps away: by peer id, and by host where one is known.

A peer may be found to have lied when it is gone already, so the names of those who left are kept a while.
"""

from typing import TypeVar

from webtorrent_py.codec.address import Address
from webtorrent_py.peer.connection import PeerConnection

# Bounds what is remembered of peers that were banned, and of those that left.
MAX_REMEMBERED = 1024

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Bans:
    """Of one torrent. Of each kind the newest `MAX_REMEMBERED` are kept."""

    def __init__(self) -> None:
        self._ids: dict[bytes, None] = {}
        self._hosts: dict[str, None] = {}
        self._addresses: dict[Address, None] = {}
        # Handle → peer id and host.
        self._gone: dict[int, tuple[bytes, str | None]] = {}

    def ban(self, peer: PeerConnection) -> None:
        """Keep a peer away from now on."""
        self._ban(peer.peer_id, peer.address.host if peer.address else None)

    def left(self, peer: PeerConnection) -> None:
        """A peer is gone; nothing is held against it yet."""
        assert peer.peer_id is not None
        _remember(self._gone, peer.handle, (peer.peer_id, peer.address.host if peer.address else None))

    def ban_who_left(self, handle: int) -> None:
        """The peer with this handle, which is gone, turns out to have lied."""
        if handle in self._gone:
            self._ban(*self._gone[handle])

    def ban_address(self, address: Address) -> None:
        """Connect to this address no more; others at its host may be good."""
        _remember(self._addresses, address, None)

    def has_id(self, peer_id: bytes) -> bool:
        """Whether this peer id is banned."""
        return peer_id in self._ids

    def has_host(self, host: str) -> bool:
        """Whether no connection may be made to this host, nor be taken from it."""
        return host in self._hosts

    def has_address(self, address: Address) -> bool:
        """Whether no connection may be made to this address."""
        return address in self._addresses or self.has_host(address.host)

    def _ban(self, peer_id: bytes | None, host: str | None) -> None:
        if peer_id is not None:
            _remember(self._ids, peer_id, None)
        if host is not None:
            _remember(self._hosts, host, None)


def _remember(memory: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    memory.pop(key, None)
    memory[key] = value
    if len(memory) > MAX_REMEMBERED:
        del memory[next(iter(memory))]
