/**
 * What the bench does inside a page with a client, the same for ours and for stock. Values are null until they are
 * known; times are milliseconds since 1970, so that those of several pages compare.
 */
const clock = () => performance.timeOrigin + performance.now()

const bench = {
  client: null,
  torrent: null,
  ready: null,
  metadata: null,
  done: null,
  magnet: null,
  seeded: null,
  error: null,

  /** The longest time that the main thread was busy, by phase: a timer should fire every 5 ms. */
  gaps: { starting: 0, downloading: 0, over: 0 },
  phase: 'starting',

  start (WebTorrent) {
    this.client = new WebTorrent({ tracker: { rtcConfig: { iceServers: [] } } })
    this.client.on('error', error => { this.error = String(error) })
    const magnet = new URLSearchParams(location.search).get('magnet')
    if (magnet) this.add(magnet)
    const timer = setInterval(() => {
      if (!this.client.ready) return
      clearInterval(timer)
      this.ready = clock()
    }, 10)
  },

  add (magnet) {
    this.torrent = this.client.add(magnet)
    this.torrent.on('metadata', () => {
      this.metadata = clock()
      this.phase = 'downloading'
    })
    this.torrent.on('done', () => {
      this.done = clock()
      this.phase = 'over'
    })
  },

  /** Seeds the file chosen in the page; `seeded` is how long it took. */
  seed (options) {
    const start = performance.now()
    this.torrent = this.client.seed(document.querySelector('input').files[0], options, torrent => {
      this.seeded = performance.now() - start
      this.magnet = torrent.magnetURI
    })
  },

  /** Seeds so many small files. */
  seedMany (count, tracker) {
    let left = count
    for (let number = 0; number < count; number++) {
      const file = new File([`content ${number} `.repeat(10_000)], `${number}.txt`)
      this.client.seed(file, { announce: [tracker] }, () => { if (--left === 0) this.seeded = clock() })
    }
  }
}

let last = performance.now()
setInterval(() => {
  const now = performance.now()
  bench.gaps[bench.phase] = Math.max(bench.gaps[bench.phase], now - last)
  last = now
}, 5)
