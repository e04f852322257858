// SHA-1 of pieces: by the browser's own code where there is any (secure contexts), else by Python's.

let fallback = null

/** @param {(bytes: ArrayBuffer) => ArrayBuffer} digest  used where the page has no `crypto.subtle` */
export function setFallback (digest) {
  fallback = digest
}

/** @param {ArrayBuffer} bytes @returns {Promise<ArrayBuffer>} 20 bytes */
export async function sha1 (bytes) {
  return globalThis.crypto.subtle ? crypto.subtle.digest('SHA-1', bytes) : fallback(bytes)
}

const MIN_READ = 4 << 20

/**
 * Hashes a Blob piece by piece without holding more than two reads of it in memory.
 *
 * @param {Blob} blob
 * @param {number} pieceLength
 * @returns {Promise<Uint8Array>} the digests of all pieces, 20 bytes each
 */
export async function hashPieces (blob, pieceLength) {
  const digests = new Uint8Array(20 * Math.ceil(blob.size / pieceLength))
  const readLength = pieceLength * Math.max(1, Math.floor(MIN_READ / pieceLength))
  const read = offset => blob.slice(offset, offset + readLength).arrayBuffer()
  let index = 0
  let next = read(0)
  for (let offset = 0; offset < blob.size; offset += readLength) {
    const bytes = await next
    if (offset + readLength < blob.size) next = read(offset + readLength)
    const pieces = []
    for (let start = 0; start < bytes.byteLength; start += pieceLength) {
      pieces.push(sha1(bytes.slice(start, start + pieceLength)))
    }
    for (const digest of await Promise.all(pieces)) digests.set(new Uint8Array(digest), 20 * index++)
  }
  return digests
}
