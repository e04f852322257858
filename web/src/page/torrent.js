// One torrent of the client, as the page sees it.

import { typedError } from '../shared/errors.js'
import File from './file.js'
import { Torrent as table } from './generated/schema.js'
import { define, Mirror } from './mirror.js'

export default class Torrent extends Mirror {
  /** @param {import('./webtorrent.js').default} client @param {number} key  its number to the engine */
  constructor (client, key) {
    super(table)
    this.client = client
    this.destroyed = false
    this._key = key
    this._files = []
    this._pieces = null
  }

  get files () { return this._files }

  get lastPieceLength () {
    return this.length % this.pieceLength || this.pieceLength
  }

  /** `{ length }` of each piece that is not there yet, null of each that is. */
  get pieces () {
    this._pieces ??= Array.from({ length: Math.ceil(this.length / this.pieceLength) || 0 }, () => ({ length: this.pieceLength }))
    if (this.progress === 1) this._pieces.fill(null)
    const last = this._pieces.at(-1)
    if (last) last.length = this.lastPieceLength
    return this._pieces
  }

  get torrentFileBlob () {
    return this.torrentFile && new Blob([this.torrentFile], { type: 'application/x-bittorrent' })
  }

  /** Removes it from the client; `callback` gets an Error or nothing. */
  destroy (opts, callback) {
    if (typeof opts === 'function') callback = opts
    return this.client._remove(this, callback)
  }

  _apply (changes) {
    super._apply(changes)
    if (changes.files) this._files = changes.files.map((fields, index) => new File(this, index, fields))
  }

  /** An event of the engine. */
  _handle (name, args) {
    if (!table.events.includes(name)) throw typedError({ code: 'ERR_UNKNOWN_MESSAGE', message: `No such event: ${name}` })
    if (name === 'verified') {
      if (this.pieces.length > args[0]) this.pieces[args[0]] = null
    } else if (name === 'warning') {
      args = [typedError(args[0])]
    } else if (name === 'error') {
      return this.client._fail(this, typedError(args[0]))
    }
    this._emit(name, ...args)
  }

  _command (name, args) {
    this._send(null, name, args)
  }

  _send (file, name, args) {
    if (this.destroyed) throw typedError({ code: 'ERR_DESTROYED', message: 'The torrent was removed' })
    this.client._engine.call('command', this._key, file, name, args).catch(error => this.client._warn(this, error))
  }
}

define(Torrent, table)
