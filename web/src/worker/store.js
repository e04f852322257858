// Where verified bytes live: in JavaScript, outside of the wasm heap.
//
// A store holds one torrent. A downloaded piece goes in three steps, decided by Python: hold (hashed, not
// yet trusted), then keep or drop. Offsets count bytes from the start of the torrent.

import { pieceDigests } from './hash.js'

/** Pieces in memory, one ArrayBuffer each. */
export class MemoryStore {
  #pieceLength
  #length
  #pieces = []
  #held = new Map()

  /** @param {number} length @param {number} pieceLength */
  constructor (length, pieceLength) {
    this.#length = length
    this.#pieceLength = pieceLength
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

  keep (index) {
    this.#pieces[index] = this.#held.get(index)
    this.#held.delete(index)
  }

  drop (index) {
    this.#held.delete(index)
  }

  /** One block as a view: no copy. A block never crosses the end of a piece. */
  block (offset, length) {
    const { piece, start } = this.#locate(offset)
    return new Uint8Array(piece, start, length)
  }

  /** @returns {Promise<ArrayBuffer>} a copy, the caller's to give away */
  async read (offset, length) {
    const end = offset + length
    if (end > this.#length) throw new RangeError('Read past the end of the torrent')
    const bytes = new Uint8Array(length)
    for (let position = offset; position < end;) {
      const { piece, start } = this.#locate(position)
      const part = new Uint8Array(piece, start, Math.min(piece.byteLength - start, end - position))
      bytes.set(part, position - offset)
      position += part.byteLength
    }
    return bytes.buffer
  }

  #locate (offset) {
    const index = Math.floor(offset / this.#pieceLength)
    const piece = this.#pieces[index]
    if (!piece) throw new RangeError(`Piece ${index} is not stored`)
    return { piece, start: offset - index * this.#pieceLength }
  }
}

const MIN_WINDOW = 128 << 10
const MAX_WINDOW = 1 << 20
const MAX_CACHED = 32 << 20

/**
 * A seeded torrent: the user's own Blobs, end to end, read by slices and never copied whole.
 *
 * Peers ask for blocks of 16 KiB, and reading a slice of a Blob takes milliseconds whatever its length. Peers ask
 * for most blocks of a piece in a row, but for the pieces in any order; so a read is about one piece, and the most
 * recently used reads are kept.
 */
export class BlobStore {
  #blob
  #windowLength
  #windows = new Map() // number → ArrayBuffer, or a promise of it

  /** @param {Blob} blob @param {number} pieceLength */
  constructor (blob, pieceLength) {
    this.#blob = blob
    this.#windowLength = Math.min(Math.max(pieceLength, MIN_WINDOW), MAX_WINDOW)
  }

  /** @returns {Uint8Array | Promise<Uint8Array>} at once if it was read already */
  block (offset, length) {
    const index = Math.floor(offset / this.#windowLength)
    const start = offset - index * this.#windowLength
    if (start + length > this.#windowLength) return this.read(offset, length).then(bytes => new Uint8Array(bytes))
    const window = this.#window(index)
    return window instanceof ArrayBuffer
      ? new Uint8Array(window, start, length)
      : window.then(bytes => new Uint8Array(bytes, start, length))
  }

  async read (offset, length) {
    if (offset + length > this.#blob.size) throw new RangeError('Read past the end of the torrent')
    return this.#blob.slice(offset, offset + length).arrayBuffer()
  }

  #window (index) {
    const window = this.#windows.get(index) ?? this.#load(index)
    // A Map lists its keys in the order of insertion: the first is the one not used for longest.
    this.#windows.delete(index)
    this.#windows.set(index, window)
    if (this.#windows.size * this.#windowLength > MAX_CACHED) this.#windows.delete(this.#windows.keys().next().value)
    return window
  }

  #load (index) {
    const start = index * this.#windowLength
    const window = this.#blob.slice(start, start + this.#windowLength).arrayBuffer()
    window.then(
      bytes => { if (this.#windows.has(index)) this.#windows.set(index, bytes) },
      () => this.#windows.delete(index) // the reader of the block gets the error; do not keep it
    )
    return window
  }
}
