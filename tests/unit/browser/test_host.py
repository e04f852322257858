"""The core's actions become calls of JavaScript, and its calls inputs of the core."""

import asyncio
import struct
import typing
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, call

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.browser.conftest import Buffer, JsException
from webtorrent_py import actions as a
from webtorrent_py.errors import FetchError, InvalidOptionError, StorageError

HEAD = struct.Struct("<IIdII")

handles = st.integers(1, 2**32 - 1)
SENDS = st.lists(
    st.builds(a.Send, handles, st.binary(min_size=1, max_size=50))
    | st.builds(
        a.SendBlock,
        handles,
        st.binary(min_size=13, max_size=13),
        handles,
        st.integers(0, 2**53 - 1),
        st.integers(1, 2**17),
    ),
    min_size=1,
    max_size=8,
)


def make_host(**functions: Any) -> tuple[Any, Mock]:
    from webtorrent_py.browser.host import BrowserHost

    io = Mock(**functions)
    return BrowserHost(io), io


def decode(records: bytes) -> list[a.Send | a.SendBlock]:
    sends: list[a.Send | a.SendBlock] = []
    while records:
        peer, torrent, offset, length, size = HEAD.unpack_from(records)
        data, records = records[HEAD.size : HEAD.size + size], records[HEAD.size + size :]
        assert len(data) == size
        sends.append(a.SendBlock(peer, data, torrent, int(offset), length) if torrent else a.Send(peer, data))
    return sends


@given(sends=SENDS)
def test_all_that_a_turn_sends_goes_out_in_one_call_in_order(sends: list[Any]) -> None:
    host, io = make_host()
    host.perform(sends)
    [(name, (records,), _)] = io.mock_calls
    assert name == "transmit"
    assert decode(records) == sends


def test_what_comes_between_keeps_its_place() -> None:
    host, io = make_host()
    host.perform([a.Send(1, b"bye"), a.ClosePeer(1), a.Send(2, b"have")])
    assert [each[0] for each in io.mock_calls] == ["transmit", "closePeer", "transmit"]


def test_every_action_is_carried_out() -> None:
    host, io = make_host()
    piece = bytearray(b"piece")
    cases = {
        a.OpenSocket(1, "ws://a"): call.openSocket(1, "ws://a"),
        a.SendText(1, "{}"): call.sendText(1, "{}"),
        a.CloseSocket(1): call.closeSocket(1),
        a.CreateOffer(2): call.createOffer(2),
        a.AcceptOffer(2, "v=0"): call.acceptOffer(2, "v=0"),
        a.AcceptAnswer(2, "v=0"): call.acceptAnswer(2, "v=0"),
        a.ClosePeer(2): call.closePeer(2),
        a.OpenStore(3, 10, 5): call.openStore(3, 10, 5),
        a.StorePiece(3, 1): call.storePiece(3, 1),
        a.DropPiece(3, 1): call.dropPiece(3, 1),
        a.CheckPiece(3, 1, 5, 5): call.checkPiece(3, 1, 5, 5, True, 0),
        a.FetchRange(4, 3, "http://a/", 5, 6): call.fetchRange(3, 4, "http://a/", 5, 6),
        a.CancelFetch(4): call.cancelFetch(4),
        a.CloseStore(3): call.closeStore(3),
    }
    host.perform(list(cases))
    assert io.mock_calls == list(cases.values())
    io.reset_mock()
    host.perform([a.HashPiece(3, 1, piece, sha1=True, leaf_bytes=5)])
    [(_, (torrent, index, data, sha1, leaf_bytes), _)] = io.mock_calls
    assert (torrent, index, sha1, leaf_bytes) == (3, 1, True, 5)
    assert data is piece
    # A client on this host is told that there is no TCP.
    assert not host.dials_addresses
    performed = {type(each) for each in cases} | {a.HashPiece, a.Send, a.SendBlock}
    assert set(typing.get_args(a.Action)) - {a.OpenConnection} == performed


