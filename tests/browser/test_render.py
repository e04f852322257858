"""Files are shown in the page: media while it arrives, images, text that runs nothing, and clear refusals."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.driver import ClientPage
from tests.browser.media_content import (
    FILES,
    PICTURE,
    SAMPLE,
    VIDEO,
    VIDEO_SECONDS,
    make_torrent,
    wave,
    with_index_last,
    with_unknown_codec,
)
from tests.peers.content import Content
from tests.peers.hosts import Site
from tests.peers.libtorrent_peer import LibtorrentPeer
from tests.peers.npm import ReferenceTracker

# Bytes a second: somewhat more than the video needs to play on, far less than would bring all of it while a test looks.
SLOW = 120_000

SCRIPT_NAME = "<img src=x onerror=pwned=1>.html"
SCRIPT = (
    "<!doctype html><title>x</title><script>top.pwned = 1; window.pwned = 1</script>"
    "<img src=x onerror='top.pwned = 1'><b>Grüße</b>"
)
VECTOR = (
    "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='30' onload='top.pwned = 1'>"
    "<script>top.pwned = 1</script><rect width='40' height='30' fill='teal'/></svg>"
)

# Frames that were painted, not merely decoded: counted by the compositor's callback.
PLAY = """([name, torrent]) => {
  const file = tools.torrents[torrent].files.find(file => file.name === name)
  globalThis.painted = 0
  file.appendTo('body', (error, element) => {
    if (error) return tools.note('render', 'error', error)
    globalThis.media = element
    const count = () => { globalThis.painted++; element.requestVideoFrameCallback(count) }
    element.requestVideoFrameCallback?.(count)
  })
}"""

RENDER = """async ([method, name, target, options]) => {
  const file = tools.torrents.show.files.find(file => file.name === name)
  globalThis.calledBack = []
  let rejected = null
  try {
    globalThis.media = await file[method](target, options, (error, element) => calledBack.push([error, element]))
  } catch (error) {
    rejected = error
  }
  if (calledBack.length !== 1) throw new Error(`${calledBack.length} callbacks`)
  if (calledBack[0][0] !== rejected) throw new Error('promise and callback differ')
  if (rejected) return { name: rejected.name, code: rejected.code, message: rejected.message }
  if (calledBack[0][1] !== media) throw new Error('promise and callback differ')
  return { tag: media.nodeName }
}"""


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Content]:
    """The sample video with its index first, and last, each a torrent of one file."""
    root = tmp_path_factory.mktemp("videos")
    return {
        "index first": make_torrent(root, "first", {"video.mp4": VIDEO}),
        "index last": make_torrent(root, "last", {"video.mp4": with_index_last(VIDEO)}),
    }


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Content:
    """Files of many kinds."""
    files = {path.name: path.read_bytes() for path in sorted(FILES.iterdir())}
    files |= {
        "picture.jpg": PICTURE,
        "vector.svg": VECTOR.encode(),
        "not a picture.png": b"text" * 100,
        SCRIPT_NAME: SCRIPT.encode(),
        "utf16.txt": "\ufeffÜbung".encode("utf-16-le"),
        "tone.wav": wave(),
        "archive.zip": b"PK\x03\x04" + bytes(100),
        "noise.mp4": bytes(i * i % 251 for i in range(5000)),
        "unknown codec.mp4": with_unknown_codec(VIDEO),
    }
    return make_torrent(tmp_path_factory.mktemp("show"), "show", files)


@pytest.fixture
def slowly(
    ours: ClientPage,
    libtorrent_peer: Callable[..., LibtorrentPeer],
    tracker: ReferenceTracker,
    videos: dict[str, Content],
) -> Callable[[str], None]:
    """Opens the video of this name, seeded at `SLOW`, and starts it."""

    def play(kind: str) -> None:
        content = videos[kind]
        libtorrent_peer(content.torrent, content.root, tracker.url, rate_limit=SLOW).wait_until_announced()
        ours.add("video", content.magnet(tracker.url))
        ours.wait_for_event("video", "ready")
        ours.page.evaluate(PLAY, ["video.mp4", "video"])

    return play


@pytest.fixture(scope="module")
def gallery(browser: Browser, page_site: Site, tracker: ReferenceTracker, show: Content) -> Iterator[ClientPage]:
    """A page that has downloaded `show`, for all tests that leave it as they found it."""
    with LibtorrentPeer(show.torrent, show.root, tracker.url) as seeder, closing(browser.new_context()) as context:
        seeder.wait_until_announced()
        gallery = ClientPage(context.new_page(), f"{page_site.url}/ours.html")
        gallery.start()
        gallery.add("show", show.magnet(tracker.url))
        gallery.wait_for_event("show", "done")
        yield gallery


@pytest.fixture
def shown(gallery: ClientPage) -> Iterator[ClientPage]:
    """`gallery`, without what is rendered into it during a test."""
    gallery.page.evaluate("() => { globalThis.before = new Set(document.querySelectorAll('*')) }")
    yield gallery
    gallery.page.evaluate("() => document.body.querySelectorAll('*').forEach(e => before.has(e) || e.remove())")


def render(page: ClientPage, name: str, target: str, method: str = "appendTo", **options: Any) -> dict[str, Any]:
    """Call `appendTo` or `renderTo` of a file of `show`; returns the element's tag or the error's fields."""
    result: dict[str, Any] = page.page.evaluate(RENDER, [method, name, target, options])
    return result


@pytest.mark.parametrize("kind", ["index first", "index last"])
def test_a_video_plays_before_it_is_complete_and_a_seek_before_the_middle_is_there(
    ours: ClientPage, slowly: Callable[[str], None], kind: str
) -> None:
    slowly(kind)
    ours.page.wait_for_function("() => globalThis.media?.currentTime > 0.7 && globalThis.painted > 10")
    progress, duration, tag = ours.get("[torrents.video.progress, media.duration, media.nodeName]")
    assert progress < 1
    assert duration == pytest.approx(VIDEO_SECONDS, abs=0.1)
    assert tag == "VIDEO"

    target = VIDEO_SECONDS - 2
    before = ours.page.evaluate("target => { media.currentTime = target; return globalThis.painted }", target)
    ours.page.wait_for_function(
        "([target, before]) => media.currentTime > target + 0.5 && globalThis.painted > before + 5",
        arg=[target, before],
    )
    middle = ours.get("(pieces => pieces.slice(pieces.length * 0.5, pieces.length * 0.8))(torrents.video.pieces)")
    assert len(middle) > 20
    missing = sum(piece is not None for piece in middle)
    assert missing > len(middle) / 2
    assert ours.details("render", "error") == []


def test_codecs_and_containers_beside_mp4(shown: ClientPage) -> None:
    for name, tag in {
        "vp9-opus.webm": "VIDEO",
        "h264-vorbis.mkv": "VIDEO",
        "tone.mp3": "AUDIO",
        "tone.wav": "AUDIO",
    }.items():
        assert render(shown, name, "body", autoplay=True, muted=True) == {"tag": tag}
        shown.page.wait_for_function("() => media.currentTime > 0.3")
        assert shown.get("media.videoWidth ?? 0") == (320 if tag == "VIDEO" else 0)
        # To the end, which is announced as the end: what a playlist waits for.
        shown.page.evaluate("() => { media.currentTime = media.duration - 0.5 }")
        shown.page.wait_for_function("() => media.ended")
        # And back, to what may have been let go of.
        shown.page.evaluate("() => { media.currentTime = 0; return media.play() }")
        shown.page.wait_for_function("() => !media.seeking && media.currentTime > 0.1 && media.currentTime < 3")
        shown.page.evaluate("() => media.remove()")


def test_media_options_and_names(shown: ClientPage) -> None:
    assert render(shown, "vp9-opus.webm", "body", autoplay=False) == {"tag": "VIDEO"}
    state = "[media.autoplay, media.muted, media.controls, media.getAttribute('aria-label')]"
    assert shown.get(state) == [False, False, True, "vp9-opus.webm"]
    assert shown.get("media.paused")
    shown.page.evaluate(
        "() => document.body.insertAdjacentHTML('beforeend', '<video id=mine aria-label=Mine></video>')"
    )
    assert render(shown, "h264-vorbis.mkv", "#mine", "renderTo", controls=False, muted=True, autoplay=True) == {
        "tag": "VIDEO"
    }
    assert shown.get(state) == [True, True, False, "Mine"]
    shown.page.wait_for_function("() => media.currentTime > 0.2")
    # The next one takes its place.
    assert render(shown, "vp9-opus.webm", "#mine", "renderTo") == {"tag": "VIDEO"}
    shown.page.wait_for_function("() => media.currentTime > 0.2")
    refused = render(shown, "vp9-opus.webm", "body", controls="yes")
    assert refused["code"] == "ERR_INVALID_OPTION"


def test_images_and_texts_are_shown_and_no_script_in_them_runs(shown: ClientPage) -> None:
    assert render(shown, "picture.jpg", "body") == {"tag": "IMG"}
    assert shown.get("[media.naturalWidth > 100, media.alt, media.isConnected]") == [True, "picture.jpg", True]
    assert render(shown, "vector.svg", "body") == {"tag": "IMG"}
    assert shown.get("[media.naturalWidth, media.naturalHeight]") == [40, 30]
    refused = render(shown, "not a picture.png", "body")
    assert refused["code"] == "ERR_UNSUPPORTED_MEDIA"
    assert shown.get("document.images.length") == 2

    assert render(shown, SCRIPT_NAME, "body") == {"tag": "PRE"}
    assert shown.get("[media.textContent, media.childElementCount]") == [SCRIPT, 0]
    assert shown.get("media.getAttribute('aria-label')") == SCRIPT_NAME
    assert render(shown, "utf16.txt", "body") == {"tag": "PRE"}
    assert shown.get("media.textContent") == "Übung"
    shown.page.evaluate("() => document.body.append(document.createElement('iframe'))")
    assert render(shown, SCRIPT_NAME, "iframe", "renderTo") == {"tag": "IFRAME"}
    shown.page.frame_locator("iframe").get_by_text("<script>").wait_for()
    assert shown.get("[media.sandbox.value, media.title]") == ["", SCRIPT_NAME]
    assert shown.get("globalThis.pwned") is None


def test_what_cannot_be_shown_says_why(shown: ClientPage) -> None:
    elements = shown.get("document.body.childElementCount")
    for name, words in {
        "archive.zip": [".zip", "blob()"],
        "noise.mp4": ["unknown container", "MediaSource", "Blob URL"],
        "unknown codec.mp4": ["MP4", "none", "mp4a.40.2", "MediaSource", "Blob URL"],
    }.items():
        refused = render(shown, name, "body", maxBlobLength=10_000_000)
        assert (refused["name"], refused["code"]) == ("UnsupportedMediaError", "ERR_UNSUPPORTED_MEDIA")
        for word in [name, *words]:
            assert word in refused["message"]
    assert shown.get("calledBack[0][0].codecs") == ["none", "mp4a.40.2"]
    assert shown.get("document.body.childElementCount") == elements

    for target, method, word in [
        ("#nowhere", "appendTo", "#nowhere"),
        ("..", "appendTo", "not a CSS selector"),
        ("input", "renderTo", "<input>"),
    ]:
        refused = render(shown, "picture.jpg", target, method)
        assert (refused["name"], refused["code"]) == ("InvalidTargetError", "ERR_INVALID_TARGET")
        assert word in refused["message"]
    # And the client goes on.
    assert render(shown, "picture.jpg", "body") == {"tag": "IMG"}


def test_what_is_taken_away_is_freed(
    ours: ClientPage,
    libtorrent_peer: Callable[..., LibtorrentPeer],
    tracker: ReferenceTracker,
    show: Content,
    videos: dict[str, Content],
) -> None:
    libtorrent_peer(show.torrent, show.root, tracker.url).wait_until_announced()
    ours.add("show", show.magnet(tracker.url))
    ours.wait_for_event("show", "ready")
    ours.page.evaluate(
        """() => {
          globalThis.workers = []
          globalThis.Worker = class extends Worker {
            constructor (...args) { super(...args); workers.push(this) }
            terminate () { super.terminate(); workers.splice(workers.indexOf(this), 1) }
          }
          globalThis.revoked = []
          const revoke = URL.revokeObjectURL
          URL.revokeObjectURL = url => { revoked.push(url); revoke.call(URL, url) }
        }"""
    )
    render(ours, "vp9-opus.webm", "body")
    ours.page.evaluate("() => { globalThis.first = media }")
    render(ours, "h264-vorbis.mkv", "body")
    assert ours.get("workers.length") == 1  # one for all
    ours.page.evaluate("() => first.remove()")
    ours.page.wait_for_function("() => !first.hasAttribute('src')")
    # The other one lives on, also when it is moved.
    ours.page.evaluate(
        "() => { const box = document.createElement('div'); document.body.append(box); box.append(media) }"
    )
    ours.page.evaluate("() => { media.muted = true; return media.play() }")
    ours.page.wait_for_function("() => media.currentTime > 0.3")
    render(ours, "picture.jpg", "body")
    assert ours.get("revoked.includes(media.src)") is False
    ours.get("client.remove(torrents.show)")
    ours.page.wait_for_function("() => workers.length === 0 && revoked.includes(media.src)")

    # What is taken away before its first byte came is over at once.
    ours.add("alone", videos["index first"].torrent)
    ours.wait_for_event("alone", "ready")
    code = ours.page.evaluate(
        """async () => {
          const shown = tools.torrents.alone.files[0].appendTo('body').catch(error => error.code)
          await new Promise(resolve => setTimeout(resolve))
          Array.from(document.querySelectorAll('video')).at(-1).remove()
          return await shown
        }"""
    )
    assert code == "ERR_DESTROYED"
    ours.page.wait_for_function("() => workers.length === 0")


def test_the_demo_page(
    new_context: Callable[..., BrowserContext],
    site: Site,
    libtorrent_peer: Callable[..., LibtorrentPeer],
    tracker: ReferenceTracker,
    tmp_path: Path,
) -> None:
    files = {path.name: path.read_bytes() for path in sorted(SAMPLE.iterdir())}
    sample = make_torrent(tmp_path, "sample", files)
    libtorrent_peer(sample.torrent, sample.root, tracker.url).wait_until_announced()
    page = new_context(viewport={"width": 360, "height": 640}).new_page()
    page.goto(f"{site.url}/index.html#{sample.magnet(tracker.url)}")
    page.wait_for_function("() => document.querySelector('#stage video')?.currentTime > 0.5", timeout=60_000)
    page.wait_for_function("() => document.querySelector('progress').value === 1")
    page.wait_for_selector("#gallery pre")
    page.wait_for_selector("#gallery img")
    assert page.title().startswith("100 %")
    assert page.locator("#status").inner_text().startswith("All 101 pieces are verified")
    assert page.locator("#messages").inner_text() == ""
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")

    page.locator("#magnet").fill("not a torrent")
    page.get_by_role("button", name="Open").click()
    page.locator("#messages .message").wait_for()
    assert page.locator("#welcome").is_visible()
