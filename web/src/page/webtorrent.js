// The client, as the page sees it. Python decides; this keeps the mirrors, and the original's order of events.

import { typedError } from '../shared/errors.js'
import { ChunkStores } from './chunk-stores.js'
import { Engine } from './engine.js'
import { options, peerIdPrefix, version, WebTorrent as table } from './generated/schema.js'
import { hex, pick, randomHex, readId, readSeedInput, readTorrentId } from './inputs.js'
import { callBack, define, destroyedError, Mirror } from './mirror.js'
import { Connections, WEBRTC_SUPPORT } from './rtc.js'
import Torrent from './torrent.js'

export default class WebTorrent extends Mirror {
  static WEBRTC_SUPPORT = WEBRTC_SUPPORT
  static VERSION = version

  #byKey = new Map()
  #lastPrepared = Promise.resolve()
  #lastKey = 0
  #connections
  #stores = new ChunkStores()

  /** @param {object=} opts  `ClientOptions` of webtorrent_py/browser/options.py */
  constructor (opts = {}) {
    super(table)
    this.torrents = []
    this.ready = false
    this.destroyed = false
    this.tracker = opts.tracker ?? {}
    this.maxConns = Number(opts.maxConns) || 55
    this.peerId = readId(opts.peerId) ?? makePeerId()
    this.nodeId = readId(opts.nodeId) ?? randomHex(20)
    this._engine = new Engine(pick(options.ClientOptions, { ...opts, peerId: this.peerId }), {
      update: batch => this.#update(batch),
      report: fields => this._emit('error', typedError(fields)),
      createOffer: peer => this.#connections.createOffer(peer),
      acceptOffer: (peer, sdp) => this.#connections.acceptOffer(peer, sdp),
      acceptAnswer: (peer, sdp) => this.#connections.acceptAnswer(peer, sdp),
      closePeer: peer => this.#connections.closePeer(peer),
      storeOpen: (torrent, length, pieceLength) => this.#stores.open(torrent, length, pieceLength),
      storePut: (torrent, index, piece) => this.#stores.put(torrent, index, piece),
      storeGet: (torrent, index) => this.#stores.get(torrent, index),
      storeClose: torrent => this.#stores.close(torrent)
    })
    this.#connections = new Connections(this.tracker?.rtcConfig, this._engine, opts.relayChannels)
    globalThis.addEventListener?.('pagehide', this.#closeConnections)
    this._engine.started.then(() => {
      if (this.destroyed) return
      this.ready = true
      this._emit('ready')
    }, error => this.#handleFatal(error))
  }

  add (torrentId, opts = {}, ontorrent = undefined) {
    if (typeof opts === 'function') [opts, ontorrent] = [{}, opts]
    const given = pick(options.TorrentOptions, opts)
    return this.#add(opts, ontorrent, async (key, torrent) => {
      const [id, bytes] = await readTorrentId(torrentId)
      return ['add', key, id, { ...given, store: this.#stores.plan(torrent, opts) }, bytes]
    }, (torrent, existing, error) => {
      callBack(ontorrent, existing)
      // As in the original for those who listen; who does not has the torrent, and needs no error.
      if (!torrent._emitError(error)) this._emit('warning', error)
    })
  }

  seed (input, opts = {}, onseed = undefined) {
    if (typeof opts === 'function') [opts, onseed] = [{}, opts]
    const given = pick(options.SeedOptions, { ...opts, creationDate: Number(opts?.creationDate) || Date.now() })
    const seeding = torrent => {
      callBack(onseed, torrent)
      torrent._emit('seed')
      this._emit('seed', torrent)
    }
    return this.#add(opts, seeding, async key => ['seed', key, await readSeedInput(input), given], (torrent, existing) => {
      callBack(onseed, existing)
    })
  }

  /** @returns {Promise<Torrent | null>} */
  async get (torrentId) {
    if (torrentId instanceof Torrent) return this.torrents.includes(torrentId) ? torrentId : null
    const key = await this.#callInOrder(async () => ['find', ...await readTorrentId(torrentId)])
    return this.#byKey.get(key) ?? null
  }

  /** Rejects when there is no such torrent; `callback` gets the same Error, or nothing. */
  remove (torrentId, opts, callback) {
    if (typeof opts === 'function') callback = opts
    const removed = this.get(torrentId).then(torrent => {
      if (torrent) return this._remove(torrent)
      throw typedError({ name: 'UnknownTorrentError', code: 'ERR_UNKNOWN_TORRENT', message: `No torrent with id ${torrentId}` })
    })
    return settled(removed, callback)
  }

