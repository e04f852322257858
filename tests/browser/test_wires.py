"""Protocol extensions written for stock webtorrent talk between our page and a stock page."""

from typing import Any

from tests.browser.driver import SEED_PIECE_LENGTH, ClientPage
from tests.peers.content import Content
from tests.peers.npm import ReferenceTracker

# As bittorrent-protocol documents extensions; the same code runs in both pages.
CHAT = """nick => {
  globalThis.chats = []
  const decode = bytes => new TextDecoder().decode(bytes)
  class Chat {
    constructor (wire) {
      this.wire = wire
      this.log = []
      wire.extendedHandshake.nick = nick
      chats.push(this)
    }
    onHandshake (infoHash, peerId, extensions) {
      this.log.push(['onHandshake', infoHash, peerId === this.wire.peerId, extensions.extended])
    }
    onExtendedHandshake (handshake) {
      if (!handshake.nick || this.greeted) return
      this.greeted = true
      this.log.push(['onExtendedHandshake', decode(handshake.nick)])
      this.wire.extended('test_chat', new TextEncoder().encode(`hello ${decode(handshake.nick)}`))
      this.wire.extended('test_chat', { from: nick, numbers: [1, -2] })
    }
    onMessage (payload) {
      this.log.push(['onMessage', decode(payload)])
    }
  }
  Chat.prototype.name = 'test_chat'
  tools.client.on('add', torrent => torrent.on('wire', wire => wire.use(Chat)))
}"""

LOG = "chats.find(chat => chat.log.length >= 4)?.log"


def log_of(page: ClientPage) -> list[Any]:
    page.wait_until(f"{LOG}")
    log: list[Any] = page.get(LOG)
    return log


def test_an_extension_of_the_page_talks_with_stock_both_ways(
    ours: ClientPage, stock_page: ClientPage, tracker: ReferenceTracker, single: Content
) -> None:
    ours.page.evaluate(CHAT, "ann")
    stock_page.page.evaluate(CHAT, "bob")
    for seeder, leecher in ((ours, stock_page), (stock_page, ours)):
        magnet = seeder.seed(
            "single", [single.root / single.name], tracker.url, pieceLength=SEED_PIECE_LENGTH, private=seeder is ours
        )
        leecher.add("single", magnet)
        info_hash = seeder.get("torrents.single.infoHash")
        for page, other in ((ours, "bob"), (stock_page, "ann")):
            own = "ann" if other == "bob" else "bob"
            assert log_of(page) == [
                ["onHandshake", info_hash, True, True],
                ["onExtendedHandshake", other],
                ["onMessage", f"hello {own}"],
                ["onMessage", f"d4:from3:{other}7:numbersli1ei-2eee"],
            ]
        for page in (leecher, seeder):
            page.get("client.remove(torrents.single)")
            page.page.evaluate("() => { chats.length = 0 }")
