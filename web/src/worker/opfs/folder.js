// The site's folder in the origin private file system, with a folder in it for each torrent that is stored.
//
// Only one tab may write a torrent's files. Who it is is told by a lock (Web Locks), which the browser lets go of when
// the tab ends, however it ends; the next one in line then takes over.

import { PieceLog } from './piece-log.js'
import { readNewest, writeNext } from './slots.js'

const ROOT = 'webtorrent-py'
const SLOTS = ['state.0', 'state.1']

/** Whether this browser can store at all; private windows of some cannot, and say so only when asked. */
export async function isAvailable () {
  try {
    await root()
    return typeof FileSystemFileHandle.prototype.createSyncAccessHandle === 'function' && 'locks' in navigator
  } catch {
    return false
  }
}

/** One torrent's folder, while it is this tab's. */
export class TorrentFolder {
  #key
  #directory
  #handles = new Set()
  #release

  constructor (key, directory, release) {
    this.#key = key
    this.#directory = directory
    this.#release = release
  }

  /**
   * Waits until no other tab has the torrent.
   *
   * @param {string} key  info hash, in hexadecimal digits
   * @param {{ ifAvailable?: boolean, signal?: AbortSignal }} options  with `ifAvailable`: null instead of waiting
   * @returns {Promise<TorrentFolder | null>}
   */
  static async take (key, options = {}) {
    const release = await takeLock(key, options)
    if (!release) return null
    try {
      return new TorrentFolder(key, await (await root()).getDirectoryHandle(key, { create: true }), release)
    } catch (error) {
      release()
      throw error
    }
  }

  /** @returns {Promise<PieceLog>} with what an earlier page left; may be called once */
  async openLog () {
    const [pieces, journal] = await Promise.all([this.#open('pieces'), this.#open('journal')])
    return new PieceLog(pieces, journal)
  }

  /** @returns {Promise<Uint8Array | null>} what `writeState` was given last */
  async readState () {
    return this.#withSlots(handles => readNewest(handles)?.bytes ?? null)
  }

  /** @param {Uint8Array} bytes */
  async writeState (bytes) {
    return this.#withSlots(handles => writeNext(handles, bytes))
  }

  /** Another tab may have it from here on. Whatever log was opened is closed. */
  close () {
    for (const handle of this.#handles) handle.close()
    this.#handles.clear()
    this.#release()
  }

  /** Removes all that is stored of the torrent, and closes. */
  async remove () {
    for (const handle of this.#handles) handle.close()
    this.#handles.clear()
    try {
      await (await root()).removeEntry(this.#key, { recursive: true })
    } finally {
      this.#release()
    }
  }

  async #withSlots (use) {
    const handles = await Promise.all(SLOTS.map(name => this.#open(name)))
    try {
      return use(handles)
    } finally {
      for (const handle of handles) {
        handle.close()
        this.#handles.delete(handle)
      }
    }
  }

  async #open (name) {
    const file = await this.#directory.getFileHandle(name, { create: true })
    const handle = await file.createSyncAccessHandle()
    this.#handles.add(handle)
    return handle
  }
}

/** @returns {Promise<string[]>} the keys of all torrents that are stored */
export async function storedKeys () {
  const keys = []
  for await (const [key, handle] of (await root()).entries()) {
    if (handle.kind === 'directory') keys.push(key)
  }
  return keys
}

async function root () {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT, { create: true })
}

/** @returns {Promise<(() => void) | null>} what lets go of the lock; null if it is taken and was not waited for */
function takeLock (key, options) {
  return new Promise((resolve, reject) => {
    navigator.locks.request(`${ROOT} ${key}`, options, lock => {
      if (!lock) return resolve(null)
      return new Promise(release => resolve(release))
    }).catch(reject)
  })
}
