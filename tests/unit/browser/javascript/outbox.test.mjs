import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Outbox } from '../../../../web/src/worker/outbox.js'

const KIB = 1024

/** A data channel whose buffer empties only when told to. */
class FakeChannel {
  bufferedAmount = 0
  bufferedAmountLowThreshold = 0
  onbufferedamountlow = null
  messages = []
  error = null

  send (bytes) {
    if (this.error) throw this.error
    this.messages.push(bytes.slice()) // a real one copies, too
    this.bufferedAmount += bytes.length
  }

  drain (left = 0) {
    const wasAbove = this.bufferedAmount > this.bufferedAmountLowThreshold
    this.bufferedAmount = left
    if (wasAbove && left <= this.bufferedAmountLowThreshold) this.onbufferedamountlow?.()
  }

  get stream () {
    return Buffer.concat(this.messages)
  }
}

function setUp () {
  const channel = new FakeChannel()
  let writable = 0
  const outbox = new Outbox(channel, () => writable++)
  return { channel, outbox, writable: async () => { await null; return writable } }
}

const bytes = (length, start = 0) => Uint8Array.from({ length }, (_, index) => (start + index) % 251)

test('entries are joined and cut into messages of at most 64 KiB', () => {
  const { channel, outbox } = setUp()
  const entries = [bytes(1), bytes(0), bytes(100_000, 7), bytes(65_536, 3), bytes(17, 9)]
  for (const entry of entries) outbox.push(entry)
  outbox.flush()
  assert.deepEqual(channel.messages.map(message => message.length), [65536, 65536, 34482])
  assert.ok(channel.stream.equals(Buffer.concat(entries)))
})

test('no more than the high water mark is handed over, and the rest follows when the buffer is low', () => {
  const { channel, outbox } = setUp()
  const all = bytes(3000 * KIB)
  outbox.push(all)
  outbox.flush()
  assert.ok(channel.bufferedAmount >= 1280 * KIB && channel.bufferedAmount <= 1344 * KIB)
  outbox.flush()
  assert.ok(channel.bufferedAmount <= 1344 * KIB)
  for (let turns = 0; turns < 3; turns++) channel.drain()
  assert.ok(channel.stream.equals(Buffer.from(all)))
})

test('writable is told once, after the blocks are on their way and the buffer is low', async () => {
  const { channel, outbox, writable } = setUp()
  outbox.push(bytes(13))
  outbox.flush()
  assert.equal(await writable(), 0, 'nothing but blocks is answered')
  for (let count = 0; count < 40; count++) outbox.pushBlock(bytes(13), bytes(16 * KIB))
  outbox.flush()
  assert.equal(await writable(), 0)
  channel.drain(600 * KIB)
  assert.equal(await writable(), 0, 'the buffer is not low')
  channel.drain()
  assert.equal(await writable(), 1)
  outbox.flush()
  assert.equal(await writable(), 1)
})

test('a block that fits is answered at once, but not from inside the call', async () => {
  const { outbox, writable } = setUp()
  outbox.pushBlock(bytes(13), bytes(16 * KIB))
  outbox.flush()
  assert.equal(await writable(), 1)
})

test('what comes after a block that is still being read waits for it', async () => {
  const { channel, outbox, writable } = setUp()
  let resolve
  outbox.push(bytes(9))
  outbox.pushBlock(bytes(13), new Promise(each => { resolve = each }))
  outbox.push(bytes(5, 50))
  outbox.flush()
  assert.ok(channel.stream.equals(Buffer.from(bytes(9))))
  assert.equal(await writable(), 0)
  resolve(bytes(100, 99))
  await new Promise(setImmediate)
  assert.ok(channel.stream.equals(Buffer.concat([bytes(9), bytes(13), bytes(100, 99), bytes(5, 50)])))
  assert.equal(await writable(), 1)
})

test('blocks that come from one read fill the messages', async () => {
  const { channel, outbox } = setUp()
  const read = Promise.resolve(bytes(256 * KIB))
  const block = async number => (await read).subarray(number * 16 * KIB, (number + 1) * 16 * KIB)
  for (let number = 0; number < 16; number++) outbox.pushBlock(bytes(13), block(number))
  outbox.flush()
  assert.deepEqual(channel.messages, [])
  await new Promise(setImmediate)
  assert.deepEqual(channel.messages.map(message => message.length), [65536, 65536, 65536, 65536, 16 * 13])
})

test('a full queue is tried again when it has run low', () => {
  const { channel, outbox } = setUp()
  outbox.push(bytes(700 * KIB))
  outbox.flush()
  channel.error = new DOMException('queue is full', 'OperationError')
  outbox.push(bytes(10, 5))
  outbox.flush()
  channel.error = null
  channel.drain()
  assert.ok(channel.stream.equals(Buffer.concat([bytes(700 * KIB), bytes(10, 5)])))
})

test('what waits for a closed channel is dropped', async () => {
  const { channel, outbox, writable } = setUp()
  channel.error = new DOMException('not open', 'InvalidStateError')
  outbox.pushBlock(bytes(13), bytes(10))
  outbox.flush()
  channel.error = null
  outbox.flush()
  assert.deepEqual(channel.messages, [])
  assert.equal(await writable(), 0)
})
