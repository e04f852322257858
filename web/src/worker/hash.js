// Hashes of pieces: by the browser's own code where there is any (secure contexts), else by Python's.

let fallback = null

/** @param {(name: string, bytes: BufferSource) => ArrayBuffer} hash  used where the page has no `crypto.subtle` */
export function setFallback (hash) {
  fallback = hash
}

/** @param {string} name  as in Web Crypto @param {BufferSource} bytes @returns {Promise<ArrayBuffer>} */
export async function digest (name, bytes) {
  return globalThis.crypto.subtle ? crypto.subtle.digest(name, bytes) : fallback(name, bytes)
}

const LEAF = 16 << 10

/**
 * What a piece is verified by: its SHA-1 (BitTorrent v1), and the SHA-256 of each 16 KiB of its first bytes (v2).
 *
 * @param {ArrayBuffer} piece
 * @param {boolean} withSha1
 * @param {number} leafBytes
 * @returns {Promise<ArrayBuffer>} the digests, joined
 */
export async function pieceDigests (piece, withSha1, leafBytes) {
  if (withSha1 && !leafBytes) return digest('SHA-1', piece)
  const digests = withSha1 ? [digest('SHA-1', piece)] : []
  for (let at = 0; at < leafBytes; at += LEAF) {
    digests.push(digest('SHA-256', new Uint8Array(piece, at, Math.min(LEAF, leafBytes - at))))
  }
  return joined(await Promise.all(digests)).buffer
}

function joined (digests) {
  const all = new Uint8Array(digests.reduce((length, each) => length + each.byteLength, 0))
  let at = 0
  for (const each of digests) {
    all.set(new Uint8Array(each), at)
    at += each.byteLength
  }
  return all
}

const MIN_READ = 4 << 20

/**
 * Hashes a Blob without holding more than two reads of it in memory.
 *
 * @param {Blob} blob
 * @param {number} pieceLength
 * @param {{ sha1: boolean, leaves: boolean, padded: boolean }} what  whether the last piece is padded with zeros
 * @returns {Promise<Uint8Array>} SHA-1 of all pieces, then SHA-256 of all 16 KiB blocks, as far as asked for
 */
export async function hashPieces (blob, pieceLength, { sha1, leaves, padded }) {
  const pieces = sha1 ? await hashParts('SHA-1', blob, pieceLength, padded) : []
  const blocks = leaves ? await hashParts('SHA-256', blob, LEAF, false) : []
  return joined([...pieces, ...blocks])
}

async function hashParts (name, blob, partLength, padded) {
  const digests = []
  const readLength = partLength * Math.max(1, Math.floor(MIN_READ / partLength))
  const read = offset => blob.slice(offset, offset + readLength).arrayBuffer()
  let next = read(0)
  for (let offset = 0; offset < blob.size; offset += readLength) {
    const bytes = await next
    if (offset + readLength < blob.size) next = read(offset + readLength)
    const parts = []
    for (let start = 0; start < bytes.byteLength; start += partLength) {
      const part = new Uint8Array(bytes, start, Math.min(partLength, bytes.byteLength - start))
      parts.push(digest(name, padded ? withZeros(part, partLength) : part))
    }
    digests.push(...await Promise.all(parts))
  }
  return digests
}

function withZeros (bytes, length) {
  if (bytes.length === length) return bytes
  const padded = new Uint8Array(length)
  padded.set(bytes)
  return padded
}
