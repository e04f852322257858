"""Writes what the page's side has from the declaration: its tables, and the types of the whole API.

    python -m webtorrent_py.browser.generate TABLES.js TYPES.d.ts PRELUDE.d.ts

The types are those of the declaration after a prelude, which has what it refers to.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from webtorrent_py import __version__
from webtorrent_py.api.client import PEER_ID_PREFIX
from webtorrent_py.browser import options, schema
from webtorrent_py.browser.declaration import Mirror, Options
from webtorrent_py.client.diagnosis import Cause

NOTICE = "// Written by webtorrent_py/browser/generate.py. Do not edit.\n"


def javascript() -> str:
    """The module from which the page makes its mirrors."""
    constants = {
        "version": __version__,
        "peerIdPrefix": PEER_ID_PREFIX.decode(),
        "options": {each.name: [option.name for option in each.options if option.keyword] for each in options.OPTIONS},
    }
    parts = [NOTICE, *(f"export const {name} = {json.dumps(value)}\n" for name, value in constants.items())]
    for mirror in schema.MIRRORS:
        table = {
            # Bytes begin as something that JSON has.
            "state": {
                each.name: None if isinstance(each.initial, bytes) else each.initial
                for each in mirror.properties
                if each.read
            },
            "commands": {each.name: each.outcome for each in mirror.methods if each.call},
            "events": [each.name for each in mirror.events],
        }
        parts.append(f"export const {mirror.name} = {json.dumps(table, indent=2)}\n")
    return "\n".join(parts)


def typescript(prelude: str) -> str:
    """The type declarations of the module, with `prelude` for what the declaration only names."""
    causes = " | ".join(f"'{cause}'" for cause in Cause)
    parts = [NOTICE, prelude.rstrip() + "\n", f"/** What `diagnose` finds. */\nexport type Cause = {causes}\n"]
    parts += ["\n".join(_interface(each)) + "\n" for each in options.OPTIONS]
    parts += ["\n".join(_class(each)) + "\n" for each in schema.MIRRORS]
    return "\n".join(parts)


def _interface(given: Options) -> Iterator[str]:
    yield f"/** {given.doc} */"
    yield f"export interface {given.name} {{"
    for option in given.options:
        yield f"  /** {option.doc} */"
        yield f"  {option.name}?: {option.type}"
    yield "}"


def _class(mirror: Mirror) -> Iterator[str]:
    is_client = mirror is schema.CLIENT
    events = f"{mirror.name}Events"
    yield f"export interface {events} {{"
    for event in mirror.events:
        yield f"  /** {event.doc} */"
        yield f"  {event.name}: [{event.parameters}]"
    yield "}"
    yield ""
    yield f"/** {mirror.doc} */"
    yield f"export {'default ' if is_client else ''}class {mirror.name} extends Emitter<{events}> {{"
    if is_client:
        yield "  /** Whether this browser can connect to peers at all. */"
        yield "  static readonly WEBRTC_SUPPORT: boolean"
        yield "  static readonly VERSION: string"
        yield "  constructor (options?: ClientOptions)"
    else:
        yield "  private constructor ()"
    for each in mirror.properties:
        yield f"  /** {each.doc} */"
        yield f"  readonly {each.name}: {each.type}"
    for method in mirror.methods:
        yield f"  /** {method.doc} */"
        yield f"  {method.name} ({method.parameters}): {method.returns}"
    yield "}"


if __name__ == "__main__":
    tables, types, prelude_path = map(Path, sys.argv[1:])
    for path, text in ((tables, javascript()), (types, typescript(prelude_path.read_text("utf-8")))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
