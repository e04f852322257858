"""How long a page takes to make a torrent of a file."""

from collections.abc import Mapping

from tests.bench.lab import PIECE_LENGTH, Lab, wait_for


def seed_file(lab: Lab, subject: str, megabytes: int) -> Mapping[str, float]:
    """A file that the user chose, without a tracker."""
    content = lab.content(megabytes)
    with lab.page(subject) as page:
        wait_for(page, "bench.ready")
        page.locator("input").set_input_files(content.root / content.name)
        page.evaluate("options => bench.seed(options)", {"announce": [], "pieceLength": PIECE_LENGTH})
        return {"time, s": wait_for(page, "bench.seeded") / 1e3}
