"""Which extended messages the two ends of a connection take, and under which ids (BEP 10).

Each end chooses the ids under which it wants to be sent a message, and tells them in its extended handshake, which may
come again whenever something is added. Ours begin with what we speak ourselves; those that a user adds follow, and what
comes under their ids is the user's to understand.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from webtorrent_py import __version__
from webtorrent_py.codec import bencode
from webtorrent_py.codec.bencode import Encodable, Value
from webtorrent_py.errors import BencodeError, InvalidOptionError, UnknownExtensionError, WireError
from webtorrent_py.wire.extensions import LT_DONTHAVE, OUR_IDS, UT_METADATA, UT_PEX, ExtendedHandshake
from webtorrent_py.wire.messages import EXTENDED_LENGTH_LIMIT

_RESERVED: Final = (UT_METADATA, UT_PEX, LT_DONTHAVE)

CLIENT: Final = f"webtorrent-py {__version__}"
"""How we call ourselves."""

FIRST_ID: Final = 16
"""The ids of users' extensions begin here, so that there is room below for those of our own."""

MAX_EXTENSIONS: Final = 64
"""Extensions of one connection: each lengthens the handshake, and an id has one byte."""

MAX_NAMES: Final = 255
"""Extensions that the other end may name: there are no more ids."""

MAX_FIELDS: Final = 16 * 1024
"""Bytes of an extended handshake that are kept, or sent, for users' extensions."""


class Extensions:
    """The extensions of one connection."""

    def __init__(self) -> None:
        self.handshake: ExtendedHandshake | None = None
        """What the other end said last."""
        self._announced = ExtendedHandshake(OUR_IDS)
        self._names: dict[int, str] = {}
        self._theirs: dict[str, int] = {}
        self._sent: dict[bytes, Encodable] = {}
        self._received = b"de"

    def use(self, name: str, fields: Mapping[str, Encodable]) -> None:
        """Take messages of the extension `name` from now on, and say `fields` besides in the handshake.

        Raises `InvalidOptionError` for a name that is ours or empty, for what cannot be encoded, and for too much.
        """
        if not name or name in _RESERVED:
            raise InvalidOptionError(f"'{name}' cannot be the name of an extension")
        if name not in self._names.values() and len(self._names) >= MAX_EXTENSIONS:
            raise InvalidOptionError(f"a connection takes at most {MAX_EXTENSIONS} extensions")
        sent = {**self._sent, **{key.encode(): value for key, value in fields.items()}}
        try:
            length = len(bencode.encode(sent))
        except BencodeError as error:
            raise InvalidOptionError(f"the handshake of '{name}' cannot be sent: {error}") from error
        if length > MAX_FIELDS:
            raise InvalidOptionError(f"the handshake of '{name}' has more than {MAX_FIELDS} bytes")
        self._sent = sent
        if name not in self._names.values():
            self._names[FIRST_ID + len(self._names)] = name

    def handshake_received(self, payload: bytes) -> ExtendedHandshake:
        """The other end's extended handshake. Raises `WireError`."""
        self.handshake = ExtendedHandshake.parse(payload)
        theirs = self.handshake.ids_after(self._theirs)
        if len(theirs) > MAX_NAMES:
            raise WireError(f"the peer named more than {MAX_NAMES} extensions")
        self._theirs = theirs
        self._received = payload if len(payload) <= MAX_FIELDS else b"de"
        return self.handshake

    def announced(
        self, ids: Mapping[str, int], *, port: int | None, metadata_size: int | None, upload_only: bool
    ) -> None:
        """What our handshake says of ourselves from now on: see `ExtendedHandshake`."""
        self._announced = ExtendedHandshake(
            ids, port=port, metadata_size=metadata_size, client=CLIENT, upload_only=upload_only
        )

    def to_send(self, reqq: int) -> bytes:
        """The payload of our extended handshake."""
        ids = {**self._announced.ids, **{name: id for id, name in self._names.items()}}
        return replace(self._announced, ids=ids, reqq=reqq).serialize(self._sent)

    def name_of(self, id: int) -> str | None:
        """The user's extension whose messages come under this id."""
        return self._names.get(id)

    @property
    def names(self) -> Mapping[str, int]:
        """The ids under which the other end takes messages, by name."""
        return self._theirs

    @property
    def metadata_id(self) -> int | None:
        """The id under which the other end takes `ut_metadata` messages, or None (BEP 9)."""
        return self._theirs.get(UT_METADATA)

    def fields(self) -> dict[bytes, Value]:
        """The other end's handshake as it came, for those whose extensions put something into it."""
        value, _ = bencode.decode_prefix(self._received)
        return value if isinstance(value, dict) else {}

    def message(self, name: str, payload: bytes) -> tuple[int, bytes]:
        """Id and payload of a message to the other end.

        Raises `UnknownExtensionError` if the other end takes none of this name, `InvalidOptionError` if it is too long.
        """
        id = self._theirs.get(name)
        if id is None:
            raise UnknownExtensionError(f"the peer does not speak the extension '{name}'")
        if len(payload) > EXTENDED_LENGTH_LIMIT:
            raise InvalidOptionError(f"a message of '{name}' has more than {EXTENDED_LENGTH_LIMIT} bytes")
        return id, payload
