import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { PieceLog } from '../../../../web/src/worker/opfs/piece-log.js'
import { readNewest, writeNext } from '../../../../web/src/worker/opfs/slots.js'
import { OpfsStore } from '../../../../web/src/worker/opfs/store.js'

/** A file as a FileSystemSyncAccessHandle shows it, which can crash: then any part of what was not flushed is lost. */
class File {
  bytes = Buffer.alloc(0)
  flushed = Buffer.alloc(0)
  writes = 0

  constructor (room = Infinity) {
    this.room = room
  }

  getSize () {
    return this.bytes.length
  }

  read (target, { at }) {
    return this.bytes.copy(target, 0, at)
  }

  write (source, { at }) {
    this.writes++
    if (at + source.length > this.room) return this.quotaAnswer(source, at)
    if (at + source.length > this.bytes.length) {
      this.bytes = Buffer.concat([this.bytes, Buffer.alloc(at + source.length - this.bytes.length)])
    }
    this.bytes.set(source, at)
    return source.length
  }

  quotaAnswer () {
    return 4294967288 // as Chromium does
  }

  truncate (size) {
    this.bytes = Buffer.from(this.bytes.subarray(0, size))
  }

  flush () {
    this.flushed = Buffer.from(this.bytes)
  }

  close () {}

  crash (random) {
    const survived = Buffer.from(this.bytes.subarray(0, this.flushed.length + Math.floor(random() * (this.bytes.length - this.flushed.length + 1))))
    for (let at = this.flushed.length; at < survived.length; at++) if (random() < 0.2) survived[at] = 0
    const file = new File(this.room)
    file.bytes = survived.length < this.flushed.length ? Buffer.from(this.flushed) : survived
    file.flushed = Buffer.from(file.bytes)
    return file
  }
}

/** mulberry32: the same numbers in every run. */
function randomOf (seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const pieceOf = (index, length) => Uint8Array.from({ length }, (_, at) => (index * 31 + at) & 0xff)
const sha1 = bytes => createHash('sha1').update(bytes).digest()

function openLog (pieces = new File(), journal = new File(), pieceLength = 100) {
  const log = new PieceLog(pieces, journal)
  log.begin(pieceLength)
  return log
}

function checkPieces (log) {
  for (const index of log.indices) {
    const bytes = new Uint8Array(log.size(index))
    log.readInto(bytes, index, 0)
    assert.deepEqual(bytes, pieceOf(index, bytes.length))
  }
}

test('pieces of any order are read back, whole and in part', () => {
  const log = openLog()
  log.append([7, 0, 3].map(index => ({ index, bytes: pieceOf(index, 100) })))
  log.append([{ index: 9, bytes: pieceOf(9, 17) }])
  assert.deepEqual([...log.indices], [7, 0, 3, 9])
  checkPieces(log)
  const part = new Uint8Array(10)
  log.readInto(part, 3, 90)
  assert.deepEqual(part, pieceOf(3, 100).slice(90))
  assert.throws(() => log.readInto(part, 3, 91), RangeError)
  assert.throws(() => log.readInto(part, 4, 0), RangeError)
})

test('a log is there again for whoever opens it next, and is emptied for pieces of another length', () => {
  const [pieces, journal] = [new File(), new File()]
  const log = openLog(pieces, journal)
  log.append([{ index: 5, bytes: pieceOf(5, 100) }])
  log.close()
  const again = openLog(pieces, journal)
  assert.deepEqual([...again.indices], [5])
  checkPieces(again)
  again.append([{ index: 6, bytes: pieceOf(6, 100) }])
  again.close()
  assert.deepEqual([...openLog(pieces, journal).indices], [5, 6])
  assert.deepEqual([...openLog(pieces, journal, 200).indices], [])
  assert.equal(pieces.getSize(), 0)
})

test('after a crash at any moment all that was flushed is there, and nothing that is not whole', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomOf(seed)
    let [pieces, journal] = [new File(), new File()]
    const flushed = new Set()
    let next = 0
    for (let life = 0; life < 4; life++) {
      const log = openLog(pieces, journal)
      for (const index of flushed) assert.ok(log.has(index), `seed ${seed}: piece ${index} was flushed`)
      checkPieces(log)
      const written = []
      for (let step = Math.floor(random() * 8); step > 0; step--) {
        const batch = Array.from({ length: 1 + Math.floor(random() * 3) }, () => next++)
        log.append(batch.map(index => ({ index, bytes: pieceOf(index, 1 + Math.floor(random() * 100)) })))
        written.push(...batch)
        if (random() < 0.4) {
          log.flush()
          written.splice(0).forEach(index => flushed.add(index))
        }
      }
      if (random() < 0.5) { // it crashes while it writes the journal
        journal.flush = () => {}
        log.flush()
      }
      [pieces, journal] = [pieces.crash(random), journal.crash(random)]
    }
  }
})

test('a journal of anything else is begun anew', () => {
  for (const content of [Buffer.from('not a journal at all, but long enough'), Buffer.alloc(3)]) {
    const [pieces, journal] = [new File(), new File()]
    journal.write(content, { at: 0 })
    const log = openLog(pieces, journal)
    assert.deepEqual([...log.indices], [])
    log.append([{ index: 1, bytes: pieceOf(1, 100) }])
    log.close()
    assert.deepEqual([...openLog(pieces, journal).indices], [1])
  }
})

