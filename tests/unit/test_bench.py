"""What the bench makes of its measurements, and the line that it puts between pages."""

import asyncio
import json
import socket
from pathlib import Path
from random import Random

import pytest

from tests.bench import report
from tests.bench.line import Line, Relays
from tests.bench.rows import ROWS
from tests.bench.table import Quantity, Row, Target

MEASURED = report.Measured(
    megabytes=100,
    rounds=3,
    browser="Chromium 1",
    cores=2,
    date="2026-01-31",
    values={"speed, MB/s": {"ours": [30.0, 10.0, 40.0], "stock": [14.0, 16.0, 15.0]}},
    failures={"raw": ["no way | out"]},
)
ROW = Row("row", "a row", lambda *_: {}, (Quantity("speed, MB/s", (Target(1.8, "stock", at_least=True),)),))


@pytest.mark.parametrize(
    ("target", "medians", "is_met"),
    [
        (Target(2.0, "stock", at_least=True), {"ours": 20.0, "stock": 10.0}, True),
        (Target(2.0, "stock", at_least=True), {"ours": 19.9, "stock": 10.0}, False),
        (Target(2.0, "stock", at_least=True), {"ours": 19.9}, None),
        (Target(30.0), {"ours": 30.0}, True),
        (Target(30.0), {"ours": 30.1}, False),
        (Target(30.0), {"stock": 1.0}, None),
        (Target(1.0, "stock", allowance=60.0), {"ours": 159.0, "stock": 100.0}, True),
        (Target(1.0, "stock", allowance=60.0), {"ours": 161.0, "stock": 100.0}, False),
    ],
)
def test_targets(target: Target, medians: dict[str, float], is_met: bool | None) -> None:
    assert target.is_met(medians) is is_met


def test_a_row_shows_medians_spread_ratio_and_failures() -> None:
    title, quantity, failure = report.lines(ROW, MEASURED)
    assert title[0] == "a row, 100 MB"
    assert quantity == ("speed, MB/s", "30.0 (10.0–40.0)", "15.0 (14.0–16.0)", "", "2.00", "", "≥ 1.8 × stock ✓")
    assert failure[0] == "raw failed 1 times: no way | out"
    assert {len(line) for line in (title, quantity, failure)} == {len(report.COLUMNS)}


def test_the_docs_keep_what_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "JSON", tmp_path / "bench.json")
    monkeypatch.setattr(report, "MARKDOWN", tmp_path / "bench.md")
    other = Row("other", "another row", ROW.run, ROW.quantities)
    report.write([ROW, other], "chromium", {"row": MEASURED})
    report.write([ROW, other], "firefox", {"other": MEASURED})
    assert json.loads((tmp_path / "bench.json").read_text())["chromium"]["row"]["rounds"] == 3
    lines = (tmp_path / "bench.md").read_text().splitlines()
    assert lines.index("## Chromium") < lines.index("## Firefox")
    assert [line for line in lines if line.startswith("| **")] == [
        "| **a row, 100 MB** |  |  |  |  |  |  |",
        "| **another row, 100 MB** |  |  |  |  |  |  |",
    ]
    assert any("no way \\| out" in line for line in lines)


def test_rows_have_names_of_their_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


def candidate(end: socket.socket) -> str:
    host, port = end.getsockname()
    return f"a=candidate:1 1 udp 2113937151 {host} {port} typ host generation 0"


def test_datagrams_go_from_relay_to_relay_late_and_some_never() -> None:
    async def run() -> None:
        relays = Relays(Line(delay=0.02, loss=0.5), Random(1))
        ends = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        addresses = []
        for end in ends:
            end.bind(("127.0.0.1", 0))
            end.setblocking(False)
            others = "a=candidate:2 1 tcp 1 127.0.0.1 9 typ host\r\na=candidate:3 1 udp 1 ::1 9 typ host"
            sdp = relays.reroute(f"v=0\r\n{candidate(end)}\r\n{others}\r\na=mid:0\r\n")
            first, rerouted, last = sdp.splitlines()
            assert (first, last) == ("v=0", "a=mid:0")
            assert rerouted != candidate(end)
            # Told again, it is the same.
            assert relays.reroute(candidate(end)).strip() == rerouted
            addresses.append(("127.0.0.1", int(rerouted.split()[5])))
        loop = asyncio.get_running_loop()
        started = loop.time()
        for number in range(200):
            ends[0].sendto(bytes([number]), addresses[1])
        numbers = []
        for _ in range(60):
            data, source = await loop.sock_recvfrom(ends[1], 100)
            assert loop.time() - started >= 0.02
            # It seems to come from the relay of the one who sent it.
            assert source == addresses[0]
            numbers += data
        assert numbers == sorted(numbers)
        assert numbers != list(range(60))
        relays.close()
        for end in ends:
            end.close()

    asyncio.run(run())
