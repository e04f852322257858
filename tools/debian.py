"""Installs packages with apt-get, where that is the system's package manager and we may use it."""

import os
import shutil
from typing import Final

from tools.console import run

# So that no package asks questions.
ENVIRONMENT: Final = {"DEBIAN_FRONTEND": "noninteractive"}


def may_install() -> bool:
    """Whether the system has apt-get and we are its administrator."""
    return shutil.which("apt-get") is not None and os.geteuid() == 0


def install(*packages: str) -> None:
    """Install packages; raises `BuildError` with what apt-get printed when that fails."""
    run(["apt-get", "update"], env=ENVIRONMENT)
    run(["apt-get", "install", "--yes", *packages], env=ENVIRONMENT)
