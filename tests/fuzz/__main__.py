"""Looks for bytes that a target cannot stand.

What is new to the fuzzer is kept in build/fuzz/TARGET, and so taken up by the next run; the committed corpus is read
only. A finding stands in build/fuzz, as a file that belongs into the corpus once it is mended.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import atheris

with atheris.instrument_imports(include=["webtorrent_py"]):
    from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
BUILD = Path(__file__).parents[2] / "build" / "fuzz"
# Seconds for one input: a parser that needs as long as this is found out.
TIMEOUT = 5
# Bytes of one input: what a parser does with more, it does with this.
LONGEST = 4096
# MiB of the whole process: inputs are small, so whatever grows beyond is sized by what they say.
MEMORY = 512


def fuzz(name: str, seconds: int) -> NoReturn:
    """Fuzz one target; the process ends with it."""
    found = BUILD / name
    found.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={TIMEOUT}",
        f"-max_len={LONGEST}",
        f"-rss_limit_mb={MEMORY}",
        f"-artifact_prefix={BUILD}/{name}-",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(found), str(CORPUS / name)], TARGETS[name])
    atheris.Fuzz()
    raise AssertionError("the fuzzer does not return")


def main() -> int:
    """Fuzz what is asked for; returns the exit status."""
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="target", help=f"{', '.join(TARGETS)} (default: all)")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    options = parser.parse_args()
    targets = options.targets or list(TARGETS)
    if unknown := set(targets) - TARGETS.keys():
        parser.error(f"no target is called {' or '.join(sorted(unknown))}")
    if len(targets) == 1:
        fuzz(targets[0], options.seconds)
    for name in targets:
        print(f"\n{name}", flush=True)
        command = [sys.executable, "-m", "tests.fuzz", name, "--seconds", str(options.seconds)]
        if status := subprocess.call(command):
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
