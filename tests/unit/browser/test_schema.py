"""The table of the page's API: what it says exists, and what is generated from it is JavaScript."""

import inspect
import json
import re

from tests.unit.api.memory import Network
from tests.unit.api.test_client import FILES, in_network
from webtorrent_py.api.torrent import _NAMES
from webtorrent_py.browser import schema


@in_network
async def test_every_pushed_property_has_a_value(network: Network) -> None:
    torrent = await network.client().seed(FILES)
    await torrent.wait_done()
    subjects = {"WebTorrent": torrent.client, "Torrent": torrent, "File": torrent.files[0]}
    types = {"number": (int, float), "boolean": bool, "string": str, "Uint8Array": bytes}
    for mirror in schema.MIRRORS:
        for each in mirror.properties:
            if each.read and each.type in types:
                assert isinstance(each.read(subjects[mirror.name]), types[each.type]), each.name


@in_network
async def test_every_command_can_be_given(network: Network) -> None:
    torrent = await network.client().seed(FILES)
    await torrent.wait_done()
    arguments = {"select": {"Torrent": (0, 1), "File": (5,)}, "deselect": {"Torrent": (0, 1)}}
    arguments["addWebSeed"] = {"Torrent": ("http://seed.test/",)}
    for mirror, subject in ((schema.TORRENT, torrent), (schema.FILE, torrent.files[0])):
        for method in mirror.methods:
            if method.call:
                method.call(subject, *arguments.get(method.name, {}).get(mirror.name, ()))
                assert set(method.outcome) <= {each.name for each in mirror.properties}


def test_every_event_comes_from_one_of_the_api() -> None:
    sources = {each.source for each in schema.TORRENT.events if each.source}
    assert sources <= {name for name, _ in _NAMES.values()} | {"added"}


def test_names_are_unique_and_described() -> None:
    for mirror in schema.MIRRORS:
        entries = [*mirror.properties, *mirror.methods]
        assert len({each.name for each in entries}) == len(entries)
        for each in (*entries, *mirror.events):
            assert each.doc.endswith(".")


def test_the_generated_module_holds_the_tables() -> None:
    text = schema.javascript()
    tables = {
        name: json.loads(body)
        for name, body in re.findall(r"^export const (\w+) = (.*?)\n(?=\n|\Z)", text, re.M | re.S)
    }
    assert tables.keys() == {"version", "WebTorrent", "Torrent", "File"}
    for mirror in schema.MIRRORS:
        table = tables[mirror.name]
        assert table["state"].keys() == {each.name for each in mirror.properties if each.read}
        assert table["commands"].keys() == {each.name for each in mirror.methods if each.call}
        assert table["events"] == [each.name for each in mirror.events]
    assert tables["Torrent"]["state"]["timeRemaining"] == float("inf")
    assert tables["Torrent"]["commands"]["pause"] == {"paused": True}


def test_commands_take_what_pages_hand_them() -> None:
    for mirror in schema.MIRRORS:
        for method in mirror.methods:
            if method.call:
                given = [each for each in method.parameters.split(", ") if each]
                assert len(inspect.signature(method.call).parameters) == len(given) + 1, method.name
