"""Runs in Pyodide while the site is built: imports the engine, and drops what the snapshot need not hold.

Pyodide's start and asyncio import what a browser cannot do anyway: processes, sockets, TLS, archives, temporary files.
Should one of these be wanted all the same, an import brings it back from the standard library's file.
"""

import gc
import importlib
import random
import re
import sys
import zipimport
from types import FunctionType, ModuleType

ENGINE = "webtorrent_py.browser.main"
OURS = "webtorrent_py."

DROPPED = {
    *("_bz2", "_lzma", "_socket", "_ssl", "_zstd", "bz2", "fcntl", "fnmatch", "glob", "locale", "lzma", "ntpath"),
    *("pathlib", "pathlib._os", "select", "selectors", "shutil", "socket", "ssl", "subprocess", "tempfile"),
    *("compression", "compression._common", "compression._common._streams"),
    *("compression.zstd", "compression.zstd._zstdfile", "zipfile", "zipfile._path", "zipfile._path.glob"),
    *("asyncio.base_subprocess", "asyncio.graph", "asyncio.runners", "asyncio.selector_events", "asyncio.sslproto"),
    *("asyncio.staggered", "asyncio.streams", "asyncio.subprocess", "asyncio.threads", "asyncio.trsock"),
    *("asyncio.unix_events", "pyodide._package_loader"),
}

PACKAGE_LOADER = ("SITE_PACKAGES", "DSO_DIR", "loadedPackages")
"""What Pyodide reads of its package loader when it starts."""


class Folder:
    """A path as Pyodide's JavaScript takes it: an object, of which it calls `__str__`."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __str__(self) -> str:
        return self.path


def prepare() -> list[str]:
    """Make the heap what the snapshot shall hold; returns the names of the modules in it."""
    importlib.invalidate_caches()
    importlib.import_module(ENGINE)
    drop(DROPPED & sys.modules.keys())
    for each in gc.get_objects():
        # Dataclasses make their docstrings themselves.
        if type(each) is type and each.__module__.startswith(OURS):
            each.__doc__ = None
    zipimport._zip_directory_cache.clear()
    sys.path_importer_cache.clear()
    sys._clear_type_cache() if hasattr(sys, "_clear_type_cache") else sys._clear_internal_caches()
    re.purge()
    # Its state is not used: `start` seeds anew. But the same sources shall give the same bytes.
    random.seed(0)
    return sorted(sys.modules)


def drop(names: set[str]) -> None:
    """Forget these modules, and what other modules have of them."""
    from asyncio import events

    from pyodide import webloop

    loader = ModuleType("pyodide._package_loader")
    for name in PACKAGE_LOADER:
        value = getattr(sys.modules[loader.__name__], name)
        setattr(loader, name, value if name == "loadedPackages" else Folder(str(value)))
    # It would look for packages in files, which are not in the snapshot.
    loader.init_loaded_packages = lambda: None
    # Pyodide never asks the policy that it inherits from for a loop; that one would keep sockets and processes.
    webloop.WebLoopPolicy.__bases__ = (events._BaseDefaultEventLoopPolicy,)
    dropped = [sys.modules.pop(name) for name in names]
    for module in [each for each in sys.modules.values() if isinstance(each, ModuleType)]:
        for name, value in list(vars(module).items()):
            if is_of(value, names):
                if module.__name__.startswith(OURS):
                    raise ImportError(f"{module.__name__} uses {value}, which the snapshot drops")
                # As modules do themselves with what they can do without and could not import.
                setattr(module, name, None)
    for module in dropped:
        vars(module).clear()
    sys.modules[loader.__name__] = loader


def is_of(value: object, names: set[str]) -> bool:
    """Whether a value is one of these modules, or a class or function of theirs."""
    if isinstance(value, ModuleType):
        return value.__name__ in names
    return isinstance(value, FunctionType | type) and value.__module__ in names
