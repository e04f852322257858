// Random access to a file of which only parts are here yet.
//
// A demuxer asks for many small ranges; asking the swarm for each would cost a message apiece. So
// bytes come in aligned blocks, kept in a small cache. Reading ahead is left to the engine, which asks
// peers for what follows the newest read: asking here as well would make later bytes compete with the
// ones that playback waits for.
//
// A read may wait for peers for as long as it takes. `halt` fails everything that waits, so that a
// seek does not have to: closing the old reader port also takes the urgency off its pieces.

import * as Comlink from 'comlink'
import { typedError } from '../shared/errors.js'

const BLOCK = 64 * 1024
const CACHE_BLOCKS = 256 // 16 MiB: two groups of pictures of a demanding film

export class BlockSource {
  #length
  #reader = null
  /** Block index to the promise of its bytes; the order is the order of use. */
  #blocks = new Map()
  /** Block index to the function that fails its promise while it is waited for. */
  #waiting = new Map()

  /**
   * @param {number} length  of the file, in bytes
   * @param {MessagePort} port  a reader port (READER_METHODS)
   */
  constructor (length, port) {
    this.#length = length
    this.resume(port)
  }

  /** @returns {Promise<Uint8Array>} the bytes of `start` (inclusive) to `end` (exclusive) */
  async read (start, end) {
    const first = Math.floor(start / BLOCK)
    const last = Math.floor((end - 1) / BLOCK)
    const wanted = []
    for (let index = first; index <= last; index++) wanted.push(this.#block(index))
    const blocks = await Promise.all(wanted)
    if (blocks.length === 1) return blocks[0].subarray(start - first * BLOCK, end - first * BLOCK)
    const bytes = new Uint8Array(end - start)
    blocks.forEach((block, i) => {
      const offset = (first + i) * BLOCK - start
      bytes.set(block.subarray(Math.max(0, -offset), end - (first + i) * BLOCK), Math.max(0, offset))
    })
    return bytes
  }

  /** Fails all reads, now and until `resume`, and closes the reader port. */
  halt () {
    const reader = this.#reader
    this.#reader = null
    for (const fail of this.#waiting.values()) fail(halted())
    this.#waiting.clear()
    if (!reader) return
    const release = () => reader[Comlink.releaseProxy]()
    // A port whose torrent is gone has nothing left to close.
    reader.close().then(release, release)
  }

  /** @param {MessagePort} port  a reader port of the same file */
  resume (port) {
    this.#reader = Comlink.wrap(port)
  }

  #block (index) {
    const block = this.#blocks.get(index) ?? this.#fetch(index)
    this.#blocks.delete(index)
    this.#blocks.set(index, block)
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= CACHE_BLOCKS) break
      if (!this.#waiting.has(oldest)) this.#blocks.delete(oldest)
    }
    return block
  }

  #fetch (index) {
    const reader = this.#reader
    const block = new Promise((resolve, reject) => {
      if (!reader) return reject(halted())
      this.#waiting.set(index, reject)
      const start = index * BLOCK
      reader.read(start, Math.min(start + BLOCK, this.#length)).then(
        buffer => {
          if (reader === this.#reader) this.#waiting.delete(index)
          resolve(new Uint8Array(buffer))
        },
        error => {
          if (reader === this.#reader) this.#waiting.delete(index)
          reject(error)
        }
      )
    })
    // A failed block is forgotten, so that the next read tries again.
    block.catch(() => { if (this.#blocks.get(index) === block) this.#blocks.delete(index) })
    return block
  }
}

function halted () {
  return typedError({ name: 'AbortError', code: 'ERR_ABORTED', message: 'The read was given up for another place' })
}
