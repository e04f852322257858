// Stores that pages bring: the abstract-chunk-store interface (`put`, `get`, `close`, with callbacks), called by the
// engine as promises.

import { typedError } from '../shared/errors.js'

export class ChunkStores {
  #plans = new Map() // key of a torrent → { torrent, make }
  #stores = new Map() // key → chunk store

  /**
   * Reads the options of `add` that are about stores.
   *
   * @param {import('./torrent.js').default} torrent
   * @param {{ store?: Function | string, storeOpts?: object, preloadedStore?: object }=} opts
   * @returns {string | undefined} the store's kind, for the engine
   */
  plan (torrent, { store, storeOpts, preloadedStore } = {}) {
    if (!preloadedStore && typeof store !== 'function') return store
    const describe = ({ path, length, offset }) => ({ path, length, offset })
    const make = (length, pieceLength) => preloadedStore ?? new store(pieceLength, {
      ...storeOpts, torrent, length, name: torrent.name, files: torrent.files.map(describe)
    })
    this.#plans.set(torrent._key, { torrent, make })
    return 'page'
  }

  /** The engine knows of the metadata before the page does; the store is made when both do. */
  async open (key, length, pieceLength) {
    const plan = this.#plans.get(key)
    this.#plans.delete(key)
    if (!plan) throw typedError({ code: 'ERR_STORAGE', message: 'The torrent has no store of the page' })
    const { torrent, make } = plan
    if (!torrent.files.length) await new Promise(resolve => torrent.once('metadata', resolve))
    this.#stores.set(key, make(length, pieceLength))
  }

  put (key, index, piece) {
    return this.#call(key, 'put', index, piece)
  }

  async get (key, index) {
    const piece = await this.#call(key, 'get', index)
    return ArrayBuffer.isView(piece) ? new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength) : new Uint8Array(piece)
  }

  async close (key) {
    if (!this.#stores.has(key)) return
    try {
      await this.#call(key, 'close')
    } finally {
      this.#stores.delete(key)
    }
  }

  #call (key, method, ...args) {
    const store = this.#stores.get(key)
    if (!store) throw typedError({ code: 'ERR_STORAGE', message: 'The page\'s store was closed, or could not be made' })
    return new Promise((resolve, reject) => {
      store[method](...args, (error, result) => error ? reject(error) : resolve(result))
    })
  }
}
