// One connection to a peer, with the interface that bittorrent-protocol documents, and its extension API unchanged.
// What extensions say and hear goes through the engine, which names them to the peer and numbers their messages.

import { typedError } from '../shared/errors.js'
import { Wire as table } from './generated/schema.js'
import { define, Mirror } from './mirror.js'

export default class Wire extends Mirror {
  #torrent
  #extensions = new Map() // name → the extension's object
  #hasMet = false
  #toldHandshakes = new Map() // name → what of the peer's handshake it was told last

  /**
   * @param {import('./torrent.js').default} torrent
   * @param {{ id: number, peerId: string, type: string, peerExtensions: object }} fields
   */
  constructor (torrent, { id, peerId, type, peerExtensions }) {
    super(table)
    this.#torrent = torrent
    this._id = id
    this.peerId = peerId
    this.peerExtensions = peerExtensions
    this.type = type
    this.remoteAddress = this.remotePort = undefined
    this.destroyed = false
    this.peerExtendedHandshake = {}
    this.peerExtendedMapping = {}
    this.extendedHandshake = {}
  }

  get peerPieces () { return new Bitfield(this._state.peerPieces ?? new Uint8Array()) }
  get uploadSpeed () { return speed(() => this._state.uploadSpeed) }
  get downloadSpeed () { return speed(() => this._state.downloadSpeed) }

  /** @param {new (wire: Wire) => object} Extension  with a `name` on its prototype */
  use (Extension) {
    const { name } = Extension.prototype
    if (!name) throw typedError({ code: 'ERR_INVALID_OPTION', message: 'An extension has a `name` on its prototype' })
    this.#extensions.set(name, this[name] = new Extension(this))
    if (this.#hasMet) this.#introduce(name)
  }

  /** @param {string} name @param {unknown} payload  bytes, or what bencoding can express */
  extended (name, payload) {
    if (!(name in this.peerExtendedMapping)) {
      throw typedError({ name: 'UnknownExtensionError', code: 'ERR_UNKNOWN_EXTENSION', message: `Unrecognized extension: ${name}` })
    }
    if (ArrayBuffer.isView(payload)) {
      this._command('extended', [name], new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength).slice())
    } else {
      this._command('extended', [name, tagged(payload)])
    }
  }

  destroy () {
    if (!this.destroyed) this._command('destroy', [])
  }

  setKeepAlive () {}
  setTimeout () {}

  /** The page knows of it: whoever listened to the torrent's `wire` has been called. */
  _meet () {
    this.#hasMet = true
    this._emit('handshake', this.#torrent.infoHash, this.peerId, this.peerExtensions)
    for (const name of this.#extensions.keys()) this.#introduce(name)
  }

  /** An event of the engine. */
  _handle (name, args) {
    if (name === 'close') {
      this._close()
    } else if (name === 'handshake') {
      [this.peerExtendedMapping, this.peerExtendedHandshake] = args
      for (const each of this.#extensions.keys()) this.#tellHandshake(each)
      this._emit('extended', 'handshake', this.peerExtendedHandshake)
    } else {
      const [extension, payload] = args
      this.#call(extension, 'onMessage', payload)
      this._emit('extended', extension, payload)
    }
  }

  _close () {
    this.destroyed = true
    this._emit('close')
  }

  _apply (changes) {
    const { uploaded, downloaded, peerPieces } = this._state
    super._apply(changes)
    if ('peerChoking' in changes) this._emit(changes.peerChoking ? 'choke' : 'unchoke')
    if ('peerInterested' in changes) this._emit(changes.peerInterested ? 'interested' : 'uninterested')
    if (changes.downloaded) this._emit('download', changes.downloaded - downloaded)
    if (changes.uploaded) this._emit('upload', changes.uploaded - uploaded)
    if (changes.peerPieces) this.#tellPieces(peerPieces)
  }

  _command (name, args, bytes) {
    if (this.destroyed) throw typedError({ name: 'DestroyedError', code: 'ERR_DESTROYED', message: 'The connection is closed' })
    const { client, _key } = this.#torrent
    client._engine.call('wireCommand', _key, this._id, name, args, bytes).catch(error => client._warn(this.#torrent, error))
  }

  #introduce (name) {
    this.#call(name, 'onHandshake', this.#torrent.infoHash, this.peerId, this.peerExtensions)
    if (!this.peerExtensions.extended || this.destroyed) return
    this._command('use', [name, tagged(this.extendedHandshake)])
    this.#tellHandshake(name)
  }

  /** Peers repeat their handshake when they add to it; extensions hear of what concerns them, once. */
  #tellHandshake (name) {
    if (!(name in this.peerExtendedMapping)) return
    const fields = { ...this.peerExtendedHandshake }
    delete fields.m
    delete fields.metadata_size
    const told = JSON.stringify([this.peerExtendedMapping[name], tagged(fields)])
    if (told === this.#toldHandshakes.get(name)) return
    this.#toldHandshakes.set(name, told)
    this.#call(name, 'onExtendedHandshake', this.peerExtendedHandshake)
  }

  /** What an extension throws is reported as uncaught: it is no reason to lose the peer. */
  #call (name, method, ...args) {
    const extension = this.#extensions.get(name)
    try {
      extension?.[method]?.(...args)
    } catch (error) {
      reportError(error)
    }
  }

  #tellPieces (known) {
    if (!known) {
      this._emit('bitfield', this.peerPieces)
    } else if (this.listenerCount('have') > 0) {
      const [before, now] = [new Bitfield(known), this.peerPieces]
      for (let index = 0; index < 8 * now.buffer.length; index++) {
        if (now.get(index) && !before.get(index)) this._emit('have', index)
      }
    }
  }
}

define(Wire, table)

class Bitfield {
  /** @param {Uint8Array} buffer  a bit for each piece, the first piece in the highest bit of the first byte */
  constructor (buffer) {
    this.buffer = buffer
  }

  get (index) {
    return (this.buffer[index >> 3] & (0x80 >> (index & 7))) !== 0
  }
}

/** bittorrent-protocol has functions where webtorrent's documentation has numbers: this is both. */
const speed = read => Object.assign(() => read(), { valueOf: read, toString: () => String(read()) })

/** A value for JSON: bytes are marked (see `from_tagged` in webtorrent_py/browser/convert.py). */
function tagged (value) {
  if (value instanceof ArrayBuffer) value = new Uint8Array(value)
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    return { $bytes: Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('') }
  }
  if (Array.isArray(value)) return value.map(tagged)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, tagged(each)]))
}
