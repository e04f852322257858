"""Getting pieces from web seeds that do all that servers do."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.torrent.scene import BLOCK, Scene
from tests.web import Response
from webtorrent_py.events import PeerConnected, PeerDisconnected, TorrentDone, TorrentWarning
from webtorrent_py.torrent.webseed import FETCH_TIMEOUT, FIRST_REST, MAX_FAILURES
from webtorrent_py.torrent.webseeds import MAX_WEB_SEEDS
from webtorrent_py.wire import messages as m

URL = "http://seed.test/"


def with_seed(scene, url=URL):
    """The scene with a server that has its torrent."""
    scene.web.add(url, scene.metainfo, scene.content)
    scene.do(scene.torrent.add_web_seed, url)
    return scene


def stored(scene):
    return b"".join(data for _, data in sorted(scene.stored.items()))


def warnings(scene):
    return [str(event.error) for event in scene.told(TorrentWarning)]


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 40_000) | st.sampled_from([BLOCK, 2 * BLOCK, 3 * BLOCK]), min_size=1, max_size=5),
    st.sampled_from([1000, BLOCK, 2 * BLOCK, 40_000]),
    st.integers(3000, 70_000),
    st.booleans(),
    st.integers(1, 4),
    st.integers(0, 9),
)
def test_files_of_any_lengths_come_whole(files, piece_length, part, ignores_ranges, max_web_conns, seed):
    scene = Scene(length=sum(files), piece_length=piece_length, files=files, max_web_conns=max_web_conns, seed=seed)
    scene.web.ignores_ranges = ignores_ranges
    with_seed(scene).download_from_web(part=part)
    assert scene.torrent.done and stored(scene) == scene.content
    assert scene.torrent.received == len(scene.content)
    assert not scene.fetches and not warnings(scene)


def test_a_web_seed_is_asked_for_long_ranges_some_at_the_same_time():
    scene = with_seed(Scene(pieces=400, piece_length=BLOCK, max_web_conns=3))
    assert len(scene.fetches) == 3
    scene.download_from_web()
    assert stored(scene) == scene.content
    assert len(scene.web.requests) < 400 / 8
    assert sum(length for _, _, length in scene.web.requests) == len(scene.content)


def test_web_seeds_count_as_peers_and_are_told_of():
    scene = with_seed(Scene())
    (event,) = scene.told(PeerConnected)
    assert event.kind == "webSeed" and len(event.peer_id) == 20 and scene.torrent.num_peers == 1
    scene.do(scene.torrent.remove_web_seed, URL)
    assert scene.torrent.num_peers == 0 and not scene.fetches and scene.torrent.web_seed_urls == ()
    assert scene.told(PeerDisconnected)[0].peer == event.peer


def test_names_are_escaped_as_the_torrent_has_them():
    scene = Scene(files=[BLOCK, BLOCK], piece_length=BLOCK, length=2 * BLOCK)
    for entry in scene.metainfo.files:
        object.__setattr__(entry, "raw_path", (b"con\xfftent", b"#1 50%?", entry.name.encode()))
    with_seed(scene).download_from_web()
    assert stored(scene) == scene.content
    assert {url for url, _, _ in scene.web.requests} == {
        f"{URL}con%FFtent/%231%2050%25%3F/file%20{number}" for number in range(2)
    }


@pytest.mark.parametrize("url", ["http://seed.test/any?name=x", "https://seed.test/any"])
def test_the_url_of_a_single_file_is_that_of_the_file(url):
    scene = Scene()
    scene.web.files[url] = scene.content
    scene.do(scene.torrent.add_web_seed, url)
    scene.download_from_web()
    assert stored(scene) == scene.content


@pytest.mark.parametrize("url", ["ftp://seed.test/", "seed", "wss://seed.test/"])
def test_what_is_no_web_seed_is_warned_of(url):
    scene = Scene()
    scene.do(scene.torrent.add_web_seed, url)
    assert "web seed" in warnings(scene)[0] and not scene.fetches


@pytest.mark.parametrize(
    "answer",
    [
        Response(404),
        Response(416),
        Response(503, None, b"too busy"),
        Response(204),
        Response(206, "bytes 1-16384/65536", bytes(BLOCK)),
        Response(206, "bytes 0-16383/99", bytes(BLOCK)),
        Response(206, "nonsense", bytes(BLOCK)),
        Response(206, None, bytes(2 * BLOCK)),
        Response(206, None, bytes(1)),
        Response(206, None, b""),
        Response(200, None, bytes(3)),
    ],
)
def test_a_seed_that_fails_rests_and_is_given_up_in_the_end(answer):
    scene = Scene(pieces=1, piece_length=BLOCK)
    scene.web.tamper = lambda _, __: answer
    with_seed(scene)
    scene.serve_web()
    assert not scene.fetches and len(scene.web.requests) == 1
    scene.pass_time(FIRST_REST - 2)
    assert not scene.fetches
    scene.pass_time(3)
    assert scene.fetches
    for _ in range(1000):
        scene.serve_web()
        scene.pass_time(1)
    assert len(scene.web.requests) == MAX_FAILURES
    assert scene.torrent.num_peers == 0 and not scene.stored
    assert len(warnings(scene)) == 2 and "given up" in warnings(scene)[-1]
    # Whoever adds it again gets it tried again.
    scene.web.tamper = lambda _, right: right
    with_seed(scene).download_from_web()
    assert stored(scene) == scene.content


def test_a_seed_that_comes_back_is_used_again():
    scene = with_seed(Scene())
    scene.web.tamper = lambda _, __: Response(500)
    scene.serve_web()
    scene.pass_time(FIRST_REST + 1)
    scene.web.tamper = lambda _, right: right
    scene.download_from_web()
    assert stored(scene) == scene.content and len(warnings(scene)) == 1


def test_wrong_bytes_are_never_stored_and_the_seed_is_given_up_at_once():
    scene = Scene()
    scene.web.tamper = lambda _, right: Response(right.status, None, bytes(len(right.body)))
    with_seed(scene).serve_web()
    assert not scene.stored and scene.torrent.num_peers == 0
    assert "wrong bytes" in warnings(scene)[0]
    assert "Access-Control-Expose-Headers: Content-Range" in warnings(scene)[0]
    peer = scene.peer()
    while requests := peer.requests():
        peer.serve(requests)
    assert scene.torrent.done


def test_what_a_peer_sent_wrong_is_not_held_against_the_web_seed():
    scene = Scene(pieces=1, piece_length=2 * BLOCK)
    liar = scene.peer(unchoke=False, fast=True)
    with_seed(scene)
    (fetch,) = scene.fetches
    seeds = scene.torrent.web_seeds
    scene.do(seeds.range_started, fetch, 206, None)
    scene.do(seeds.range_received, fetch, scene.content[:BLOCK])
    scene.do(scene.torrent.remove_web_seed, URL)
    scene.do(scene.torrent.add_web_seed, URL)
    liar.say(m.Piece(0, BLOCK, bytes(BLOCK)))
    scene.download_from_web()
    assert stored(scene) == scene.content and scene.torrent.num_peers >= 1
    assert not any("given up" in each for each in warnings(scene))


def test_a_silent_seed_is_timed_out():
    scene = with_seed(Scene())
    assert scene.fetches
    scene.pass_time(FETCH_TIMEOUT + 2)
    assert not scene.fetches and "no answer" in warnings(scene)[0]
    scene.pass_time(FIRST_REST)
    scene.download_from_web()
    assert stored(scene) == scene.content


def test_the_reason_of_a_failure_is_told():
    scene = with_seed(Scene())
    for fetch in list(scene.fetches):
        if fetch in scene.fetches:
            del scene.fetches[fetch]
            scene.do(scene.torrent.web_seeds.range_failed, fetch, "no Access-Control-Allow-Origin")
    assert "no Access-Control-Allow-Origin" in warnings(scene)[0] and not scene.fetches


def test_a_file_that_a_server_lacks_does_not_keep_it_from_giving_the_others():
    scene = Scene(files=[4 * BLOCK, 4 * BLOCK], piece_length=2 * BLOCK, length=8 * BLOCK)
    with_seed(scene)
    missing = scene.web.files.pop(f"{URL}content/file%200")
    scene.download_from_web(seconds=400)
    assert scene.torrent.num_peers == 1 and set(scene.stored) == {2, 3}
    assert "file 0" in warnings(scene)[-1]
    assert missing


def test_a_large_file_is_not_read_whole_for_a_little():
    pieces, length = 40, 1024 * 1024
    scene = Scene(pieces=pieces, piece_length=length, deselect=True)
    scene.web.ignores_ranges = True
    with_seed(scene)
    scene.do(scene.torrent.select, 30, 31, 1)
    scene.download_from_web(seconds=30)
    assert not scene.stored and scene.torrent.num_peers == 0
    assert "ignores ranges" in warnings(scene)[-1]


def test_a_large_file_is_read_whole_for_most_of_it_and_only_once():
    scene = Scene(pieces=40, piece_length=256 * 1024)
    scene.web.ignores_ranges = True
    with_seed(scene)
    scene.download_from_web()
    assert stored(scene) == scene.content
    assert len([1 for _, start, _ in scene.web.requests if start == 0]) <= 2


def test_what_is_left_at_the_beginning_of_a_large_file_is_read_without_the_rest():
    scene = Scene(pieces=40, piece_length=1024 * 1024, deselect=True)
    scene.web.ignores_ranges = True
    with_seed(scene)
    scene.do(scene.torrent.select, 2, 2, 1)
    scene.download_from_web(seconds=30)
    scene.do(scene.torrent.select, 0, 0, 1)
    scene.download_from_web(seconds=30)
    assert set(scene.stored) == {0, 2} and scene.torrent.num_peers == 1


def test_padding_is_not_fetched():
    scene = padded_scene()
    scene.download_from_web()
    assert stored(scene) == scene.content
    assert all("file%201" not in url for url, _, _ in scene.web.requests)


def padded_scene():
    files = [BLOCK + 1, 7 * BLOCK - 1, 4 * BLOCK]
    content = Random(1).randbytes(files[0]) + bytes(files[1]) + Random(2).randbytes(files[2])
    scene = Scene(files=files, piece_length=4 * BLOCK, content=content)
    object.__setattr__(scene.metainfo.files[1], "attributes", "p")
    return with_seed(scene)


def test_pausing_fetches_nothing_and_resuming_goes_on():
    scene = with_seed(Scene())
    scene.do(scene.torrent.pause)
    assert not scene.fetches
    scene.pass_time(60)
    assert not scene.fetches
    scene.do(scene.torrent.resume)
    scene.download_from_web()
    assert stored(scene) == scene.content


def test_many_seeds_are_kept_in_reserve():
    scene = Scene(pieces=100)
    for number in range(MAX_WEB_SEEDS + 2):
        with_seed(scene, f"http://seed{number}.test/")
    assert scene.torrent.num_peers == MAX_WEB_SEEDS
    scene.do(scene.torrent.web_seeds.punish, next(iter(scene.torrent.web_seeds)).handle, "wrong")
    assert scene.torrent.num_peers == MAX_WEB_SEEDS
    scene.do(scene.torrent.remove_web_seed, f"http://seed{MAX_WEB_SEEDS + 1}.test/")
    scene.do(lambda now: scene.torrent.close_peers(now, "over"))
    assert scene.torrent.num_peers == 0 and not scene.fetches


def test_a_torrent_with_an_idle_web_seed_needs_no_time():
    scene = with_seed(Scene())
    scene.download_from_web()
    assert len(scene.told(TorrentDone)) == 1
    assert scene.torrent.get_timer() - scene.now > 20


def test_blocks_that_a_peer_brings_first_are_not_fetched_further():
    scene = Scene(pieces=2, piece_length=2 * BLOCK)
    with_seed(scene)
    assert scene.fetches
    peer = scene.peer()
    scene.pass_time(3)
    while requests := peer.requests():
        peer.serve(requests)
    assert scene.torrent.done and not scene.fetches


@settings(max_examples=30)
@given(st.data())
def test_whatever_servers_do_nothing_wrong_is_kept(data):
    scene = Scene(pieces=12, piece_length=2 * BLOCK, files=[5 * BLOCK - 7, 100, 10 * BLOCK, 9 * BLOCK - 93])
    responses = st.builds(
        Response,
        st.sampled_from([200, 206, 206, 206, 404, 500]),
        st.sampled_from([None, None, "bytes 0-99/100", "x"]),
        st.binary(max_size=5),
    )

    def tamper(_, right):
        how = data.draw(st.sampled_from(["right", "short"]) | responses)
        if isinstance(how, Response):
            return how
        return right if how == "right" else Response(206, None, right.body[:-1])

    scene.web.tamper = tamper
    with_seed(scene)
    with_seed(scene, "http://other.test/")
    for _ in range(data.draw(st.integers(1, 30))):
        match data.draw(st.integers(0, 5)):
            case 0 | 1:
                scene.serve_web(part=data.draw(st.integers(2000, 40_000)))
            case 2:
                scene.pass_time(data.draw(st.integers(0, 40)))
            case 3:
                first = data.draw(st.integers(0, 11))
                scene.do(scene.torrent.select, first, data.draw(st.integers(first, 11)), 1)
            case 4:
                first = data.draw(st.integers(0, 11))
                scene.do(scene.torrent.deselect, first, data.draw(st.integers(first, 11)))
            case 5:
                scene.do(data.draw(st.sampled_from([scene.torrent.pause, scene.torrent.resume])))
    for index, piece in scene.stored.items():
        assert piece == scene.content[index * 2 * BLOCK :][: len(piece)]
    scene.web.tamper = lambda _, right: right
    for number in range(2):
        scene.do(scene.torrent.remove_web_seed, URL if number else "http://other.test/")
    scene.do(scene.torrent.resume)
    scene.do(scene.torrent.select, 0, 11, 1)
    with_seed(scene).download_from_web()
    assert stored(scene) == scene.content
