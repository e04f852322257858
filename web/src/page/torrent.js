// One torrent of the client, as the page sees it.

import * as Comlink from 'comlink'
import { typedError } from '../shared/errors.js'
import File from './file.js'
import { Torrent as table } from './generated/schema.js'
import { callBack, define, destroyedError, Mirror } from './mirror.js'
import { relayPeer } from './relay.js'
import Wire from './wire.js'

export default class Torrent extends Mirror {
  #files = []
  #pieces = null
  #wires = new Map() // the engine's id → Wire
  #watchesWires = false
  #introduced = new Map() // what was given to `addPeer` → the engine's number, null until it has one
  #notified = [] // { start, end, notify } of selections

  /** @param {import('./webtorrent.js').default} client @param {number} key  its number to the engine @param {object} opts */
  constructor (client, key, opts = {}) {
    super(table)
    this.client = client
    this.destroyed = false
    this.maxWebConns = opts.maxWebConns || 4
    this.path = opts.path ?? ''
    this._key = key
    this._getAnnounceOpts = opts.getAnnounceOpts
  }

  get files () { return this.#files }

  get wires () {
    this.#watchWires()
    return [...this.#wires.values()]
  }

  get lastPieceLength () {
    return this.length % this.pieceLength || this.pieceLength
  }

  /** `{ length, missing }` of each piece that is not there yet, null of each that is. */
  get pieces () {
    this.#pieces ??= Array.from({ length: Math.ceil(this.length / this.pieceLength) || 0 }, () => piece(this.pieceLength))
    if (this.progress === 1) this.#pieces.fill(null)
    const last = this.#pieces.at(-1)
    if (last) Object.assign(last, piece(this.lastPieceLength))
    return this.#pieces
  }

  get created () {
    return this._state.created === null ? null : new Date(this._state.created * 1000)
  }

  get torrentFileBlob () {
    return this.torrentFile && new Blob([this.torrentFile], { type: 'application/x-bittorrent' })
  }

  select (start, end, priority, notify) {
    this.#checkPieces(start, end)
    this._command('select', [start, end, Number(priority) || 0])
    if (notify) this.#notified.push({ start, end, notify })
  }

  deselect (start, end) {
    this.#checkPieces(start, end)
    this._command('deselect', [start, end])
    this.#notified = this.#notified.filter(each => each.start < start || each.end > end)
  }

  critical (start, end) {
    this.#checkPieces(start, end)
    this._command('critical', [start, end])
  }

  pause () {
    if (!this.destroyed) this._run('pause', [])
  }

  resume () {
    if (!this.destroyed) this._run('resume', [])
  }

  /** @param {string | object} peer  a simple-peer, or what has its events and methods */
  addPeer (peer) {
    this._mustBeAlive()
    if (!this.infoHash) {
      throw typedError({ code: 'ERR_LOCAL', message: 'addPeer() must not be called before the `infoHash` event' })
    }
    const isPeer = typeof peer?.send === 'function' && typeof peer.on === 'function'
    if (!isPeer || this.#introduced.has(peer) || this.paused) {
      if (isPeer && this.paused) peer.destroy()
      this._emit('invalidPeer', peer)
      return false
    }
    const port = relayPeer(peer)
    this.#introduced.set(peer, null)
    peer.on('close', () => this.#introduced.delete(peer))
    const refuse = () => peer.destroy()
    this.client._engine.call('addPeer', this._key, peer.initiator === true, Comlink.transfer(port, [port])).then(number => {
      if (number === null) refuse()
      else if (this.#introduced.has(peer)) this.#introduced.set(peer, number)
    }, refuse)
    this._emit('peer', peer)
    return true
  }

  /** @param {string | object} peer  its id, or what was given to `addPeer` */
  removePeer (peer) {
    if (typeof peer !== 'string') return this.#introduced.has(peer) ? peer.destroy() : undefined
    this._tell('removePeer', this._key, peer.toLowerCase())
  }

  /** Looks through the store for what is right in it. */
  rescanFiles (callback) {
    this._mustBeAlive()
    this.client._engine.call('rescan', this._key).then(() => callBack(callback, null), error => callBack(callback, error))
  }

  /** Why it has no peers or makes no progress: `{ cause, message, … }`, also when it has failed. */
  diagnose () {
    return this.client._engine.call('diagnose', this._key)
  }

  /** Removes it from the client; `callback` gets an Error or nothing. */
  destroy (opts, callback) {
    if (typeof opts === 'function') callback = opts
    return this.client._remove(this, callback)
  }

  _apply (changes) {
    super._apply(changes)
    if (changes.files) this.#files = changes.files.map((fields, index) => new File(this, index, fields))
  }

  /** New state of a connection. */
  _applyToWire (id, changes) {
    this.#wires.get(id)?._apply(changes)
  }

  /** An event of the engine; `wire` is the connection's id where it is about one. */
  _handle (name, args, wire) {
    if (wire !== undefined) return this.#handleOfWire(wire, name, args)
    if (name === 'fileDone') return this.#files[args[0]]._emit('done')
    if (!table.events.includes(name)) throw typedError({ code: 'ERR_UNKNOWN_MESSAGE', message: `No such event: ${name}` })
    if (name === 'verified') {
      this.#handleVerified(args[0])
    } else if (name === 'wire') {
      return this.#handleWire(new Wire(this, args[0]))
    } else if (name === 'trackerAnnounce') {
      this._tellAnnounceOptions()
    } else if (name === 'warning') {
      args = [typedError(args[0])]
    } else if (name === 'error') {
      return this.client._fail(this, typedError(args[0]))
    }
    this._emit(name, ...args)
  }

  /** It is no longer part of the client. */
  _end () {
    this.destroyed = true
    for (const wire of this.#wires.values()) wire._close()
    this.#wires.clear()
    for (const peer of this.#introduced.keys()) peer.destroy()
  }

  /** What the page wants to tell the trackers besides: asked for anew for each announce. */
  _tellAnnounceOptions () {
    const getters = [this.client.tracker?.getAnnounceOpts, this._getAnnounceOpts].filter(each => typeof each === 'function')
    if (getters.length === 0) return
    try {
      this._tell('announceOptions', this._key, Object.assign({}, ...getters.map(get => get())))
    } catch (error) {
      reportError(error) // the page's own function threw, or gave what cannot be sent
    }
  }

  /** Whether anybody listened. */
  _emitError (error) {
    return this.listenerCount('error') > 0 && this._emit('error', error)
  }

  _mustBeAlive () {
    if (this.destroyed) throw destroyedError('The torrent was removed')
  }

  _command (name, args) {
    this._send(null, name, args)
  }

  _send (file, name, args) {
    this._mustBeAlive()
    this._tell('command', this._key, file, name, args)
  }

  /** Calls the engine; what comes of it is a warning at most. */
  _tell (...call) {
    this.client._engine.call(...call).catch(error => this.client._warn(this, error))
  }

  #handleVerified (index) {
    if (this.pieces.length > index) this.pieces[index] = null
    for (const { start, end, notify } of this.#notified) {
      if (start <= index && index <= end) callBack(notify)
    }
  }

  #handleWire (wire) {
    this.#wires.set(wire._id, wire)
    if (this._emit('wire', wire, wire.remoteAddress)) this.#watchWires()
    wire._meet()
  }

  #handleOfWire (id, name, args) {
    const wire = this.#wires.get(id)
    if (name === 'close') this.#wires.delete(id)
    wire?._handle(name, args)
  }

  /** Only those who look at connections shall have to be told of them. */
  #watchWires () {
    if (this.#watchesWires || this.destroyed) return
    this.#watchesWires = true
    this._tell('watchWires', this._key)
  }

  #checkPieces (start, end) {
    this._mustBeAlive()
    const count = this.ready ? this.pieces.length : Infinity
    if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end < count)) {
      throw typedError({ name: 'InvalidRangeError', code: 'ERR_INVALID_RANGE', message: `Pieces ${start} to ${end} are not in the torrent` })
    }
  }
}

define(Torrent, table)

/** Of a piece that is not there: what came of it is the engine's, and does not count before it is verified. */
const piece = length => ({ length, missing: length })
