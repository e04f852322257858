// What users hand in, brought into the forms that the engine takes.

import { typedError } from '../shared/errors.js'

/**
 * @param {unknown} id  what `add`, `get` and `remove` take
 * @returns {Promise<string | Uint8Array>} text (Python tells what it is), or the bytes of a torrent file
 */
export async function readTorrentId (id) {
  if (typeof id === 'string') return id
  if (id instanceof Blob) return new Uint8Array(await id.arrayBuffer())
  if (id instanceof ArrayBuffer) return new Uint8Array(id)
  if (ArrayBuffer.isView(id)) {
    const bytes = new Uint8Array(id.buffer, id.byteOffset, id.byteLength)
    return bytes.length === 20 ? hex(bytes) : bytes // an info hash as it is
  }
  if (typeof id?.infoHash === 'string') return id.magnetURI ?? id.infoHash // what parse-torrent gives
  throw typedError({
    name: 'InvalidTorrentIdError',
    code: 'ERR_INVALID_TORRENT_ID',
    message: 'A torrent is added by its magnet link, info hash, URL, or torrent file'
  })
}

/**
 * @param {unknown} input  what `seed` takes
 * @returns {{ name: string | null, blob: Blob }[]}
 */
export function readSeedInput (input) {
  const items = globalThis.FileList && input instanceof FileList ? [...input] : [input].flat()
  if (items.length === 0) throw invalid('There is nothing to seed')
  return items.map(item => {
    const name = item?.fullPath || item?.webkitRelativePath || item?.name || null
    if (item instanceof Blob) return { name, blob: item }
    if (item instanceof ArrayBuffer || ArrayBuffer.isView(item)) return { name, blob: new Blob([item]) }
    throw invalid('What can be seeded is a File, Blob, FileList, ArrayBuffer, Uint8Array, or an array of them')
  })
}

/** @returns {string[] | undefined} the trackers that options name, in whichever way */
export function readAnnounce ({ announce, announceList } = {}) {
  const given = announceList ?? announce
  return given == null ? undefined : [given].flat(2)
}

/** @returns {(string | string[])[] | undefined} the same as tiers, for a new torrent */
export function readTiers ({ announce, announceList } = {}) {
  const given = announceList ?? announce
  return given == null ? undefined : [given].flat()
}

const invalid = message => typedError({ name: 'InvalidOptionError', code: 'ERR_INVALID_OPTION', message })

const hex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