def test_what_javascript_calls_reaches_the_core() -> None:
    host, io = make_host()
    received: list[tuple[Any, ...]] = []
    core = Mock()
    client = SimpleNamespace(
        core=core, handle=lambda method, *args: received.append((method, *args)), handle_timer=Mock()
    )
    host.connect(client, extra=len)
    [(_, (handlers,), _)] = io.mock_calls
    inputs = {
        "socket_opened": (1,),
        "socket_received": (1, "{}"),
        "socket_closed": (1, "gone"),
        "offer_created": (2, "v=0"),
        "answer_created": (2, "v=0"),
        "connection_failed": (2, "no way"),
        "channel_opened": (2,),
        "writable": (2,),
        "channel_closed": (2,),
        "piece_stored": (3, 1),
        "storage_failed": (3, "full"),
    }
    for name, args in inputs.items():
        handlers[name](*args)
    handlers["receive_data"](2, Buffer(b"data"))
    handlers["piece_hashed"](3, 1, Buffer(b"d" * 20))
    assert received == [
        *((getattr(core, name), *args) for name, args in inputs.items()),
        (core.receive_data, 2, b"data"),
        (core.piece_hashed, 3, 1, b"d" * 20),
    ]
    received.clear()
    handlers["piece_checked"](3, 1, Buffer(b"d" * 20))
    handlers["piece_checked"](3, 1, None)
    assert received == [(core.piece_checked, 3, 1, b"d" * 20), (core.piece_checked, 3, 1, None)]
    received.clear()
    handlers["range_started"](3, 4, 206, "bytes 0-1/2")
    handlers["range_started"](3, 4, 206, "")
    handlers["range_received"](3, 4, Buffer(b"data"))
    handlers["range_ended"](3, 4)
    handlers["range_failed"](3, 4, "no")
    assert received == [
        (core.fetches.range_started, 3, 4, 206, "bytes 0-1/2"),
        (core.fetches.range_started, 3, 4, 206, None),
        (core.fetches.range_received, 3, 4, b"data"),
        (core.fetches.range_ended, 3, 4),
        (core.fetches.range_failed, 3, 4, "no"),
    ]
    handlers["handle_timer"]()
    client.handle_timer.assert_called_once_with()
    assert handlers["extra"]([1, 2]) == 2
    assert handlers["digest"]("SHA-1", Buffer(b"")).hex() == "da39a3ee5e6b4b0d3255bfef95601890afd80709"
    assert handlers["digest"]("SHA-256", Buffer(b"")).hex().startswith("e3b0c44298fc1c149afbf4c8996fb924")


def test_timers_are_in_milliseconds() -> None:
    host, io = make_host()
    host.arm_timer(1.5)
    host.arm_timer(None)
    assert io.mock_calls == [call.armTimer(1500.0), call.armTimer(-1)]


def test_errors_of_the_browser_become_ours() -> None:
    async def fail(*_: object) -> None:
        raise JsException("no")

    host, _ = make_host(fetchBytes=fail, read=fail, hashSource=fail)
    for failing, error in (
        (host.fetch("http://a/", 10), FetchError),
        (host.read(1, 0, 5), StorageError),
        (host.hash_pieces([b"a"], 16384, sha1=True, leaves=False, padded=False), StorageError),
    ):
        with pytest.raises(error, match="no"):
            asyncio.run(failing)


def test_blobs_and_bytes_can_be_seeded() -> None:
    from webtorrent_py.browser.host import Blob

    async def hash_source(parts: list[Any], piece_length: int, sha1: bool, leaves: bool, padded: bool) -> Buffer:
        assert (parts, piece_length, padded) == ([7, b"abc"], 16384, True)
        return Buffer(b"h" * 20 * sha1 + b"l" * 32 * leaves)

    host, io = make_host(hashSource=hash_source)
    contents = [Blob(7, 100), bytearray(b"abc")]
    assert [host.content_length(each) for each in contents] == [100, 3]
    for sha1, leaves in ((True, False), (False, True), (True, True)):
        hashes = asyncio.run(host.hash_pieces(contents, 16384, sha1=sha1, leaves=leaves, padded=True))
        assert hashes == (b"h" * 20 * sha1, b"l" * 32 * leaves)
    host.attach(3, contents)
    host.attach(3, contents, 16384)
    assert io.mock_calls == [call.attachSource(3, [7, b"abc"], each) for each in (1, 16384)]
    with pytest.raises(InvalidOptionError):
        host.content_length("text")
