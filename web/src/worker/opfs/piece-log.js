// Verified pieces in two files of the origin private file system.
//
// `pieces` holds the pieces' bytes in the order in which they came, end to end: what is written is always one long
// run, whatever the pieces' order, and a torrent of which little is wanted takes little space. `journal` has a record
// for each of them, in the same order. A record is written only after the bytes that it tells of were flushed, so what
// it names is whole even after a crash, and need not be hashed again. What has no record is written over.

const MAGIC = 0x57545031 // "WTP1"
const HEADER = 16 // magic, piece length, 8 bytes of room
const RECORD = 12 // index, length, check

/** Bytes could not be written for want of space. */
export class FullError extends Error {
  name = 'QuotaExceededError'
}

export class PieceLog {
  #pieces
  #journal
  #places = new Map() // index → { at, length }
  #end = 0
  #records = 0
  #unrecorded = []
  #pieceLength = 0

  /**
   * @param {FileSystemSyncAccessHandle} pieces
   * @param {FileSystemSyncAccessHandle} journal
   */
  constructor (pieces, journal) {
    this.#pieces = pieces
    this.#journal = journal
    this.#load()
  }

  /** Gets ready for pieces of this length. What is there stays, unless it was made with another one. */
  begin (pieceLength) {
    if (this.#pieceLength === pieceLength) return
    this.#places.clear()
    this.#end = this.#records = 0
    this.#unrecorded = []
    this.#pieceLength = pieceLength
    this.#pieces.truncate(0)
    this.#journal.truncate(0)
    const view = new DataView(new ArrayBuffer(HEADER))
    view.setUint32(0, MAGIC)
    view.setUint32(4, pieceLength)
    write(this.#journal, new Uint8Array(view.buffer), 0)
    this.#journal.flush()
  }

  /** Indices of the pieces that are there. */
  get indices () {
    return this.#places.keys()
  }

  has (index) {
    return this.#places.has(index)
  }

  /**
   * Writes pieces after those that are there. They can be read at once, and are there after a crash once `flush`
   * returned. Throws `FullError` when there is no room; then none of them was written.
   *
   * @param {{ index: number, bytes: Uint8Array }[]} pieces
   */
  append (pieces) {
    let at = this.#end
    try {
      for (const { bytes } of pieces) {
        write(this.#pieces, bytes, at)
        at += bytes.length
      }
    } catch (error) {
      this.#pieces.truncate(this.#end)
      throw error
    }
    for (const { index, bytes } of pieces) {
      this.#places.set(index, { at: this.#end, length: bytes.length })
      this.#unrecorded.push([index, bytes.length])
      this.#end += bytes.length
    }
  }

  /** @param {Uint8Array} target  filled with the piece's bytes from `start` on */
  readInto (target, index, start) {
    const { at, length } = this.#place(index)
    if (start + target.length > length) throw new RangeError(`Read past the end of piece ${index}`)
    const count = this.#pieces.read(target, { at: at + start })
    if (count !== target.length) throw new Error(`Piece ${index} can no longer be read from the browser's storage`)
  }

  /** @returns {number} bytes of the piece */
  size (index) {
    return this.#place(index).length
  }

  /** What was written is there even after a crash. */
  flush () {
    if (this.#unrecorded.length === 0) return
    this.#pieces.flush()
    const view = new DataView(new ArrayBuffer(RECORD * this.#unrecorded.length))
    this.#unrecorded.forEach(([index, length], number) => {
      view.setUint32(RECORD * number, index)
      view.setUint32(RECORD * number + 4, length)
      view.setUint32(RECORD * number + 8, check(this.#records + number, index, length))
    })
    write(this.#journal, new Uint8Array(view.buffer), HEADER + RECORD * this.#records)
    this.#journal.flush()
    this.#records += this.#unrecorded.length
    this.#unrecorded = []
  }

  close () {
    try {
      this.flush()
    } finally { // also when the journal has no room: what it does not name is fetched again
      this.#pieces.close()
      this.#journal.close()
    }
  }

  #place (index) {
    const place = this.#places.get(index)
    if (!place) throw new RangeError(`Piece ${index} is not stored`)
    return place
  }

  /** Takes what is whole; damage at the end, as a crash leaves it, ends the log there. */
  #load () {
    const bytes = new Uint8Array(this.#journal.getSize())
    if (this.#journal.read(bytes, { at: 0 }) < HEADER) return
    const view = new DataView(bytes.buffer)
    if (view.getUint32(0) !== MAGIC) return
    this.#pieceLength = view.getUint32(4)
    const size = this.#pieces.getSize()
    for (let at = HEADER; at + RECORD <= bytes.length; at += RECORD) {
      const [index, length] = [view.getUint32(at), view.getUint32(at + 4)]
      if (view.getUint32(at + 8) !== check(this.#records, index, length)) break
      if (length === 0 || length > this.#pieceLength || this.#end + length > size) break
      this.#places.set(index, { at: this.#end, length })
      this.#end += length
      this.#records++
    }
    // Whatever is behind would seem to belong to what is written next.
    this.#journal.truncate(HEADER + RECORD * this.#records)
    this.#pieces.truncate(this.#end)
  }
}

/** Tells a record that was written whole from one that was not. */
function check (number, index, length) {
  return (Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(length, 0x85ebca6b) ^ Math.imul(number + 1, 0xc2b2ae35)) >>> 0
}

/** Writes all of the bytes. At quota Chromium returns a number that is no count, and Firefox writes a part. */
function write (handle, bytes, at) {
  let count
  try {
    count = handle.write(bytes, { at })
  } catch (error) {
    throw error.name === 'QuotaExceededError' ? new FullError(error.message) : error
  }
  if (count !== bytes.length) throw new FullError('The browser has no more room for this site')
}
