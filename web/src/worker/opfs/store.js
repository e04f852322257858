// A torrent's verified pieces on disk, in OPFS: memory holds only what was touched last.
//
// Pieces are written in batches, since writing costs much per call and little per byte. Until the log can be had
// (another tab may be writing it) they stay in memory, and go into it when it comes.

import { pieceDigests } from '../hash.js'

const BATCH_BYTES = 1 << 20
const BATCH_TIME = 50 // ms that a piece waits at most for others to be written with
const FLUSH_TIME = 1000 // ms of writing that a crash may cost
const WINDOW = 1 << 20
const MAX_CACHED = 32 << 20

export class OpfsStore {
  #length
  #pieceLength
  #windowsPerPiece
  #held = new Map() // index → ArrayBuffer: hashed, not trusted yet
  #waiting = new Map() // index → { bytes, resolve, reject }: kept, not written yet
  #waitingBytes = 0
  #cache = new Map() // window → Uint8Array, the one not used for longest first
  #cachedBytes = 0
  #log = null
  #writeTimer = null
  #flushTimer = null
  #closed = false

  /**
   * @param {number} length @param {number} pieceLength
   * @param {Promise<import('./piece-log.js').PieceLog>} opening  may take until another tab is closed
   */
  constructor (length, pieceLength, opening) {
    this.#length = length
    this.#pieceLength = pieceLength
    this.#windowsPerPiece = Math.ceil(pieceLength / WINDOW)
    opening.then(log => this.#opened(log), () => {}) // without one, memory it is
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

  /** @returns {Promise<void> | undefined} when it can be read even if memory runs short; rejects with `FullError` */
  keep (index) {
    const bytes = new Uint8Array(this.#held.get(index))
    this.#held.delete(index)
    const entry = { bytes }
    this.#waiting.set(index, entry)
    this.#waitingBytes += bytes.length
    if (!this.#log) return undefined
    const written = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }))
    if (this.#waitingBytes >= BATCH_BYTES) this.#write()
    else this.#writeTimer ??= setTimeout(() => this.#write(), BATCH_TIME)
    return written
  }

  drop (index) {
    this.#held.delete(index)
  }

  /** One block. A block never crosses the end of a piece. */
  block (offset, length) {
    const index = Math.floor(offset / this.#pieceLength)
    const start = offset - index * this.#pieceLength
    const waiting = this.#waiting.get(index)
    if (waiting) return waiting.bytes.subarray(start, start + length)
    const number = Math.floor(start / WINDOW)
    if (start + length > (number + 1) * WINDOW) return this.#readPart(index, start, length)
    const window = this.#window(index, number)
    return window.subarray(start - number * WINDOW, start - number * WINDOW + length)
  }

  /** @returns {Promise<ArrayBuffer>} a copy, the caller's to give away */
  async read (offset, length) {
    const end = offset + length
    if (end > this.#length) throw new RangeError('Read past the end of the torrent')
    const bytes = new Uint8Array(length)
    for (let position = offset; position < end;) {
      const index = Math.floor(position / this.#pieceLength)
      const start = position - index * this.#pieceLength
      const count = Math.min(this.#pieceLength - start, end - position)
      const target = bytes.subarray(position - offset, position - offset + count)
      const waiting = this.#waiting.get(index)
      if (waiting) target.set(waiting.bytes.subarray(start, start + count))
      else this.#stored().readInto(target, index, start)
      position += count
    }
    return bytes.buffer
  }

  /** Lets go of the files; what was kept is in them. */
  close () {
    if (this.#closed) return
    this.#closed = true
    if (this.#log) {
      this.#write()
      clearTimeout(this.#flushTimer)
      this.#log.close()
    }
    this.#waiting.clear()
    this.#cache.clear()
  }

  #opened (log) {
    if (this.#closed) return log.close()
    this.#log = log
    for (const index of this.#waiting.keys()) {
      if (log.has(index)) this.#waiting.delete(index)
    }
    this.#write()
  }

  #write () {
    clearTimeout(this.#writeTimer)
    this.#writeTimer = null
    const entries = [...this.#waiting]
    this.#waiting.clear()
    this.#waitingBytes = 0
    if (entries.length === 0) return
    try {
      this.#log.append(entries.map(([index, { bytes }]) => ({ index, bytes })))
    } catch (error) {
      for (const [index, entry] of entries) {
        if (entry.reject) entry.reject(error)
        else this.#waiting.set(index, entry) // it counts as stored since there was no log: memory keeps it
      }
      return
    }
    this.#flushTimer ??= setTimeout(() => this.#flush(), FLUSH_TIME)
    for (const [index, { bytes, resolve }] of entries) {
      this.#remember(index, bytes)
      resolve?.()
    }
  }

  #flush () {
    this.#flushTimer = null
    try {
      this.#log.flush()
    } catch (error) {
      if (error.name !== 'QuotaExceededError') throw error
      // Nothing is lost but what a crash would cost; the next piece will not find room either, and that is told.
    }
  }

  /** Peers ask for what was just announced to them: keep the newest pieces at hand. */
  #remember (index, bytes) {
    for (let number = 0; number * WINDOW < bytes.length; number++) {
      this.#cacheWindow(index * this.#windowsPerPiece + number, bytes.subarray(number * WINDOW, (number + 1) * WINDOW))
    }
  }

  #window (index, number) {
    const key = index * this.#windowsPerPiece + number
    let window = this.#cache.get(key)
    if (window) {
      this.#cache.delete(key)
      this.#cache.set(key, window)
    } else {
      const start = number * WINDOW
      window = this.#readPart(index, start, Math.min(WINDOW, this.#stored().size(index) - start))
      this.#cacheWindow(key, window)
    }
    return window
  }

  #cacheWindow (key, window) {
    this.#cachedBytes += window.length - (this.#cache.get(key)?.length ?? 0)
    this.#cache.set(key, window)
    for (const [oldest, { length }] of this.#cache) {
      if (this.#cachedBytes <= MAX_CACHED) break
      this.#cache.delete(oldest)
      this.#cachedBytes -= length
    }
  }

  #readPart (index, start, length) {
    const bytes = new Uint8Array(length)
    this.#stored().readInto(bytes, index, start)
    return bytes
  }

  #stored () {
    if (!this.#log) throw new RangeError('Nothing of this torrent is stored yet')
    return this.#log
  }
}
