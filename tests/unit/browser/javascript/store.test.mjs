import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { hashPieces, pieceDigests } from '../../../../web/src/worker/hash.js'
import { BlobStore, MemoryStore } from '../../../../web/src/worker/store.js'

const digest = (bytes, name = 'sha1') => createHash(name).update(bytes).digest()
const leaves = bytes => {
  const all = []
  for (let at = 0; at < bytes.length; at += 16384) all.push(digest(bytes.subarray(at, at + 16384), 'sha256'))
  return Buffer.concat(all)
}
const random = length => {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536))
  return bytes
}

const PIECE_LENGTH = 100_000
const CONTENT = random(3_000_000 + 17)
const SPANS = [[0, 1], [99_999, 2], [0, CONTENT.length], [1_048_570, 20], [2_999_999, 18], [CONTENT.length, 0], [500_000, 700_000]]
const isSpan = (bytes, [offset, length]) => Buffer.from(CONTENT.buffer, offset, length).equals(Buffer.from(bytes))

async function filledMemory () {
  const store = new MemoryStore(CONTENT.length, PIECE_LENGTH)
  for (let index = 0; index * PIECE_LENGTH < CONTENT.length; index++) {
    const piece = CONTENT.slice(index * PIECE_LENGTH, (index + 1) * PIECE_LENGTH)
    assert.ok(Buffer.from(await store.hold(index, piece.buffer, true, 0)).equals(digest(piece)))
    store.keep(index)
  }
  return store
}

test('both stores read what is in them', async () => {
  for (const store of [await filledMemory(), new BlobStore(new Blob([CONTENT]), PIECE_LENGTH)]) {
    for (const span of SPANS) assert.ok(isSpan(await store.read(...span), span), `${store.constructor.name} ${span}`)
    await assert.rejects(store.read(CONTENT.length - 1, 2), RangeError)
  }
})

test('blocks are views of a piece in memory', async () => {
  const store = await filledMemory()
  for (const span of [[0, 16384], [99_999, 1], [2_999_999, 1], [3_000_000, 17]]) assert.ok(isSpan(store.block(...span), span))
  assert.equal(store.block(0, 10).buffer, store.block(5, 10).buffer)
})

test('blocks of a Blob come from windows that are read once', async () => {
  let slices = 0
  const blob = new Blob([CONTENT])
  const counted = { size: blob.size, slice: (...span) => { slices++; return blob.slice(...span) } }
  const store = new BlobStore(counted, 1 << 20)
  for (let offset = 0; offset + 16384 <= CONTENT.length; offset += 16384) {
    const span = [offset, 16384]
    assert.ok(isSpan(await store.block(...span), span))
  }
  assert.equal(slices, 3)
  const across = [1_048_570, 20]
  assert.ok(isSpan(await store.block(...across), across))
})

test('a Blob that cannot be read fails, and is asked again', async () => {
  let isGone = true
  const blob = new Blob([CONTENT])
  const failing = { arrayBuffer: () => Promise.reject(new DOMException('gone', 'NotReadableError')) }
  const store = new BlobStore({ size: blob.size, slice: (...span) => isGone ? failing : blob.slice(...span) }, PIECE_LENGTH)
  await assert.rejects(store.block(0, 10), { name: 'NotReadableError' })
  isGone = false
  assert.ok(isSpan(await store.block(0, 10), [0, 10]))
})

test('a piece cannot be read before it is kept, nor after it was dropped', async () => {
  const store = new MemoryStore(200, 100)
  await store.hold(1, new ArrayBuffer(100), true, 0)
  assert.throws(() => store.block(100, 10), RangeError)
  store.drop(1)
  await assert.rejects(store.read(100, 10), RangeError)
  await store.hold(1, Uint8Array.from({ length: 100 }, () => 7).buffer, true, 0)
  store.keep(1)
  assert.deepEqual([...store.block(198, 2)], [7, 7])
  assert.throws(() => store.block(0, 1), RangeError)
})

test('Blobs are hashed by pieces of any length', async () => {
  for (const pieceLength of [16384, PIECE_LENGTH, 5 << 20]) {
    const expected = []
    for (let at = 0; at < CONTENT.length; at += pieceLength) expected.push(digest(CONTENT.subarray(at, at + pieceLength)))
    const hashed = what => hashPieces(new Blob([CONTENT]), pieceLength, { padded: false, ...what })
    assert.ok(Buffer.concat(expected).equals(await hashed({ sha1: true, leaves: false })))
    assert.ok(leaves(CONTENT).equals(await hashed({ sha1: false, leaves: true })))
    assert.ok(Buffer.concat([...expected, leaves(CONTENT)]).equals(await hashed({ sha1: true, leaves: true })))
    const last = CONTENT.subarray(CONTENT.length - CONTENT.length % pieceLength)
    expected.splice(-1, 1, digest(Buffer.concat([last, Buffer.alloc(pieceLength - last.length)])))
    assert.ok(Buffer.concat(expected).equals(await hashed({ sha1: true, leaves: false, padded: true })))
  }
  assert.equal((await hashPieces(new Blob([]), 16384, { sha1: true, leaves: true, padded: true })).length, 0)
})

test('a piece is hashed whole, by its blocks, or both', async () => {
  const piece = CONTENT.slice(0, 50_000)
  for (const leafBytes of [0, 1, 16384, 40_000, 50_000]) {
    const blocks = leaves(piece.subarray(0, leafBytes))
    assert.ok(Buffer.concat([digest(piece), blocks]).equals(Buffer.from(await pieceDigests(piece.buffer, true, leafBytes))))
    assert.ok(blocks.equals(Buffer.from(await pieceDigests(piece.buffer, false, leafBytes))))
  }
})
