"""Of what the declaration of the page's API is made: see `webtorrent_py.browser.schema`. Types are TypeScript's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a mirror."""

    name: str
    type: str
    doc: str
    initial: Any = None
    """Its value until the engine has told one."""
    read: Callable[[Any], Any] | None = None
    """Its value now, of the API's object. None: the page keeps the property itself."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a mirror."""

    name: str
    parameters: str
    returns: str
    doc: str
    call: Callable[..., Any] | None = None
    """What a command does with the API's object and the arguments. None: the method is the page's own."""
    outcome: Mapping[str, Any] = field(default_factory=dict)
    """Properties that a command sets: they show at once, before the engine has done it."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a mirror."""

    name: str
    parameters: str
    doc: str
    source: str | None = None
    """The API's event that it comes from. None: the page emits it itself."""
    args: Callable[..., Sequence[Any]] = lambda *args: args
    """Its arguments, made of those of that event."""
    merge: Callable[[Any, Any], Any] | None = None
    """Makes one of two that are told at the same time."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A class of the page's API."""

    name: str
    doc: str
    properties: tuple[Property, ...]
    methods: tuple[Method, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """An option that pages give by name."""

    name: str
    type: str
    doc: str
    keyword: str | None = None
    """The argument of the API's method that it becomes. None: it is the page's own, or has no effect."""
    read: Callable[[Any], Any] = lambda value: value
    """Its value as the API takes it. Raises `InvalidOptionError`."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one call."""

    name: str
    doc: str
    options: tuple[Option, ...]

    def keywords(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments for the API, of what a page gave. Raises `InvalidOptionError`."""
        return {
            each.keyword: each.read(given[each.name])
            for each in self.options
            if each.keyword and given.get(each.name) is not None
        }
