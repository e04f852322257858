"""What the API needs of the place it runs in.

A host carries out the core's actions (`webtorrent_py.actions`) and hands what comes of them to
`WebTorrent.handle`, from outside of any call that the API makes to it. It also reads and hashes, since
bytes that are stored or seeded need not live in Python.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from webtorrent_py.actions import Action

Content = Any
"""Bytes to seed in whatever form the host takes them: `bytes`, a Blob of the browser, a path."""


@dataclass(frozen=True, slots=True)
class StorePlan:
    """Where a torrent's bytes shall be kept.

    `kind`: "disk" (memory, where the host has none), "memory", or "page" (a store that the user of a page brought).
    `key`: names what to keep for later sessions on disk, or the page's store; None: only while it is there.
    """

    kind: Literal["disk", "memory", "page"] = "disk"
    key: str | int | None = None


class Host(Protocol):
    """See the module."""

    @property
    def random(self) -> random.Random:
        """The source of all randomness, seeded by the host."""
        ...

    @property
    def dials_addresses(self) -> bool:
        """Whether it can connect to peers by address (`OpenConnection`)."""
        ...

    @property
    def listen_port(self) -> int | None:
        """The TCP port on which it takes connections of peers (`connection_accepted`), if it does."""
        ...

    def now(self) -> float:
        """Seconds of a monotonic clock."""
        ...

    def perform(self, actions: Sequence[Action]) -> None:
        """Carry out all of these, in order."""
        ...

    def arm_timer(self, delay: float | None) -> None:
        """Call `WebTorrent.handle_timer` in `delay` seconds, in place of any time asked for before. None: never."""
        ...

    async def fetch(self, url: str, limit: int) -> bytes:
        """GET a URL of at most `limit` bytes. Raises `FetchError`."""
        ...

    async def read(self, torrent: int, offset: int, length: int) -> bytes:
        """Stored bytes at `offset` from the start of the torrent. Raises `StorageError`."""
        ...

    def content_length(self, content: Content) -> int:
        """Bytes of something that shall be seeded. Raises `InvalidOptionError` when it is nothing that can be."""
        ...

    async def hash_pieces(
        self, contents: Sequence[Content], piece_length: int, *, sha1: bool, leaves: bool, padded: bool
    ) -> tuple[bytes, bytes]:
        """Hash contents, taken end to end, for a new torrent. Raises `StorageError`.

        Returns, joined: if `sha1`, the SHA-1 hashes of all pieces, of which the last one is `padded` with zeros to its
        full length or not; if `leaves`, the SHA-256 hashes of all 16 KiB blocks, the last one as short as it is.
        """
        ...

    def attach(self, torrent: int, contents: Sequence[Content], alignment: int = 1) -> None:
        """The torrent's `OpenStore`, which is yet to come, means a store of these contents.

        Each begins at a multiple of `alignment` bytes; zeros lie between.
        """
        ...

    def plan_store(self, torrent: int, plan: StorePlan) -> None:
        """The torrent's `OpenStore`, which is yet to come, means a store of this kind."""
        ...
