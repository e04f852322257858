"""The table of the page's API: what it says exists, and what is generated from it is JavaScript."""

import inspect
import json
import re
from typing import Any

import pytest

from tests.unit.api.memory import TRACKER, Network
from tests.unit.api.test_client import FILES, in_network
from webtorrent_py.api.torrent import _NAMES
from webtorrent_py.browser import generate, options, schema
from webtorrent_py.errors import InvalidOptionError


@in_network
async def test_every_pushed_property_has_a_value(network: Network) -> None:
    torrent = await network.client().seed(FILES, announce=[TRACKER])
    await torrent.wait_done()
    leech = await network.client().add(torrent.magnet_uri)
    await leech.wait_done()
    subjects = {
        "WebTorrent": torrent.client,
        "Torrent": torrent,
        "File": torrent.files[0],
        "Wire": leech.wires[0],
    }
    types = {"number": (int, float), "boolean": bool, "string": str, "Uint8Array": bytes}
    for mirror in schema.MIRRORS:
        for each in mirror.properties:
            if each.read and each.type in types:
                assert isinstance(each.read(subjects[mirror.name]), types[each.type]), each.name


@in_network
async def test_every_command_can_be_given(network: Network) -> None:
    torrent = await network.client().seed(FILES)
    await torrent.wait_done()
    arguments = {
        "select": {"Torrent": (0, 1), "File": (5,)},
        "deselect": {"Torrent": (0, 1)},
        "critical": {"Torrent": (0, 1)},
        "addWebSeed": {"Torrent": ("http://seed.test/",)},
        "throttleDownload": {"Torrent": (1000,), "WebTorrent": (1000,)},
        "throttleUpload": {"Torrent": (1000,), "WebTorrent": (1000,)},
    }
    subjects = ((schema.CLIENT, torrent.client), (schema.TORRENT, torrent), (schema.FILE, torrent.files[0]))
    for mirror, subject in subjects:
        for method in mirror.methods:
            if method.call:
                method.call(subject, *arguments.get(method.name, {}).get(mirror.name, ()))
                assert set(method.outcome) <= {each.name for each in mirror.properties}


def test_every_event_comes_from_one_of_the_api() -> None:
    sources = {each.source for each in schema.TORRENT.events if each.source}
    assert sources <= {name for name, _ in _NAMES.values()} | {"added", "wire", "idle"}


def test_names_are_unique_and_described() -> None:
    for mirror in schema.MIRRORS:
        entries = [*mirror.properties, *mirror.methods]
        assert len({each.name for each in entries}) == len(entries)
        for each in (*entries, *mirror.events):
            assert each.doc.endswith(".")


def test_the_generated_module_holds_the_tables() -> None:
    text = generate.javascript()
    tables = {
        name: json.loads(body)
        for name, body in re.findall(r"^export const (\w+) = (.*?)\n(?=\n|\Z)", text, re.M | re.S)
    }
    names = {each.name for each in schema.MIRRORS}
    assert tables.keys() == {"version", "peerIdPrefix", "options", *names}
    for mirror in schema.MIRRORS:
        table = tables[mirror.name]
        assert table["state"].keys() == {each.name for each in mirror.properties if each.read}
        assert table["commands"].keys() == {each.name for each in mirror.methods if each.call}
        assert table["events"] == [each.name for each in mirror.events]
    assert tables["Torrent"]["state"]["timeRemaining"] == float("inf")
    assert tables["Torrent"]["commands"]["pause"] == {"paused": True}


def test_commands_take_what_pages_hand_them() -> None:
    # `wire` commands get what the page makes of its arguments, and `notify` stays on the page.
    for mirror in (schema.CLIENT, schema.TORRENT, schema.FILE):
        for method in mirror.methods:
            if method.call:
                given = [each for each in method.parameters.split(", ") if each and "=>" not in each]
                assert len(inspect.signature(method.call).parameters) == len(given) + 1, method.name


def test_every_option_has_a_name_of_its_own_and_is_described() -> None:
    for each in options.OPTIONS:
        assert len({option.name for option in each.options}) == len(each.options)
        assert all(option.doc.endswith(".") for option in each.options)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"announce": "ws://a.test"}, {"announce": ("ws://a.test",)}),
        ({"announce": [["ws://a.test"], ["ws://b.test"]]}, {"announce": ("ws://a.test", "ws://b.test")}),
        ({"announce": ["ws://a.test"], "announceList": [["ws://b.test"]]}, {"announce": (("ws://b.test",),)}),
        ({"paused": None, "deselect": 1, "noPeersIntervalTime": 2.5}, {"deselect": True, "no_peers_interval": 2.5}),
        ({"creationDate": 1500, "pieceLength": 16384}, {"creation_date": 2, "piece_length": 16384}),
        ({"path": "/tmp", "unheardOf": 1}, {}),
    ],
)
def test_options_become_arguments(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert options.SEED_OPTIONS.keywords(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        {"announce": 1},
        {"announce": [1]},
        {"noPeersIntervalTime": "soon"},
        {"noPeersIntervalTime": 0},
        {"name": 7},
        {"pieceLength": float("inf")},
        {"comment": []},
        {"creationDate": True},
    ],
)
def test_options_of_the_wrong_kind_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidOptionError):
        options.SEED_OPTIONS.keywords(given)


def test_the_clients_options_become_arguments() -> None:
    read = options.CLIENT_OPTIONS.keywords
    assert read({"tracker": False, "maxConns": 0, "peerId": "61" * 20, "dht": False}) == {
        "trackers": None,
        "max_conns": 55,
        "peer_id": b"a" * 20,
    }
    assert read({"tracker": True}) == read({"tracker": {}}) == {"trackers": ()}
    assert read({"tracker": {"announce": ["ws://a.test"]}}) == {"trackers": ("ws://a.test",)}
    with pytest.raises(InvalidOptionError):
        read({"peerId": "61"})


def test_the_types_name_everything() -> None:
    text = generate.typescript("// prelude")
    for mirror in schema.MIRRORS:
        for each in (*mirror.properties, *mirror.methods, *mirror.events):
            assert f"  {each.name}" in text or f"readonly {each.name}" in text
    for group in options.OPTIONS:
        assert all(f"  {option.name}?: " in text for option in group.options)
