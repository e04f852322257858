"""Which tracker URLs can be used, and which of them are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.errors import TrackerError
from webtorrent_py.tracker.url import is_usable, normalize_url


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("wss://tracker.example", "wss://tracker.example"),
        ("wss://tracker.example/", "wss://tracker.example"),
        ("WSS://Tracker.EXAMPLE:443/", "wss://tracker.example"),
        ("ws://tracker.example:80", "ws://tracker.example"),
        ("ws://tracker.example:443", "ws://tracker.example:443"),
        ("ws://localhost:8000/Announce/", "ws://localhost:8000/Announce"),
        ("ws://[::1]:8000", "ws://[::1]:8000"),
        ("wss://user:Word@tracker.example/?key=A%2f#part", "wss://user:Word@tracker.example?key=A%2f"),
    ],
)
def test_spellings_of_one_url_become_the_same(url: str, normal: str) -> None:
    assert normalize_url(url) == normal
    assert normalize_url(normal) == normal
    assert is_usable(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "tracker.example",
        "//tracker.example",
        "udp://tracker.example:80",
        "http://tracker.example/announce",
        "https://tracker.example/announce",
        "javascript:alert(1)",
        "ws:",
        "ws://",
        "ws://:80",
        "ws://tracker.example:port",
        "ws://tracker.example:65536",
        "ws://[::1",
        "ws://tracker.example/a b",
        "ws://tracker.example/\n",
        "ws://tracker.example/" + "a" * 2048,
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    assert not is_usable(url)
    with pytest.raises(TrackerError):
        normalize_url(url)


@given(st.text() | st.text().map("ws://".__add__) | st.from_regex(r"wss?://[\w\[\]:@./?#%-]*", fullmatch=True))
def test_any_text_is_refused_or_becomes_a_normal_url(url: str) -> None:
    if is_usable(url):
        assert normalize_url(normalize_url(url)) == normalize_url(url)
        assert normalize_url(url).startswith(("ws://", "wss://"))
