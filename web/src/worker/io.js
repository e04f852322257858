// The browser, as Python's host module sees it: each function carries out one kind of action.
//
// `webtorrent_py/browser/host.py` calls this. Rules: nothing here decides
// anything; nothing calls Python before the call from Python that caused it has returned.

import { typedError } from '../shared/errors.js'
import { Channels } from './channels.js'
import { fetchBytes, Ranges } from './fetch.js'
import { hashPieces, pieceDigests, setFallback } from './hash.js'
import { Sockets } from './sockets.js'
import { Storage } from './storage.js'
import { BlobStore } from './store.js'

// One record of `transmit`: peer, torrent (0: no block), offset of the block, its length, length of the bytes that follow.
const RECORD = { torrent: 4, offset: 8, length: 16, size: 20, end: 24 }

const ZEROS = new Blob([new Uint8Array(1 << 20)])

/** Blobs of so many zeros, none if it is a whole `alignment`; one megabyte serves them all. */
function * zeros (length, alignment) {
  for (let left = length % alignment; left > 0; left -= ZEROS.size) yield ZEROS.slice(0, left)
}

/**
 * @param {object} page  the page's calls, see shared/protocol.js
 * @param {(error: Error) => void} onError  for what is not anybody's answer
 */
export function createIO (page, onError) {
  const storage = new Storage(page)
  const stores = new Map()
  const sources = new Map() // number → Blob: what shall be seeded
  const attached = new Map() // torrent → Blob: what is seeded
  const calls = new Map() // number → { resolve, reject }: calls that Python has to answer
  let python = null
  let timer = null
  let lastNumber = 0

  const sockets = new Sockets({
    opened: id => python.socket_opened(id),
    received: (id, text) => python.socket_received(id, text),
    closed: (id, reason) => python.socket_closed(id, reason)
  })

  const ranges = new Ranges({
    started: (torrent, id, status, contentRange) => python.range_started(torrent, id, status, contentRange),
    received: (torrent, id, bytes) => python.range_received(torrent, id, bytes),
    ended: (torrent, id) => python.range_ended(torrent, id),
    failed: (torrent, id, reason) => python.range_failed(torrent, id, reason)
  })

  const channels = new Channels({
    opened: peer => python.channel_opened(peer),
    received: (peer, data) => python.receive_data(peer, data),
    writable: peer => python.writable(peer),
    closed: peer => {
      python.channel_closed(peer)
      closeConnection(peer)
    },
    failed: (peer, reason) => {
      python.connection_failed(peer, reason)
      closeConnection(peer)
    }
  })

  const closeConnection = peer => page.closePeer(peer).catch(onError)

  // A Blob of Blobs refers to them: nothing is copied.
  const join = parts => new Blob(parts.map(part => typeof part === 'number' ? sources.get(part) : part))

  /** Each part begins at a multiple of `alignment` bytes. */
  const align = (parts, alignment) => new Blob(parts.flatMap(part => {
    const blob = join([part])
    return [blob, ...zeros(alignment - blob.size % alignment, alignment)]
  }))

  function block (torrent, offset, length) {
    const store = stores.get(torrent)
    if (!store) return null
    const failed = error => python.storage_failed(torrent, error.message)
    try {
      const payload = store.block(offset, length)
      if (payload instanceof Promise) payload.catch(failed)
      return payload
    } catch (error) {
      queueMicrotask(() => failed(error))
      return null
    }
  }

  // What the engine (main.js) uses.
  const engine = {
    channels,

    /** Asks Python for something; answered with `settle` or `fail`. */
    call (name, args, bytes) {
      const number = ++lastNumber
      return new Promise((resolve, reject) => {
        calls.set(number, { resolve, reject })
        python.call(number, name, JSON.stringify(args), bytes)
      })
    },

    /** @param {Blob} blob @returns {number} to name it by to Python */
    addSource (blob) {
      sources.set(++lastNumber, blob)
      return lastNumber
    },

    /** @returns {Promise<ArrayBuffer>} stored bytes */
    async read (torrent, offset, length) {
      const store = stores.get(torrent)
      if (!store) throw typedError({ name: 'DestroyedError', code: 'ERR_DESTROYED', message: 'The torrent was removed' })
      try {
        return await store.read(offset, length)
      } catch (error) { // NotReadableError: a seeded file has changed or is gone
        throw typedError({ name: 'StorageError', code: 'ERR_STORAGE', message: error.message })
      }
    },

    flushed: () => Promise.all([sockets.flushed(), storage.settled()])
  }

  // What Python uses.
  const module = {
    /** @param {object} handlers  a function for each input, kept for good */
    connect (handlers) {
      python = {}
      for (const [name, handler] of Object.entries(handlers)) {
        python[name] = (...args) => {
          try {
            return handler(...args)
          } catch (error) {
            onError(error)
          }
        }
      }
      setFallback((name, bytes) => python.digest(name, bytes).buffer)
    },

    settle (number, result) {
      calls.get(number).resolve(JSON.parse(result))
      calls.delete(number)
    },

    fail (number, fields) {
      calls.get(number).reject(typedError(JSON.parse(fields)))
      calls.delete(number)
    },

    update: batch => page.update(batch).then(() => python.updated(), onError),

    armTimer (milliseconds) {
      clearTimeout(timer)
      timer = milliseconds < 0 ? null : setTimeout(() => python.handle_timer(), milliseconds)
    },

    openSocket: (id, url) => sockets.open(id, url),
    sendText: (id, text) => sockets.send(id, text),
    closeSocket: id => sockets.close(id),

    createOffer (peer) {
      channels.expect(peer)
      page.createOffer(peer).then(sdp => python.offer_created(peer, sdp), error => channels.lost(peer, error.message))
    },

    acceptOffer (peer, sdp) {
      channels.expect(peer)
      page.acceptOffer(peer, sdp).then(answer => python.answer_created(peer, answer), error => channels.lost(peer, error.message))
    },

    acceptAnswer (peer, sdp) {
      page.acceptAnswer(peer, sdp).catch(error => channels.lost(peer, error.message))
    },

    closePeer (peer) {
      channels.close(peer)
      closeConnection(peer)
    },

    /** @param {Uint8Array} records  all that one turn sends, in order: bytes, or a header and a stored block */
    transmit (records) {
      const view = new DataView(records.buffer, records.byteOffset, records.byteLength)
      const touched = new Set()
      for (let at = 0; at < records.length;) {
        const outbox = channels.outbox(view.getUint32(at, true))
        const torrent = view.getUint32(at + RECORD.torrent, true)
        const size = view.getUint32(at + RECORD.size, true)
        const bytes = records.subarray(at + RECORD.end, at + RECORD.end + size)
        if (outbox && torrent === 0) {
          outbox.push(bytes)
        } else if (outbox) {
          const payload = block(torrent, view.getFloat64(at + RECORD.offset, true), view.getUint32(at + RECORD.length, true))
          if (payload) outbox.pushBlock(bytes, payload)
        }
        if (outbox) touched.add(outbox)
        at += RECORD.end + size
      }
      for (const outbox of touched) outbox.flush()
    },

    planStore: (torrent, kind, key) => storage.plan(torrent, kind, key ?? null),

    openStore (torrent, length, pieceLength) {
      const blob = attached.get(torrent)
      stores.set(torrent, blob ? new BlobStore(blob, pieceLength) : storage.open(torrent, length, pieceLength))
    },

    /** The store to be opened has these bytes, end to end: Uint8Arrays, or numbers that `addSource` gave to Blobs. */
    attachSource (torrent, parts, alignment) {
      attached.set(torrent, alignment > 1 ? align(parts, alignment) : join(parts))
    },

    /** @returns {Promise<Uint8Array>} digests of all pieces, of all blocks, or both */
    hashSource: (parts, pieceLength, sha1, leaves, padded) => hashPieces(join(parts), pieceLength, { sha1, leaves, padded }),
    dropSource: number => sources.delete(number),

    /** @param {PyProxy} data  a bytearray, copied out of the wasm heap here and nowhere else */
    hashPiece (torrent, index, data, withSha1, leafBytes) {
      const store = stores.get(torrent)
      if (!store) return
      const buffer = data.getBuffer('u8')
      let piece
      try {
        piece = buffer.data.slice().buffer
      } catch (error) { // RangeError: the browser has no memory left to give
        queueMicrotask(() => python.storage_failed(torrent, error.message))
        return
      } finally {
        buffer.release()
      }
      store.hold(index, piece, withSha1, leafBytes).then(
        digests => python.piece_hashed(torrent, index, digests),
        error => python.storage_failed(torrent, error.message)
      )
    },

    /** Reads a stored piece and hashes it; what is not there, or cannot be read, has no digests. */
    checkPiece (torrent, index, offset, length, withSha1, leafBytes) {
      const store = stores.get(torrent)
      if (!store) return
      store.read(offset, length).then(piece => pieceDigests(piece, withSha1, leafBytes)).then(
        digests => python.piece_checked(torrent, index, digests),
        () => python.piece_checked(torrent, index, null)
      )
    },

    storePiece (torrent, index) {
      const store = stores.get(torrent)
      if (!store) return
      Promise.resolve(store.keep(index)).then(
        () => python.piece_stored(torrent, index),
        error => error.name === 'QuotaExceededError'
          ? python.storage_full(torrent, index, error.message)
          : python.storage_failed(torrent, error.message)
      )
    },

    dropPiece: (torrent, index) => stores.get(torrent)?.drop(index),

    closeStore (torrent) {
      stores.delete(torrent)
      attached.delete(torrent)
      storage.close(torrent)
    },

    fetchRange (torrent, id, url, start, length) {
      ranges.fetch(torrent, id, url, start, length)
    },
    cancelFetch: id => ranges.cancel(id),

    read: engine.read,
    fetchBytes
  }

  return { engine, module }
}
