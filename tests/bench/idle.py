"""What torrents cost that nobody asks for."""

from collections.abc import Mapping

from tests.bench.lab import Lab, wait_for

TORRENTS = 20
# Announces and the start itself are over by then.
SETTLING_MILLISECONDS = 5_000
MINUTE = 60_000


def idle(lab: Lab, subject: str, _: int) -> Mapping[str, float]:
    """Small torrents that are seeded at a tracker where nobody else comes."""
    with lab.page(subject) as page:
        wait_for(page, "bench.ready")
        page.evaluate("([count, tracker]) => bench.seedMany(count, tracker)", [TORRENTS, lab.tracker])
        wait_for(page, "bench.seeded")
        page.wait_for_timeout(SETTLING_MILLISECONDS)
        with lab.meter:
            page.wait_for_timeout(MINUTE)
    return {"CPU over a minute, s": lab.meter.cpu}
