/**
 * What the tests do inside a page, the same for ours and for stock WebTorrent: both have the same API.
 *
 * A classic script; everything hangs on one global, `tools`.
 */
globalThis.tools = {
  /** What the client and its torrents emitted: `[emitter, event, detail]`. */
  events: [],

  /** The client that `start` made. */
  client: null,

  start (options) {
    this.client = new WebTorrent(options)
    this.client.on('error', error => this.note('client', 'error', error))
    return this.client
  },

  note (emitter, event, error) {
    this.events.push([emitter, event, { code: error.code ?? null, message: String(error.message ?? error) }])
  },

  /** Begin a torrent; `torrents[name]` is it, at once. */
  torrents: {},

  watch (name, torrent) {
    this.torrents[name] = torrent
    for (const event of ['infoHash', 'metadata', 'ready', 'done']) {
      torrent.on(event, () => this.events.push([name, event, null]))
    }
    for (const event of ['warning', 'error']) torrent.on(event, error => this.note(name, event, error))
    return torrent
  },

  add (name, torrentId, options) {
    if (Array.isArray(torrentId)) torrentId = new Uint8Array(torrentId)
    this.watch(name, this.client.add(torrentId, options))
  },

  /** Seed the files chosen in the page's `<input>`; resolves to the magnet link. */
  async seedChosen (name, options) {
    const files = [...document.querySelector('input').files]
    return await new Promise(resolve => {
      this.watch(name, this.client.seed(files, options, torrent => resolve(torrent.magnetURI)))
    })
  },

  has (emitter, event) {
    return this.events.some(entry => entry[0] === emitter && entry[1] === event)
  },

  /** The details of an emitter's event, in order. */
  details (emitter, event) {
    return this.events.filter(entry => entry[0] === emitter && entry[1] === event).map(entry => entry[2])
  },

  async sha256 (buffer) {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', buffer))
    return [...digest].map(byte => byte.toString(16).padStart(2, '0')).join('')
  },

  /** SHA-256 of every file's bytes as the page reads them, by path. */
  async digests (name) {
    const digests = {}
    for (const file of this.torrents[name].files) digests[file.path] = await this.sha256(await file.arrayBuffer())
    return digests
  }
}
