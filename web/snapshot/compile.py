"""Runs in Pyodide while the site is built: compiles Python's standard library and our packages.

Both are for the engine only, so they go without what it never reads: docstrings, of our packages also the annotations
of functions, of the standard library also assertions and line numbers. Ours keep their lines: reports of mistakes name
them.
"""

import ast
import importlib.util
import marshal
import zipfile
from pathlib import Path
from types import CodeType

UNCHECKED = 0b01
"""PEP 552: a file that is used without looking for its source."""

EXCLUDED = (
    "_pyrepl/",
    "doctest.py",
    "ensurepip/",
    "idlelib/",
    "imaplib.py",
    "lib2to3/",
    "mailbox.py",
    "multiprocessing/",
    "pdb.py",
    "pydoc.py",
    "pydoc_data/",
    "smtplib.py",
    "sqlite3/",
    "test/",
    "tkinter/",
    "turtle.py",
    "unittest/",
    "venv/",
    "wsgiref/",
    "xml/",
    "xmlrpc/",
)
"""What neither we nor micropip can make use of in a browser."""


def compile_library(source: str, target: str, root: str) -> None:
    """Write the zip file `target` with all modules of the zip file `source`, which Python will find at `root`."""
    with zipfile.ZipFile(source) as modules, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for name in sorted(modules.namelist()):
            if name.endswith("/") or name.startswith(EXCLUDED):
                continue
            data = modules.read(name)
            if name.endswith(".py"):
                code = compile(data, f"{root}/{name}", "exec", dont_inherit=True, optimize=2)
                name, data = f"{name}c", as_file(without_lines(code))
            # The time of a ZipInfo that is made by hand is 1980, always.
            out.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def compile_packages(folder: str) -> dict[str, bytes]:
    """The compiled modules of the packages in a folder, by path."""
    compiled = {}
    for path in sorted(Path(folder).rglob("*.py")):
        code = compile(stripped(ast.parse(path.read_bytes())), str(path), "exec", dont_inherit=True)
        compiled[f"{path}c"] = as_file(code)
    return compiled


def stripped(tree: ast.Module) -> ast.Module:
    """The same program without docstrings, and without the annotations of functions, which nothing reads."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        can_have_one = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if can_have_one and ast.get_docstring(node, clean=False) is not None:
            node.body[0] = ast.copy_location(ast.Pass(), node.body[0])
    return tree


def without_lines(code: CodeType) -> CodeType:
    """The same code with a table that gives no line for any of its instructions (`Objects/locations.md` of CPython)."""
    whole, rest = divmod(len(code.co_code) // 2, 8)
    table = b"\xff" * whole + (bytes([0xF8 | rest - 1]) if rest else b"")
    constants = tuple(without_lines(each) if isinstance(each, CodeType) else each for each in code.co_consts)
    return code.replace(co_consts=constants, co_linetable=table)


def as_file(code: CodeType) -> bytes:
    """What a `.pyc` file holds."""
    return importlib.util.MAGIC_NUMBER + UNCHECKED.to_bytes(4, "little") + bytes(8) + marshal.dumps(code)
