import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pack, Snapshot } from '../../../../web/src/worker/snapshot.js'

const PAGE = 4096
const LENGTH = 65536 * 2
const HEADER = 48

const bytes = (length, seed) => Uint8Array.from({ length }, (_, at) => Math.imul(at + seed, 2654435761) >>> 24)

// Of the image's three pages, one stays as it was and two change; behind it one page comes, and the last one of all.
const image = bytes(3 * PAGE - 100, 1)
const before = new Uint8Array(LENGTH)
before.set(image)
const after = before.slice()
after[17] ^= 1
after.fill(0, PAGE * 2, PAGE * 3)
after.set(bytes(PAGE, 2), PAGE * 5)
after[LENGTH - 1] = 9

const made = new Uint8Array(HEADER + LENGTH)
made.set(bytes(HEADER, 3))
new Uint32Array(made.buffer)[1] = HEADER
made.set(after, HEADER)

const file = pack(made, before)
const instantiated = (content = before) => {
  const memory = new WebAssembly.Memory({ initial: 1 })
  memory.grow(content.length / 65536 - 1)
  new Uint8Array(memory.buffer).set(content)
  return memory
}

test('memory is what it was, whatever ran between', () => {
  const snapshot = new Snapshot(file.slice().buffer)
  const memory = instantiated()
  const taken = snapshot.takeImage(memory)
  new Uint8Array(memory.buffer).fill(77, 0, PAGE * 3)
  new Uint8Array(memory.buffer).fill(77, PAGE * 5, PAGE * 6)
  snapshot.restore(memory, taken)
  assert.ok(Buffer.from(memory.buffer).equals(after))
  assert.ok(Buffer.from(snapshot.header).equals(made.subarray(0, HEADER)))
})

test('memory grows to what the snapshot needs', () => {
  const memory = new WebAssembly.Memory({ initial: 1 })
  new Uint8Array(memory.buffer).set(image)
  const snapshot = new Snapshot(file.slice().buffer)
  snapshot.restore(memory, snapshot.takeImage(memory))
  assert.ok(Buffer.from(memory.buffer).equals(after))
})

test('only pages that differ are in the file', () => {
  assert.ok(file.length < 5 * PAGE)
})

test('a file that is not whole is refused', () => {
  for (const length of [0, 3, 4, 23, 24, 100, PAGE, file.length - 4, file.length - 1]) {
    assert.throws(() => new Snapshot(file.slice(0, length).buffer), /no whole memory snapshot/, `${length} bytes`)
  }
  const longer = new Uint8Array(file.length + 4)
  longer.set(file)
  assert.throws(() => new Snapshot(longer.buffer), /no whole memory snapshot/)
})

test('numbers in the head that cannot be are refused', () => {
  for (const word of [0, 4, 5]) {
    for (const value of [0, 1, 2 ** 31, 2 ** 32 - 1]) {
      const broken = file.slice()
      new Uint32Array(broken.buffer)[word] = value
      assert.throws(() => new Snapshot(broken.buffer), /no whole memory snapshot/, `word ${word}: ${value}`)
    }
  }
})

test('the memory of another module is refused', () => {
  const other = before.slice()
  other[PAGE] ^= 1
  assert.throws(() => new Snapshot(file.slice().buffer).takeImage(instantiated(other)), /another version/)
})