  destroy (callback) {
    this.#mustBeAlive()
    return settled(this.#destroy(), callback)
  }

  _command (name, args) {
    this.#mustBeAlive()
    this._engine.call('command', null, null, name, args).catch(error => this._emit('error', error))
  }

  /** Removes a torrent that was added, or is being added. */
  _remove (torrent, callback) {
    if (torrent.destroyed) return settled(Promise.resolve(), callback)
    this.#forget(torrent)
    torrent._emit('close')
    const removed = this._engine.call('remove', torrent._key).catch(error => {
      if (error.code !== 'ERR_UNKNOWN_TORRENT') throw error // it had not come so far
    })
    return settled(removed, callback)
  }

  /** A torrent is of no use any more. Its listeners are told if it has any, else the client's (as in the original). */
  _fail (torrent, error) {
    if (torrent.destroyed) return
    this.#forget(torrent)
    if (!torrent._emitError(error)) this._emit('error', error)
    torrent._emit('close')
  }

  /** Something that was asked of a torrent could not be done. */
  _warn (torrent, error) {
    if (!torrent.destroyed) torrent._emit('warning', error)
  }

  #add (opts, ontorrent, prepare, onduplicate) {
    this.#mustBeAlive()
    const torrent = new Torrent(this, ++this.#lastKey, opts ?? {})
    this.torrents.push(torrent)
    this.#byKey.set(torrent._key, torrent)
    torrent.once('ready', () => {
      callBack(ontorrent, torrent)
      this._emit('torrent', torrent)
    })
    this._emit('add', torrent)
    this.#callInOrder(() => prepare(torrent._key, torrent), torrent).then(() => {
      if (!torrent.destroyed) torrent._tellAnnounceOptions()
    }, error => {
      if (torrent.destroyed) return
      const existing = this.#byKey.get(error.existing)
      if (!existing) return this._fail(torrent, error)
      this.#forget(torrent)
      onduplicate(torrent, existing, error)
      torrent._emit('close')
    })
    return torrent
  }

  /**
   * Calls the engine with what `prepare` resolves to, after all calls that were asked for before: reading a Blob
   * takes time. A torrent that was removed meanwhile is not called for.
   */
  async #callInOrder (prepare, torrent) {
    const prepared = this.#lastPrepared.then(prepare)
    this.#lastPrepared = prepared.catch(() => {})
    const call = await prepared
    return torrent?.destroyed ? undefined : this._engine.call(...call)
  }

  #forget (torrent) {
    torrent._end()
    this.torrents = this.torrents.filter(each => each !== torrent)
    this.#byKey.delete(torrent._key)
    this._emit('remove', torrent)
  }

  #update ({ client, torrents, files, wires, events }) {
    this._apply(client)
    for (const [key, changes] of torrents) this.#byKey.get(key)?._apply(changes)
    for (const [key, index, changes] of files) this.#byKey.get(key)?.files[index]._apply(changes)
    for (const [key, name, args, wire] of events) this.#byKey.get(key)?._handle(name, args, wire)
    for (const [key, id, changes] of wires) this.#byKey.get(key)?._applyToWire(id, changes)
  }

  async #destroy () {
    const wasReady = this.ready
    this.#end()
    try {
      if (wasReady) await this._engine.call('destroy')
    } finally {
      this._engine.terminate(destroyedError('The client was destroyed'))
    }
  }

  /** The engine could not start: nothing will ever work. */
  #handleFatal (error) {
    if (this.destroyed) return
    const { torrents } = this
    this.#end()
    for (const torrent of torrents) torrent._emitError(error)
    this._emit('error', error)
  }

  #end () {
    this.destroyed = true
    this.ready = false
    globalThis.removeEventListener?.('pagehide', this.#closeConnections)
    for (const torrent of this.torrents) {
      this.#forget(torrent)
      torrent._emit('close')
    }
    this.#closeConnections()
  }

  #closeConnections = () => this.#connections.closeAll()

  #mustBeAlive () {
    if (this.destroyed) throw destroyedError('client is destroyed')
  }
}

define(WebTorrent, table)

const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** @returns {string} 20 bytes, hexadecimal: what client this is, and letters and digits */
function makePeerId () {
  const random = crypto.getRandomValues(new Uint8Array(20 - peerIdPrefix.length))
  const letters = Array.from(random, byte => LETTERS[byte % LETTERS.length]).join('')
  return hex(new TextEncoder().encode(peerIdPrefix + letters))
}

/** Tells a callback how a promise ends. Without one the promise alone does. */
function settled (promise, callback) {
  if (callback) promise.then(() => callBack(callback), error => callBack(callback, error))
  return promise
}