test('without room nothing is written, said of either browser, and what was there stays', () => {
  for (const quotaAnswer of [File.prototype.quotaAnswer, function (source, at) {
    return this.bytes.length - at // Firefox writes what fits
  }, () => { throw new DOMException('full', 'QuotaExceededError') }]) {
    const pieces = new File(250)
    pieces.quotaAnswer = quotaAnswer
    const log = openLog(pieces)
    log.append([1, 2].map(index => ({ index, bytes: pieceOf(index, 100) })))
    assert.throws(() => log.append([{ index: 3, bytes: pieceOf(3, 100) }]), { name: 'QuotaExceededError' })
    assert.deepEqual([...log.indices], [1, 2])
    checkPieces(log)
    pieces.room = 1000
    log.append([{ index: 4, bytes: pieceOf(4, 100) }])
    checkPieces(log)
  }
})

test('a value in slots is the newest one that was written whole', () => {
  const handles = [new File(), new File()]
  assert.equal(readNewest(handles), null)
  for (const text of ['one', 'another, longer', '', 'last']) {
    writeNext(handles, Buffer.from(text))
    assert.equal(Buffer.from(readNewest(handles).bytes).toString(), text)
  }
  const torn = handles.map(handle => handle.bytes)
  for (let cut = 0; cut < 20; cut++) {
    for (const number of [0, 1]) {
      const damaged = torn.map((bytes, each) => Object.assign(new File(), { bytes: each === number ? bytes.subarray(0, cut) : bytes }))
      assert.ok(['', 'last'].includes(Buffer.from(readNewest(damaged).bytes).toString()))
    }
  }
})

// --- the store ---------------------------------------------------------------------------------------

const PIECE = 300_000
const CONTENT = Uint8Array.from({ length: 5 * PIECE + 1234 }, (_, at) => (at * 2654435761) >>> 24)
const SPANS = [[0, 1], [PIECE - 1, 2], [0, CONTENT.length], [5 * PIECE, 1234], [CONTENT.length, 0], [123_456, 700_000]]

async function keepPiece (store, index) {
  const piece = CONTENT.slice(index * PIECE, (index + 1) * PIECE)
  assert.ok(Buffer.from(await store.hold(index, piece.buffer, true, 0)).equals(sha1(CONTENT.subarray(index * PIECE, (index + 1) * PIECE))))
  return store.keep(index)
}

async function checkStore (store) {
  for (const [offset, length] of SPANS) {
    assert.deepEqual(new Uint8Array(await store.read(offset, length)), CONTENT.slice(offset, offset + length))
  }
  for (let offset = 0; offset < 5 * PIECE; offset += 50_000) {
    assert.deepEqual(Uint8Array.from(await store.block(offset, 16_384)), CONTENT.slice(offset, offset + 16_384))
  }
  await assert.rejects(store.read(CONTENT.length - 1, 2), RangeError)
}

test('a store reads what was kept: from memory, the cache and the files', async () => {
  const [pieces, journal] = [new File(), new File()]
  const store = new OpfsStore(CONTENT.length, PIECE, Promise.resolve(openLog(pieces, journal, PIECE)))
  await Promise.all([3, 1, 5, 0, 4, 2].map(index => keepPiece(store, index)))
  await checkStore(store)
  assert.ok(pieces.writes <= 6)
  store.close()
  const again = new OpfsStore(CONTENT.length, PIECE, Promise.resolve(openLog(pieces, journal, PIECE)))
  await Promise.resolve()
  await checkStore(again)
  again.close()
})

test('a store without files is one in memory, and what it has goes into the files when they come', async () => {
  let open
  const opening = new Promise(resolve => { open = resolve })
  const store = new OpfsStore(CONTENT.length, PIECE, opening)
  for (const index of [0, 1, 2]) assert.equal(await keepPiece(store, index), undefined)
  const log = openLog(new File(), new File(), PIECE)
  log.append([{ index: 1, bytes: CONTENT.slice(PIECE, 2 * PIECE) }]) // by the tab that had it before
  open(log)
  await opening
  for (const index of [3, 4, 5]) await keepPiece(store, index)
  assert.deepEqual([...log.indices].sort(), [0, 1, 2, 3, 4, 5])
  await checkStore(store)
  store.close()
})

test('a piece for which there is no room is refused, and can be kept later', async () => {
  const pieces = new File(2 * PIECE)
  const store = new OpfsStore(CONTENT.length, PIECE, Promise.resolve(openLog(pieces, new File(), PIECE)))
  await Promise.resolve()
  await keepPiece(store, 0)
  await keepPiece(store, 1)
  await assert.rejects(keepPiece(store, 2), { name: 'QuotaExceededError' })
  assert.throws(() => store.block(2 * PIECE, 10), RangeError)
  pieces.room = Infinity
  await Promise.all([2, 3, 4, 5].map(index => keepPiece(store, index)))
  await checkStore(store)
  store.close()
})

test('a piece that was dropped, or not kept yet, cannot be read', async () => {
  const store = new OpfsStore(CONTENT.length, PIECE, Promise.resolve(openLog(new File(), new File(), PIECE)))
  await store.hold(1, CONTENT.slice(PIECE, 2 * PIECE).buffer, true, 0)
  assert.throws(() => store.block(PIECE, 10), RangeError)
  store.drop(1)
  await assert.rejects(store.read(PIECE, 10), RangeError)
  store.close()
})
