// Where each torrent's bytes are kept: in memory, on disk (OPFS), or in a store of the page's own.
//
// On disk a torrent is either *kept*, in a folder named by its info hash that outlives the page, or in a temporary
// folder that goes with it. What a page that crashed left of the latter is removed by the next one.

import { isAvailable, storedKeys, TorrentFolder } from './opfs/folder.js'
import { OpfsStore } from './opfs/store.js'
import { PageStore } from './page-store.js'
import { MemoryStore } from './store.js'

const TEMPORARY = 'temporary-'

export class Storage {
  #page
  #plans = new Map() // torrent → { kind, key }
  #opened = new Map() // torrent → { store, discard }
  #kept = new Map() // key → Kept
  #cleaning = null
  #ending = new Set() // what closes or removes folders

  /** @param {object} page  the page's calls, see shared/protocol.js */
  constructor (page) {
    this.#page = page
  }

  /**
   * Says how a torrent that is about to be opened is stored.
   *
   * @param {number} torrent
   * @param {'disk' | 'memory' | 'page'} kind  `disk` falls back to memory where there is no OPFS
   * @param {string | number | null} key  `disk`: to keep it under, null for a temporary one; `page`: the page's torrent
   */
  plan (torrent, kind, key) {
    this.#plans.set(torrent, { kind, key })
  }

  open (torrent, length, pieceLength) {
    const { kind, key } = this.#plans.get(torrent) ?? { kind: 'memory' }
    this.#plans.delete(torrent)
    const entry = kind === 'disk'
      ? this.#openOnDisk(key, length, pieceLength)
      : { store: kind === 'page' ? new PageStore(this.#page, key, length, pieceLength) : new MemoryStore(length, pieceLength) }
    this.#opened.set(torrent, entry)
    return entry.store
  }

  /** The torrent is gone. What is temporary is removed; what is kept stays until `forget`. */
  close (torrent) {
    const entry = this.#opened.get(torrent)
    this.#opened.delete(torrent)
    entry?.store.close?.()
    if (entry?.discard) this.#end(entry.discard())
  }

  /** @returns {Promise<void>} when all folders that were let go of are closed, or removed */
  async settled () {
    await Promise.allSettled(this.#ending)
  }

  /**
   * What is kept under a key, if no other tab has it.
   *
   * @returns {Promise<{ state: Uint8Array | null, pieces: Uint32Array } | null>}
   */
  async load (key) {
    if (!await isAvailable()) return null
    const kept = this.#keptUnder(key)
    const folder = await kept.take({ ifAvailable: true })
    if (!folder) return null
    const log = await kept.log()
    return { state: await folder.readState(), pieces: Uint32Array.from(log.indices) }
  }

  /** Writes what is to be known of a kept torrent after a reload; when another tab has it, once that is gone. */
  async save (key, state) {
    await this.#keptUnder(key).save(state)
  }

  /** Lets go of a kept torrent, and removes all of it or not. */
  async forget (key, remove) {
    const kept = this.#kept.get(key)
    this.#kept.delete(key)
    if (kept) await this.#end(kept.close(remove))
  }

  /** @returns {Promise<string[]>} keys of what is kept */
  async list () {
    if (!await isAvailable()) return []
    return (await storedKeys()).filter(key => !key.startsWith(TEMPORARY))
  }

  #end (ending) {
    this.#ending.add(ending)
    const ended = () => this.#ending.delete(ending)
    ending.then(ended, ended)
    return ending
  }

  #keptUnder (key) {
    let kept = this.#kept.get(key)
    if (!kept) this.#kept.set(key, kept = new Kept(key))
    return kept
  }

  #openOnDisk (key, length, pieceLength) {
    if (key !== null) {
      const opening = this.#keptUnder(key).openLog(pieceLength)
      return { store: new OpfsStore(length, pieceLength, opening) }
    }
    const taking = this.#takeTemporary()
    const opening = taking.then(async folder => {
      const log = await folder.openLog()
      log.begin(pieceLength)
      return log
    })
    const discard = () => taking.then(folder => folder.remove()).catch(() => {}) // the next page removes it then
    return { store: new OpfsStore(length, pieceLength, opening), discard }
  }

  async #takeTemporary () {
    if (!await isAvailable()) throw new Error('This browser has no file system for pages')
    this.#cleaning ??= removeLeftovers()
    await this.#cleaning
    return TorrentFolder.take(TEMPORARY + crypto.randomUUID())
  }
}

/** A torrent's folder that outlives the page, from when it is asked for. */
class Kept {
  #key
  #abort = new AbortController()
  #folder = null
  #log = null
  #state = null
  #writing = Promise.resolve()

  constructor (key) {
    this.#key = key
  }

  /** @returns {Promise<TorrentFolder | null>} null: another tab has it, and it was not to be waited for */
  async take ({ ifAvailable = false } = {}) {
    const isFree = this.#folder && await this.#folder
    if (isFree) return isFree
    const taking = TorrentFolder.take(this.#key, ifAvailable ? { ifAvailable } : { signal: this.#abort.signal })
    this.#folder = taking
    const folder = await taking
    if (folder && this.#state) this.#write(folder)
    return folder
  }

  log () {
    this.#log ??= this.#folder.then(folder => folder.openLog())
    return this.#log
  }

  async openLog (pieceLength) {
    if (!await isAvailable()) throw new Error('This browser has no file system for pages')
    await this.take()
    const log = await this.log()
    log.begin(pieceLength)
    this.#log = null // the store closes it
    return log
  }

  async save (state) {
    this.#state = state
    const folder = await this.#folder
    if (folder) await this.#write(folder)
  }

  async close (remove) {
    this.#abort.abort()
    const folder = await Promise.resolve(this.#folder).catch(() => null)
    await this.#writing.catch(() => {}) // told to whoever wrote
    if (folder) await (remove ? folder.remove() : folder.close())
  }

  /** One at a time: a file has one writer. */
  #write (folder) {
    const state = this.#state
    this.#writing = this.#writing.catch(() => {}).then(() => folder.writeState(state))
    return this.#writing
  }
}

async function removeLeftovers () {
  for (const key of await storedKeys()) {
    if (!key.startsWith(TEMPORARY)) continue
    const folder = await TorrentFolder.take(key, { ifAvailable: true })
    await folder?.remove()
  }
}
