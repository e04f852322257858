import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createIO } from '../../../../web/src/worker/io.js'

const HEAD = 24

/** One record of `transmit`, as host.py packs it. */
function record (peer, data, torrent = 0, offset = 0, length = 0) {
  const bytes = Buffer.alloc(HEAD + data.length)
  bytes.writeUInt32LE(peer, 0)
  bytes.writeUInt32LE(torrent, 4)
  bytes.writeDoubleLE(offset, 8)
  bytes.writeUInt32LE(length, 16)
  bytes.writeUInt32LE(data.length, 20)
  bytes.set(data, HEAD)
  return bytes
}

class FakeChannel {
  readyState = 'open'
  bufferedAmount = 0
  sent = []
  send (bytes) { this.sent.push(Buffer.from(bytes)) }
  close () {}
}

/** A bytearray of Python. */
const bytearray = data => ({ getBuffer: () => ({ data, release () { this.data = null } }) })

function setUp () {
  const calls = []
  const errors = []
  const page = new Proxy({}, { get: (_, name) => async (...args) => { calls.push([name, ...args]) } })
  const { engine, module } = createIO(page, error => errors.push(error))
  const names = [
    'socket_opened', 'socket_received', 'socket_closed', 'offer_created', 'answer_created', 'connection_failed', 'channel_opened',
    'receive_data', 'writable', 'channel_closed', 'piece_hashed', 'piece_stored', 'storage_failed', 'handle_timer', 'call', 'updated'
  ]
  module.connect(Object.fromEntries(names.map(name => [name, (...args) => { calls.push([name, ...args]) }])))
  const called = async name => {
    for (;;) {
      const found = calls.find(call => call[0] === name)
      if (found) return found.slice(1)
      await new Promise(resolve => setTimeout(resolve))
    }
  }
  return { calls, called, engine, errors, io: module }
}

function connect ({ engine, io }, peer) {
  const channel = new FakeChannel()
  io.createOffer(peer)
  engine.channels.attach(peer, channel)
  return channel
}

async function store ({ called, io, calls }, torrent, index, bytes) {
  io.hashPiece(torrent, index, bytearray(bytes), true, 0)
  await called('piece_hashed')
  io.storePiece(torrent, index)
  await called('piece_stored')
  calls.length = 0
}

test('a piece is copied out, hashed, kept and served', async () => {
  const all = setUp()
  const { io, called, engine } = all
  const channel = connect(all, 1)
  io.openStore(9, 200, 100)
  const piece = new Uint8Array(100).fill(5)
  io.hashPiece(9, 0, bytearray(piece), true, 100)
  piece.fill(0) // Python's memory is not ours
  const [torrent, index, digest] = await called('piece_hashed')
  assert.deepEqual([torrent, index, digest.byteLength], [9, 0, 20 + 32])
  assert.equal(io.storePiece(9, 0), undefined)
  assert.deepEqual(await called('piece_stored'), [9, 0])
  io.transmit(Buffer.concat([record(1, Buffer.from('have')), record(1, Buffer.from('head'), 9, 90, 10), record(1, Buffer.from('end'))]))
  assert.deepEqual(channel.sent, [Buffer.from('havehead\x05\x05\x05\x05\x05\x05\x05\x05\x05\x05end')])
  assert.deepEqual(await called('writable'), [1])
  assert.deepEqual([...new Uint8Array(await engine.read(9, 0, 3))], [5, 5, 5])
})

test('what is for a peer that is gone is left out', () => {
  const all = setUp()
  const channel = connect(all, 1)
  all.io.transmit(Buffer.concat([record(2, Buffer.from('gone')), record(1, Buffer.from('here'))]))
  assert.deepEqual(channel.sent, [Buffer.from('here')])
})

test('a block that is not there is a failure of the store, and no half message is sent', async () => {
  const all = setUp()
  const channel = connect(all, 1)
  all.io.openStore(9, 200, 100)
  all.io.transmit(record(1, Buffer.from('head'), 9, 0, 10))
  assert.deepEqual(channel.sent, [])
  assert.equal((await all.called('storage_failed'))[0], 9)
})

