// What crosses between page, engine worker and media worker: every name and shape, once.
//
// Comlink carries the calls. Each side exposes exactly the names listed here; a call of any other
// name is refused with ERR_UNKNOWN_MESSAGE on the side that made it.

/**
 * Calls that the page makes to the engine worker. `torrent` and `file` are the page's own numbers:
 * keys that it gives out itself (so that mirrors exist before the engine is up) and file indices.
 *
 * - `boot(config, pagePort)`: start Python; resolves to `{ peerId, from }` when it is up, where
 *   `from` tells what it was started from: 'snapshot', or 'wheels' when that could not be used.
 * - `add(torrent, id, options, bytes)`: `id` is text; null for the bytes of a torrent file; or the fields of a parsed
 *   torrent, with the bytes of its info dictionary or without. `seed(torrent, items, options)`. Both resolve once the
 *   torrent is known to the client.
 * - `remove(torrent)`, `destroy()`: resolve when done.
 * - `find(id, bytes)`: the key of the torrent with this id, or null.
 * - `command(torrent, file, name, args)`: a method of the generated schema; `file` is null for a torrent's own.
 * - `wireCommand(torrent, wire, name, args, bytes)`: a method of a connection; `bytes` is a last argument.
 * - `watchWires(torrent)`: the page wants to be told of the state of its connections.
 * - `announceOptions(torrent, options)`: what trackers are to be told besides, from the next announce on.
 * - `addPeer(torrent, initiator, port)`: a peer that the page has, at the end of a relayed channel; resolves to its
 *   number, or null when no peer is wanted. `removePeer(torrent, peer)`: by its id.
 * - `rescan(torrent)`: check all pieces that are there once more.
 * - `diagnose(torrent)`: why it has no peers or makes no progress, `{ cause, message, … }`.
 * - `openReader(torrent, file, start, end)`: a number to read with, `end` exclusive, in bytes of the file.
 * - `read(reader)`: the next ArrayBuffer, or null at the end. `closeReader(reader)`.
 * - `openPort(torrent, file, port)`: serve random-access reads (READER_METHODS) over a MessagePort.
 * - `attachChannel(peer, channel)`: a data channel, transferred (or the MessagePort of a relayed one).
 * - `connectionLost(peer, reason)`: an RTCPeerConnection failed or closed.
 */
export const ENGINE_METHODS = [
  'boot', 'add', 'seed', 'remove', 'destroy', 'find', 'command',
  'wireCommand', 'watchWires', 'announceOptions', 'addPeer', 'removePeer', 'rescan', 'diagnose',
  'openReader', 'read', 'closeReader', 'openPort', 'attachChannel', 'connectionLost'
]

/**
 * Calls that the engine worker makes to the page.
 *
 * - `update(batch)`: new state and events, see `webtorrent_py/browser/bridge.py`.
 * - `createOffer(peer)`, `acceptOffer(peer, sdp)`: resolve to the local SDP, candidates included.
 * - `acceptAnswer(peer, sdp)`, `closePeer(peer)`.
 * - `storeOpen(torrent, length, pieceLength)`, `storePut(torrent, index, piece)`, `storeGet(torrent, index)`,
 *   `storeClose(torrent)`: the page's own store of a torrent; pieces are Uint8Arrays.
 * - `report({ name, code, message })`: a mistake in the engine that is nobody's answer.
 */
export const PAGE_METHODS = [
  'report', 'update', 'createOffer', 'acceptOffer', 'acceptAnswer', 'closePeer', 'storeOpen', 'storePut', 'storeGet',
  'storeClose'
]

/**
 * Calls over a reader port: `read(start, end)` resolves to the file's bytes (`end` exclusive) once they
 * are verified, asking peers for them first; `close()` ends all reads of this port.
 */
export const READER_METHODS = ['read', 'close']

/**
 * Calls that the page makes to the media worker, about a session that the page numbered. Times are seconds.
 *
 * - `open(session, length, port)`: `{ format, tracks }` of a file that is `length` bytes long and read over
 *   `port` (READER_METHODS); tracks are `{ id, kind, codec, types: [{ container, type }] }`, types for MediaSource.
 * - `start(session, [{ id, container }])`: which tracks to play; `{ duration }`, null if unknown.
 * - `seek(session, time, port)`: go on from the key frame at or before `time`, reading over this port now.
 * - `next(session)`: the next segment, `{ start, end, isKey, fragments: [{ id, init, offset, media }] }`, or null
 *   at the end; `isKey` tells whether it begins with a key frame.
 * - `close(session)`.
 */
export const MEDIA_METHODS = ['open', 'start', 'seek', 'next', 'close']
