// One file of a torrent. All reading is made of one thing: a reader of the engine on a range of bytes.

import { typedError } from '../shared/errors.js'
import * as Comlink from 'comlink'
import { FileIterator } from './file-iterator.js'
import { File as table } from './generated/schema.js'
import { callBack, define, Mirror } from './mirror.js'
import { ReadStream } from './read-stream.js'
import { appendTo, renderTo } from './render/index.js'

export default class File extends Mirror {
  /**
   * @param {import('./torrent.js').default} torrent
   * @param {number} index
   * @param {{ name: string, path: string, length: number, offset: number, type: string, pieces: number[] | null }} fields
   */
  constructor (torrent, index, { pieces, ...fields }) {
    super(table)
    this.torrent = torrent
    this._index = index
    this._pieces = pieces
    Object.assign(this, fields)
    this.size = fields.length
  }

  /** @param {number} piece  its index */
  includes (piece) {
    return this._pieces !== null && this._pieces[0] <= piece && piece <= this._pieces[1]
  }

  /** @param {{ start?: number, end?: number }=} range  both inclusive, as in HTTP */
  [Symbol.asyncIterator] (range) {
    const { start, end } = this._span(range)
    const open = () => this._call('openReader', start, end)
    return new FileIterator(this.torrent.client._engine, start === end ? null : open)
  }

  stream (range) {
    const iterator = this[Symbol.asyncIterator](range)
    return new ReadableStream({
      async pull (controller) {
        const { value, done } = await iterator.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel () {
        await iterator.return()
      }
    }, { highWaterMark: 0 })
  }

  createReadStream (range) {
    this.torrent._mustBeAlive()
    return new ReadStream(this[Symbol.asyncIterator](range))
  }

  async arrayBuffer (range) {
    const { start, end } = this._span(range)
    const all = new Uint8Array(end - start)
    let length = 0
    for await (const bytes of this[Symbol.asyncIterator](range)) {
      all.set(bytes, length)
      length += bytes.length
    }
    return all.buffer
  }

  async blob (range) {
    const parts = []
    for await (const bytes of this[Symbol.asyncIterator](range)) parts.push(bytes)
    return new Blob(parts, { type: this.type })
  }

  getBuffer (callback) {
    this.arrayBuffer().then(buffer => callBack(callback, null, new Uint8Array(buffer)), error => callBack(callback, error))
  }

  getBlob (callback) {
    this.blob().then(blob => callBack(callback, null, blob), error => callBack(callback, error))
  }

  getBlobURL (callback) {
    this.blob().then(blob => callBack(callback, null, URL.createObjectURL(blob)), error => callBack(callback, error))
  }

  appendTo (target, opts, cb) {
    return appendTo(this, target, opts, cb)
  }

  renderTo (elem, opts, cb) {
    return renderTo(this, elem, opts, cb)
  }

  /** A port over which another worker reads anywhere in the file: READER_METHODS of shared/protocol.js. */
  _readerPort () {
    const { port1, port2 } = new MessageChannel()
    this._call('openPort', Comlink.transfer(port2, [port2])).catch(() => port1.close())
    return port1
  }

  _command (name, args) {
    this.torrent._send(this._index, name, args)
  }

  async _call (name, ...args) {
    this.torrent._mustBeAlive()
    return this.torrent.client._engine.call(name, this.torrent._key, this._index, ...args)
  }

  /** The range with `end` exclusive. Like the original, reads to the end of the file when `end` lies past it. */
  _span (range) {
    const { start = 0, end = this.length - 1 } = range ?? {}
    const exclusive = Math.min(end + 1, this.length)
    if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= exclusive)) {
      throw typedError({ name: 'InvalidRangeError', code: 'ERR_INVALID_RANGE', message: `Bytes ${start} to ${end} are not in ${this.name}` })
    }
    return { start, end: exclusive }
  }
}

define(File, table)
