"""CPU time and memory of a browser's processes, from Linux' /proc."""

import os
import threading
from pathlib import Path
from typing import Self

PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
SAMPLE_SECONDS = 0.2
# How the processes that run pages are named on their command lines, by Chromium and by Firefox.
PAGE_PROCESS_MARKS = (b"--type=renderer", b"-contentproc")


def descendants(*pids: int) -> set[int]:
    """All processes below these."""
    children: dict[int, set[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            children.setdefault(int(stat[1]), set()).add(int(entry.name))
    found: set[int] = set()
    todo = list(pids)
    while todo:
        new = children.get(todo.pop(), set()) - found
        found |= new
        todo += new
    return found


def cpu_seconds(pids: set[int]) -> dict[int, float]:
    """User and system time so far of each process that still lives."""
    stats = {pid: _stat(pid) for pid in pids}
    return {pid: (int(stat[11]) + int(stat[12])) / TICKS_PER_SECOND for pid, stat in stats.items() if stat}


def memory_megabytes(pids: set[int]) -> float:
    """Proportional set size of those that run pages, summed: shared memory counts once."""
    kilobytes = 0
    for pid in pids:
        try:
            if not any(mark in (PROC / str(pid) / "cmdline").read_bytes() for mark in PAGE_PROCESS_MARKS):
                continue
            rollup = (PROC / str(pid) / "smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # It ended meanwhile.
        kilobytes += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return kilobytes * 1024 / 1e6


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat that follow the command's name (proc_pid_stat(5), from field 3 on)."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


class Meter:
    """Measures a browser: what was started below this process between the making of the Meter and `attach`.

    Used as a context manager around one run; afterwards `cpu` holds CPU seconds and `peak` megabytes.
    """

    def __init__(self) -> None:
        self._others = descendants(os.getpid())
        self._roots: set[int] = set()
        self.cpu = 0.0
        self.peak = 0.0

    def attach(self) -> None:
        """The browser is up. What comes below its processes later is part of it."""
        self._roots = descendants(os.getpid()) - self._others

    def __enter__(self) -> Self:
        self.peak = 0.0
        self._before = cpu_seconds(self._browser())
        self._stopping = threading.Event()
        self._sampler = threading.Thread(target=self._sample)
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        after = cpu_seconds(self._browser())
        self.cpu = sum(seconds - self._before.get(pid, 0.0) for pid, seconds in after.items())
        self._stopping.set()
        self._sampler.join()

    def _browser(self) -> set[int]:
        return self._roots | descendants(*self._roots)

    def _sample(self) -> None:
        while not self._stopping.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, memory_megabytes(self._browser()))
