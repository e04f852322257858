"""The numbers of messages."""

from enum import IntEnum


class MessageId(IntEnum):
    """The ids that we know: BEP 3, 5 (port), 6 (0x0D to 0x11), 10 (extended), 52 (hashes)."""

    CHOKE = 0
    UNCHOKE = 1
    INTERESTED = 2
    NOT_INTERESTED = 3
    HAVE = 4
    BITFIELD = 5
    REQUEST = 6
    PIECE = 7
    CANCEL = 8
    PORT = 9
    SUGGEST = 0x0D
    HAVE_ALL = 0x0E
    HAVE_NONE = 0x0F
    REJECT = 0x10
    ALLOWED_FAST = 0x11
    EXTENDED = 20
    HASH_REQUEST = 21
    HASHES = 22
    HASH_REJECT = 23