test('seeded Blobs are served, end to end', async () => {
  const all = setUp()
  const channel = connect(all, 1)
  const number = all.engine.addSource(new Blob(['abc']))
  all.io.attachSource(9, [number, new Uint8Array([100, 101])], 1)
  all.io.openStore(9, 5, 16384)
  all.io.dropSource(number)
  all.io.transmit(record(1, Buffer.from('head:'), 9, 1, 4))
  await all.called('writable')
  assert.equal(Buffer.concat(channel.sent).toString(), 'head:bcde')
})

test('seeded Blobs lie at pieces, with zeros between', async () => {
  const all = setUp()
  const parts = [new Blob(['abc']), new Blob([]), new Blob([new Uint8Array(3 << 20).fill(1)]), new Blob(['d'])]
  const alignment = 3 << 20
  all.io.attachSource(9, parts.map(blob => all.engine.addSource(blob)), alignment)
  all.io.openStore(9, 2 * alignment + 1, alignment)
  const bytes = new Uint8Array(await all.engine.read(9, 0, 2 * alignment + 1))
  assert.equal(Buffer.from(bytes.subarray(0, 4)).toString(), 'abc\0')
  assert.ok(bytes.subarray(3, alignment).every(byte => byte === 0))
  assert.ok(bytes.subarray(alignment, 2 * alignment).every(byte => byte === 1))
  assert.equal(bytes[2 * alignment], 100)
})

test('a seeded file that cannot be read fails the torrent, and readers get a typed error', async () => {
  const all = setUp()
  connect(all, 1)
  all.io.attachSource(9, [all.engine.addSource(new Blob(['abc']))], 1)
  all.io.openStore(9, 3, 16384)
  await assert.rejects(all.engine.read(9, 0, 4), { code: 'ERR_STORAGE' })
  await assert.rejects(all.engine.read(8, 0, 1), { code: 'ERR_DESTROYED' })
  all.io.transmit(record(1, Buffer.from('head'), 9, 2 ** 20, 2 ** 20))
  assert.equal((await all.called('storage_failed'))[0], 9)
})

test('a connection that cannot be made is told and closed, in either direction', async () => {
  const calls = []
  const fail = async () => { throw new Error('too many') }
  const page = { createOffer: fail, acceptOffer: fail, acceptAnswer: fail, closePeer: async peer => { calls.push(peer) } }
  const { module } = createIO(page, assert.fail)
  const failed = []
  module.connect({ connection_failed: (...args) => failed.push(args) })
  module.createOffer(1)
  module.acceptOffer(2, 'v=0')
  await new Promise(resolve => setTimeout(resolve))
  assert.deepEqual(failed, [[1, 'too many'], [2, 'too many']])
  assert.deepEqual(calls, [1, 2])
})

test('calls are answered by number, with results or typed errors', async () => {
  const { calls, engine, io } = setUp()
  const first = engine.call('find', ['id'])
  const second = engine.call('add', [1, null, {}], new Uint8Array([1]))
  const [[, one, name, args], [, two, , , bytes]] = calls
  assert.deepEqual([name, args, [...bytes]], ['find', '["id"]', [1]])
  io.fail(two, JSON.stringify({ name: 'DuplicateTorrentError', code: 'ERR_DUPLICATE_TORRENT', message: 'there', existing: 4 }))
  io.settle(one, '[1,2]')
  assert.deepEqual(await first, [1, 2])
  await assert.rejects(second, { name: 'DuplicateTorrentError', code: 'ERR_DUPLICATE_TORRENT', message: 'there', existing: 4 })
})

test('an exception of Python is reported and stops nothing else', () => {
  const errors = []
  const { module, engine } = createIO({}, error => errors.push(error.message))
  module.connect({ call: () => { throw new Error('Traceback') }, handle_timer: () => {} })
  engine.call('find', ['id'])
  assert.deepEqual(errors, ['Traceback'])
})

test('there is one timer', async () => {
  const { calls, called, io } = setUp()
  io.armTimer(5)
  io.armTimer(-1)
  io.armTimer(1)
  await called('handle_timer')
  assert.deepEqual(calls, [['handle_timer']])
})
