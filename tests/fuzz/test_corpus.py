"""The fuzzer's corpus and its former findings, as tests."""

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
INPUTS = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


def test_there_is_a_corpus_for_every_target():
    assert {path.parent.name for path in INPUTS} == TARGETS.keys()


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_known_input(path):
    data = path.read_bytes()
    target = TARGETS[path.parent.name]
    target(data)
    # And what is left of it when it was cut short, or came broken.
    for end in range(0, len(data), 1 + len(data) // 16):
        target(data[:end])
        target(data[:end] + b"\xff" + data[end + 1 :])
