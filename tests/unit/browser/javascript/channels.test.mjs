import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Channels } from '../../../../web/src/worker/channels.js'

class FakeChannel {
  readyState = 'connecting'
  bufferedAmount = 0
  sent = []
  send (bytes) { this.sent.push(bytes.slice()) }
  close () { this.readyState = 'closed' }
  open () { this.readyState = 'open'; this.onopen?.() }
}

function setUp () {
  const calls = []
  const handler = name => (...args) => calls.push([name, ...args])
  const names = ['opened', 'received', 'writable', 'closed', 'failed']
  const channels = new Channels(Object.fromEntries(names.map(name => [name, handler(name)])))
  return { calls, channels }
}

async function until (condition) {
  while (!condition()) await new Promise(resolve => setTimeout(resolve))
}

test('a channel opens, brings messages, and is lost once', () => {
  const { calls, channels } = setUp()
  const channel = new FakeChannel()
  channels.expect(1)
  channels.attach(1, channel)
  assert.equal(channels.outbox(1), null)
  channel.open()
  const data = new ArrayBuffer(3)
  channel.onmessage({ data })
  channel.onmessage({ data: 'é' })
  const { onclose } = channel
  onclose()
  onclose()
  channels.lost(1, 'again')
  assert.deepEqual(calls, [
    ['opened', 1], ['received', 1, data], ['received', 1, new Uint8Array([0xc3, 0xa9])], ['closed', 1]
  ])
  assert.equal(channels.outbox(1), null)
})

test('messages that come before the channel is open follow its opening', () => {
  const { calls, channels } = setUp()
  const channel = new FakeChannel()
  channels.expect(1)
  channels.attach(1, channel)
  const data = new ArrayBuffer(3)
  channel.onmessage({ data })
  assert.deepEqual(calls, [])
  channel.open()
  channel.onopen()
  assert.deepEqual(calls, [['opened', 1], ['received', 1, data]])
})

test('a channel that is open already opens', () => {
  const { calls, channels } = setUp()
  channels.expect(1)
  channels.attach(1, Object.assign(new FakeChannel(), { readyState: 'open' }))
  assert.deepEqual(calls, [['opened', 1]])
})

test('a connection that is lost before it opened has failed', () => {
  const { calls, channels } = setUp()
  channels.expect(1)
  channels.lost(1, 'no way')
  assert.deepEqual(calls, [['failed', 1, 'no way']])
})

test('a peer that was closed meanwhile gets no channel, and a closed one is silent', () => {
  const { calls, channels } = setUp()
  const late = new FakeChannel()
  channels.expect(1)
  channels.close(1)
  channels.attach(1, late)
  assert.equal(late.readyState, 'closed')
  const channel = new FakeChannel()
  channels.expect(2)
  channels.attach(2, channel)
  channel.open()
  channels.close(2)
  channels.close(2)
  assert.equal(channel.readyState, 'closed')
  assert.equal(channel.onmessage, null)
  assert.deepEqual(calls, [['opened', 2]])
})

test('a relayed channel behaves like one that was transferred', async t => {
  const { calls, channels } = setUp()
  const { port1: page, port2 } = new MessageChannel()
  const fromWorker = []
  t.after(() => page.close())
  page.onmessage = ({ data }) => fromWorker.push(data)
  channels.expect(1)
  channels.attach(1, port2)
  page.postMessage({ state: 'open' })
  const data = new Uint8Array([1, 2, 3]).buffer
  page.postMessage(data)
  await until(() => calls.length === 2)
  assert.deepEqual(calls, [['opened', 1], ['received', 1, data]])
  const outbox = channels.outbox(1)
  for (let count = 0; count < 40; count++) outbox.pushBlock(new Uint8Array(13), new Uint8Array(16384).fill(count))
  outbox.flush()
  await until(() => fromWorker.reduce((sum, buffer) => sum + buffer.byteLength, 0) === 40 * 16397)
  assert.equal(calls.length, 2, 'nothing has left the page yet')
  page.postMessage({ sent: 40 * 16397 })
  await until(() => calls.length === 3)
  assert.deepEqual(calls[2], ['writable', 1])
  page.postMessage({ state: 'closed' })
  await until(() => calls.length === 4)
  assert.deepEqual(calls[3], ['closed', 1])
})
