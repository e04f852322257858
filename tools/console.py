"""What a build says: a line for each step, with the time it took, and what a failing command printed."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tools.project import ROOT

# Seconds after which a step that is still running says so where its line cannot be kept up to date.
HEARTBEAT: Final = 30.0

Command = Sequence[str | Path]


class BuildError(Exception):
    """The build cannot go on; the message says what the reader can do."""


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print what is being done, and how long it took once it is done."""
    started = time.monotonic()
    print(f"{title} …", flush=True)
    yield
    print(f"  done in {time.monotonic() - started:.1f} s", flush=True)


def run(command: Command, *, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> str:
    """Run a command quietly and return what it printed; raise `BuildError` with all of it when it fails."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        try:
            process = subprocess.Popen(
                command, cwd=cwd, env=env and {**os.environ, **env}, stdout=output, stderr=subprocess.STDOUT
            )
        except OSError as error:
            raise BuildError(f"cannot run {command[0]}: {error}") from error
        _wait(process)
        output.seek(0)
        text = output.read()
    if process.returncode:
        line = " ".join(map(str, command))
        raise BuildError(f"{text.rstrip()}\n\n{line}\nended with status {process.returncode}")
    return text


def _wait(process: subprocess.Popen[bytes]) -> None:
    """Wait for the process to end, and tell now and then that it still runs; end it when we are interrupted."""
    started = time.monotonic()
    on_terminal = sys.stdout.isatty()
    while True:
        try:
            process.wait(1.0 if on_terminal else HEARTBEAT)
        except subprocess.TimeoutExpired:
            elapsed = f"  {time.monotonic() - started:.0f} s so far"
            print(elapsed, end="\r" if on_terminal else "\n", flush=True)
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
        else:
            return


def hand_over(command: Command, *, env: Mapping[str, str] | None = None) -> int:
    """Become the command: the terminal and all signals are its own. Returns its status on systems without `exec`."""
    sys.stdout.flush()
    arguments = [str(each) for each in command]
    environment = {**os.environ, **(env or {})}
    if os.name == "posix":
        os.execve(arguments[0], arguments, environment)
    return subprocess.call(arguments, env=environment)
