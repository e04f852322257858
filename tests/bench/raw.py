"""The raw data channel: what the browser could do at best."""

from collections.abc import Mapping
from contextlib import ExitStack

from tests.bench.lab import Lab, wait_for
from tests.bench.line import Line

# The fastest of what `compare_receivers` compares.
MESSAGE_KIB = 64


def transfer(
    lab: Lab,
    megabytes: int,
    *,
    receivers: int = 1,
    line: Line | None = None,
    message_kib: int = MESSAGE_KIB,
    place: str = "worker",
) -> float:
    """MB/s of all receivers together, from the first message sent to the last byte received.

    `place`: "page" or "worker", where the channel is received.
    """
    length = megabytes * 1_000_000
    with ExitStack() as stack:
        sender, *others = (stack.enter_context(lab.page("raw")) for _ in range(1 + receivers))
        for number, receiver in enumerate(others):
            offer = sender.evaluate("() => bench.offer()")
            answer = receiver.evaluate(
                "([sdp, length, place]) => bench.answer(sdp, length, place)", [lab.reroute(line, offer), length, place]
            )
            sender.evaluate("([number, sdp]) => bench.accept(number, sdp)", [number, lab.reroute(line, answer)])
        began = sender.evaluate("([length, size]) => bench.send(length, size)", [length, message_kib * 1024])
        ended = max(wait_for(receiver, "bench.done") for receiver in others)
    return receivers * length / 1e3 / float(ended - began)


def compare_receivers(lab: Lab, _: str, megabytes: int) -> Mapping[str, float]:
    """All combinations of sizes and places."""
    return {
        f"{kib} KiB, {place}, MB/s": transfer(lab, megabytes, message_kib=kib, place=place)
        for place in ("page", "worker")
        for kib in (16, 64)
    }
