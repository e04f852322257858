// A value in a file that survives a crash in the middle of writing it: two slots, written in turn, each with a check.

import { FullError } from './piece-log.js'

const HEADER = 16 // sequence number, length, check, room

/** @param {FileSystemSyncAccessHandle[]} handles  of the two slots @returns {{ bytes: Uint8Array, sequence: number } | null} */
export function readNewest (handles) {
  const slots = handles.map(readSlot).filter(Boolean)
  return slots.sort((one, other) => other.sequence - one.sequence)[0] ?? null
}

/** Writes over the older slot. Throws `FullError` when there is no room; the newer value is still there then. */
export function writeNext (handles, bytes) {
  const newest = readNewest(handles)
  const sequence = (newest?.sequence ?? 0) + 1
  const handle = handles[sequence % 2]
  const slot = new Uint8Array(HEADER + bytes.length)
  const view = new DataView(slot.buffer)
  view.setUint32(0, sequence)
  view.setUint32(4, bytes.length)
  view.setUint32(8, checksum(bytes))
  slot.set(bytes, HEADER)
  handle.truncate(0)
  if (handle.write(slot, { at: 0 }) !== slot.length) throw new FullError('The browser has no more room for this site')
  handle.flush()
}

function readSlot (handle) {
  const slot = new Uint8Array(handle.getSize())
  if (handle.read(slot, { at: 0 }) < HEADER) return null
  const view = new DataView(slot.buffer)
  const bytes = slot.slice(HEADER, HEADER + view.getUint32(4))
  const sequence = view.getUint32(0)
  const isWhole = bytes.length === view.getUint32(4) && checksum(bytes) === view.getUint32(8)
  return isWhole && sequence > 0 ? { bytes, sequence } : null
}

/** FNV-1a: tells whole from torn, not right from forged. */
function checksum (bytes) {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}
