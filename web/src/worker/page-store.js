// A torrent's verified pieces in a store that the page brought: `put`, `get` and `close` of the abstract-chunk-store
// interface, called on the page.

import { pieceDigests } from './hash.js'

const MAX_CACHED = 32 << 20

export class PageStore {
  #page
  #key
  #length
  #pieceLength
  #opening
  #held = new Map() // index → ArrayBuffer: hashed, not trusted yet
  #cache = new Map() // index → Promise<Uint8Array>, the one not used for longest first

  /**
   * @param {object} page @param {number} key  the page's number of the torrent
   * @param {number} length @param {number} pieceLength
   */
  constructor (page, key, length, pieceLength) {
    this.#page = page
    this.#key = key
    this.#length = length
    this.#pieceLength = pieceLength
    this.#opening = page.storeOpen(key, length, pieceLength)
    this.#opening.catch(() => {}) // whoever keeps or reads gets the error
  }

  /**
   * @param {number} index
   * @param {ArrayBuffer} piece
   * @param {boolean} withSha1
   * @param {number} leafBytes
   * @returns {Promise<ArrayBuffer>} its digests, see `pieceDigests`
   */
  hold (index, piece, withSha1, leafBytes) {
    this.#held.set(index, piece)
    return pieceDigests(piece, withSha1, leafBytes)
  }

  /** @returns {Promise<void>} when the page's store has it */
  async keep (index) {
    const piece = new Uint8Array(this.#held.get(index))
    this.#held.delete(index)
    await this.#opening
    await this.#page.storePut(this.#key, index, piece)
    this.#remember(index, Promise.resolve(piece))
  }

  drop (index) {
    this.#held.delete(index)
  }

  async block (offset, length) {
    return new Uint8Array(await this.read(offset, length))
  }

  /** @returns {Promise<ArrayBuffer>} a copy, the caller's to give away */
  async read (offset, length) {
    const end = offset + length
    if (end > this.#length) throw new RangeError('Read past the end of the torrent')
    const bytes = new Uint8Array(length)
    for (let position = offset; position < end;) {
      const index = Math.floor(position / this.#pieceLength)
      const start = position - index * this.#pieceLength
      const part = (await this.#piece(index)).subarray(start, start + end - position)
      if (part.length === 0) throw new Error(`The page's store gave too little of piece ${index}`)
      bytes.set(part, position - offset)
      position += part.length
    }
    return bytes.buffer
  }

  close () {
    this.#cache.clear()
    this.#page.storeClose(this.#key).catch(() => {}) // a store that cannot be closed is the page's own concern
  }

  #piece (index) {
    const piece = this.#cache.get(index) ?? this.#opening.then(() => this.#page.storeGet(this.#key, index))
    this.#remember(index, piece)
    return piece
  }

  #remember (index, piece) {
    piece.catch(() => this.#cache.delete(index)) // whoever asked gets the error; do not keep it
    this.#cache.delete(index)
    this.#cache.set(index, piece)
    if (this.#cache.size * this.#pieceLength > MAX_CACHED) this.#cache.delete(this.#cache.keys().next().value)
  }
}
