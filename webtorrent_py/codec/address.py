"""Where a peer takes connections: as text (BEP 9's `x.pe`) and in compact form (BEP 7, BEP 23)."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from webtorrent_py.errors import AddressError

COMPACT_LENGTH = 6
"""Bytes of a compact IPv4 address with its port."""

COMPACT_LENGTH_6 = 18
"""Bytes of a compact IPv6 address with its port."""

_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.%\w]{2,60})\]|([A-Za-z0-9_.-]{1,253})):([0-9]{1,5})", re.ASCII)


class Address(NamedTuple):
    """A host, by number or by name, and a TCP port. One host has one spelling."""

    host: str
    port: int

    @classmethod
    def of(cls, host: str, port: int) -> "Address":
        """The address with its host in the one spelling: numbers as RFC 5952 has them, names in lower case."""
        number = _number(host)
        return cls(str(number) if number else host.lower(), port)

    @property
    def text(self) -> str:
        """`host:port`, which `parse_address` takes back."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Read `host:port`; a host is a name, an IPv4 address, or an IPv6 address in brackets. Raises `AddressError`."""
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or not 0 < int(match[3]) < 65536:
        raise AddressError(f"{text[:100]!r} is no address of the form host:port")
    host = match[1] or match[2]
    is_number = _number(host) is not None
    # A name does not end in a number: what looks like an IPv4 address and is none must not be looked up.
    if not is_number and (match[1] or host.rstrip(".").rpartition(".")[2].isdecimal()):
        raise AddressError(f"{host!r} is no host")
    return Address.of(host, int(match[3]))


def compact(address: Address) -> bytes:
    """The compact form: of 6 bytes for IPv4, of 18 for IPv6. A name has none: no bytes."""
    number = _number(address.host)
    return number.packed + address.port.to_bytes(2, "big") if number else b""


def parse_compact(data: bytes, length: int) -> Iterator[Address]:
    """The addresses in compact form, `length` bytes each. One that is cut short at the end is left out."""
    kind = IPv4Address if length == COMPACT_LENGTH else IPv6Address
    for start in range(0, len(data) - length + 1, length):
        number = kind(data[start : start + length - 2])
        yield Address.of(str(number), int.from_bytes(data[start + length - 2 : start + length], "big"))


def may_tell_of(teller: str, address: Address) -> bool:
    """Whether an address can be one that the host `teller` knows a peer at.

    No stranger may point us at hosts of our own network: of these only hear those who are in it.
    """
    number = _number(address.host)
    if number is None or not address.port or number.is_unspecified or number.is_multicast or number.is_reserved:
        return False
    told_by = _number(teller)
    return not number.is_private or (told_by is not None and told_by.is_private)


def _number(host: str) -> IPv4Address | IPv6Address | None:
    try:
        number = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    # What a socket for both families says of an IPv4 peer.
    return number.ipv4_mapped or number if isinstance(number, IPv6Address) else number
