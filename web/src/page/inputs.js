// What users hand in, brought into the forms that the engine takes.

import { typedError } from '../shared/errors.js'

/**
 * @param {unknown} id  what `add`, `get` and `remove` take
 * @returns {Promise<[string | object | null, Uint8Array=]>} text (Python tells what it is); or null and the bytes of a
 *   torrent file; or what parse-torrent made, and its info dictionary if it has any
 */
export async function readTorrentId (id) {
  if (typeof id === 'string') return [id]
  if (id instanceof Blob) return [null, new Uint8Array(await id.arrayBuffer())]
  if (id instanceof ArrayBuffer || ArrayBuffer.isView(id)) {
    const bytes = bytesOf(id)
    return bytes.length === 20 ? [hex(bytes)] : [null, bytes] // an info hash as it is
  }
  if (typeof id?.infoHash === 'string') {
    const { infoHash, name, announce, urlList, comment, createdBy, xs, so, peerAddresses, infoBuffer } = id
    const fields = { infoHash, name, announce, urlList, comment, createdBy, xs, so, peerAddresses }
    return infoBuffer ? [plain(fields), bytesOf(infoBuffer)] : [plain(fields)]
  }
  throw typedError({
    name: 'InvalidTorrentIdError',
    code: 'ERR_INVALID_TORRENT_ID',
    message: 'Invalid torrent identifier: a torrent is added by its magnet link, info hash, URL, or torrent file'
  })
}

/**
 * @param {unknown} input  what `seed` takes
 * @returns {Promise<{ name: string | null, blob: Blob }[]>}
 */
export async function readSeedInput (input) {
  const isList = (globalThis.FileList && input instanceof FileList) || (Array.isArray(input) && !isNumbers(input))
  const items = isList ? [...input] : [input]
  if (items.length === 0) throw invalid('There is nothing to seed')
  return Promise.all(items.map(async item => ({
    name: item?.fullPath || item?.webkitRelativePath || item?.name || null,
    blob: await readBlob(item)
  })))
}

async function readBlob (item) {
  if (item instanceof Blob) return item
  if (item instanceof ArrayBuffer || ArrayBuffer.isView(item)) return new Blob([item])
  if (isNumbers(item)) return new Blob([Uint8Array.from(item)])
  // A Response's Blob may lie on disk; what comes from elsewhere is kept in memory.
  if (item instanceof ReadableStream) return new Response(item).blob()
  if (typeof item?.[Symbol.asyncIterator] === 'function') {
    const parts = []
    for await (const part of item) parts.push(part)
    return new Blob(parts)
  }
  throw invalid('What can be seeded is a File, Blob, FileList, typed array, array of numbers, stream, or an array of them')
}

/** @param {string[]} names  of the options that go to the engine @returns {object} what of them is given */
export function pick (names, given) {
  return plain(Object.fromEntries(names.map(name => [name, given?.[name]])))
}

/** @param {string | Uint8Array | undefined} id  of 20 bytes @returns {string | undefined} hexadecimal */
export function readId (id) {
  return ArrayBuffer.isView(id) ? hex(bytesOf(id)) : id
}

/** @param {number} length @returns {string} so many random bytes, hexadecimal */
export const randomHex = length => hex(crypto.getRandomValues(new Uint8Array(length)))

/** What can be sent: without functions and classes. */
const plain = value => JSON.parse(JSON.stringify(value))

const isNumbers = value => Array.isArray(value) && value.length > 0 && value.every(each => typeof each === 'number')

function bytesOf (data) {
  return data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

const invalid = message => typedError({ name: 'InvalidOptionError', code: 'ERR_INVALID_OPTION', message })

export const hex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
