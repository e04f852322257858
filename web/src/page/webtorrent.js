// The client, as the page sees it. Python decides; this keeps the mirrors, and the original's order of events.

import { typedError } from '../shared/errors.js'
import { Engine } from './engine.js'
import { version, WebTorrent as table } from './generated/schema.js'
import { readAnnounce, readSeedInput, readTiers, readTorrentId } from './inputs.js'
import { callBack, define, Mirror } from './mirror.js'
import { Connections, WEBRTC_SUPPORT } from './rtc.js'
import Torrent from './torrent.js'

export default class WebTorrent extends Mirror {
  static WEBRTC_SUPPORT = WEBRTC_SUPPORT
  static VERSION = version

  #byKey = new Map()
  #lastPrepared = Promise.resolve()
  #lastKey = 0
  #connections

  /**
   * @param {object=} opts
   * @param {{ announce?: string[], rtcConfig?: RTCConfiguration } | false=} opts.tracker  false: no trackers at all
   * @param {number=} opts.maxConns  peers of one torrent at the same time
   * @param {string=} opts.peerId  40 hexadecimal digits
   */
  constructor (opts = {}) {
    super(table)
    const tracker = opts.tracker === false ? null : { ...opts.tracker }
    this.torrents = []
    this.ready = false
    this.destroyed = false
    this.peerId = ''
    this._engine = new Engine({
      trackers: tracker && (readAnnounce(tracker) ?? []),
      maxConns: Number(opts.maxConns) || undefined,
      peerId: opts.peerId
    }, {
      update: batch => this.#update(batch),
      report: fields => this._emit('error', typedError(fields)),
      createOffer: peer => this.#connections.createOffer(peer),
      acceptOffer: (peer, sdp) => this.#connections.acceptOffer(peer, sdp),
      acceptAnswer: (peer, sdp) => this.#connections.acceptAnswer(peer, sdp),
      closePeer: peer => this.#connections.closePeer(peer)
    })
    this.#connections = new Connections(tracker?.rtcConfig, this._engine, opts.relayChannels)
    globalThis.addEventListener?.('pagehide', this.#closeConnections)
    this._engine.started.then(({ peerId }) => {
      if (this.destroyed) return
      this.peerId = peerId
      this.ready = true
      this._emit('ready')
    }, error => this.#handleFatal(error))
  }

  add (torrentId, opts = {}, ontorrent = undefined) {
    if (typeof opts === 'function') [opts, ontorrent] = [{}, opts]
    return this.#add(ontorrent, async key => ['add', key, await readTorrentId(torrentId), {
      announce: readAnnounce(opts ?? {}),
      webSeeds: [opts?.urlList ?? []].flat(),
      maxWebConns: Number(opts?.maxWebConns) || undefined,
      paused: opts?.paused,
      deselect: opts?.deselect,
      strategy: opts?.strategy
    }], existing => callBack(ontorrent, existing))
  }

  seed (input, opts = {}, onseed = undefined) {
    if (typeof opts === 'function') [opts, onseed] = [{}, opts]
    const seeding = torrent => {
      callBack(onseed, torrent)
      torrent._emit('seed')
      this._emit('seed', torrent)
    }
    return this.#add(seeding, async key => ['seed', key, readSeedInput(input), {
      announce: readTiers(opts ?? {}),
      name: opts?.name,
      pieceLength: opts?.pieceLength,
      private: opts?.private,
      comment: opts?.comment,
      createdBy: opts?.createdBy,
      creationDate: opts?.creationDate == null ? undefined : Math.ceil(Number(opts.creationDate) / 1000),
      source: opts?.source ?? opts?.info?.source,
      webSeeds: [opts?.urlList ?? []].flat(),
      version: opts?.version
    }], existing => callBack(onseed, existing))
  }

  /** @returns {Promise<Torrent | null>} */
  async get (torrentId) {
    if (torrentId instanceof Torrent) return this.torrents.includes(torrentId) ? torrentId : null
    const key = await this.#callInOrder(async () => ['find', await readTorrentId(torrentId)])
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
    const emitter = torrent.listenerCount('error') > 0 ? torrent : this
    emitter._emit('error', error)
    torrent._emit('close')
  }

  /** Something that was asked of a torrent could not be done. */
  _warn (torrent, error) {
    if (!torrent.destroyed) torrent._emit('warning', error)
  }

  #add (ontorrent, prepare, onduplicate) {
    this.#mustBeAlive()
    const torrent = new Torrent(this, ++this.#lastKey)
    this.torrents.push(torrent)
    this.#byKey.set(torrent._key, torrent)
    torrent.once('ready', () => {
      callBack(ontorrent, torrent)
      this._emit('torrent', torrent)
    })
    this._emit('add', torrent)
    this.#callInOrder(() => prepare(torrent._key), torrent).catch(error => {
      if (torrent.destroyed) return
      const existing = this.#byKey.get(error.existing)
      this._fail(torrent, error)
      if (existing) onduplicate(existing)
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
    torrent.destroyed = true
    this.torrents = this.torrents.filter(each => each !== torrent)
    this.#byKey.delete(torrent._key)
    this._emit('remove', torrent)
  }

  #update ({ client, torrents, files, events }) {
    this._apply(client)
    for (const [key, changes] of torrents) this.#byKey.get(key)?._apply(changes)
    for (const [key, index, changes] of files) this.#byKey.get(key)?.files[index]._apply(changes)
    for (const [key, name, args] of events) this.#byKey.get(key)?._handle(name, args)
  }

  async #destroy () {
    const wasReady = this.ready
    this.#end()
    try {
      if (wasReady) await this._engine.call('destroy')
    } finally {
      this._engine.terminate(typedError({ name: 'DestroyedError', code: 'ERR_DESTROYED', message: 'The client was destroyed' }))
    }
  }

  /** The engine could not start: nothing will ever work. */
  #handleFatal (error) {
    if (this.destroyed) return
    const listening = this.torrents.filter(torrent => torrent.listenerCount('error') > 0)
    this.#end()
    for (const torrent of listening) torrent._emit('error', error)
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
    if (this.destroyed) throw typedError({ name: 'DestroyedError', code: 'ERR_DESTROYED', message: 'client is destroyed' })
  }
}

define(WebTorrent, table)

/** Tells a callback how a promise ends. Without one the promise alone does. */
function settled (promise, callback) {
  if (callback) promise.then(() => callBack(callback), error => callBack(callback, error))
  return promise
}
