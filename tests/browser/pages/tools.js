/**
 * What the tests do inside a page, the same for ours and for stock WebTorrent: both have the same API.
 *
 * A classic script; everything hangs on one global, `tools`.
 */
globalThis.tools = {
  /** What the client and its torrents emitted: `[emitter, event, detail]`. */
  events: [],

  /** The client that `start` made, and its torrents by the names that the test gave them. */
  client: null,
  torrents: {},

  start (options) {
    this.client = new WebTorrent(options)
    this.client.on('error', error => this.noteError('client', 'error', error))
    return this.client
  },

  /** The console's copy is for the report of a failure. */
  note (emitter, event, detail = null) {
    this.events.push([emitter, event, detail])
    console.debug(emitter, event, JSON.stringify(detail))
  },

  noteError (emitter, event, error) {
    this.note(emitter, event, { code: error.code ?? null, message: String(error.message ?? error) })
  },

  watch (name, torrent) {
    this.torrents[name] = torrent
    for (const event of ['infoHash', 'metadata', 'ready', 'trackerAnnounce', 'done']) {
      torrent.on(event, () => this.note(name, event))
    }
    for (const event of ['warning', 'error']) torrent.on(event, error => this.noteError(name, event, error))
    return torrent
  },

  add (name, torrentId, options) {
    if (Array.isArray(torrentId)) torrentId = new Uint8Array(torrentId)
    this.watch(name, this.client.add(torrentId, options))
  },

  /** Seed these items, or the files chosen in the page's `<input>`; emits 'seed' with the magnet link. */
  seed (name, options, items = [...document.querySelector('input').files]) {
    this.watch(name, this.client.seed(items, options, torrent => this.note(name, 'seed', torrent.magnetURI)))
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

  /** The promise's value, or an error after so many milliseconds: the driver would wait for ever. */
  async within (milliseconds, promise) {
    const late = new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`still waiting after ${milliseconds} ms`)), milliseconds)
    })
    return await Promise.race([promise, late])
  },

  /** SHA-256 of every file's bytes as the page reads them, by path. */
  async digests (name) {
    const digests = {}
    for (const file of this.torrents[name].files) digests[file.path] = await this.sha256(await file.arrayBuffer())
    return digests
  }
}
