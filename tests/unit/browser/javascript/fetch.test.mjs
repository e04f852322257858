// HTTP ranges as they come, against a real server.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { Ranges } from '../../../../web/src/worker/fetch.js'

const CONTENT = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 256))

/** Runs a test with a server, and what `Ranges` tells. */
async function withServer (answer, run) {
  const server = createServer(answer)
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const heard = []
  let ended
  const end = new Promise(resolve => { ended = resolve })
  const ranges = new Ranges({
    started: (...args) => heard.push(['started', ...args]),
    received: (torrent, id, bytes) => heard.push(['received', torrent, id, Buffer.from(bytes)]),
    ended: (...args) => { heard.push(['ended', ...args]); ended() },
    failed: (...args) => { heard.push(['failed', ...args]); ended() }
  })
  try {
    await run({ url: `http://127.0.0.1:${server.address().port}/`, ranges, heard, end })
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test('a range comes with its status, and with no header but the range asked for', async () => {
  let headers
  await withServer((request, response) => {
    headers = request.headers
    response.writeHead(206, { 'Content-Range': 'bytes 10-19/1000' }).end(CONTENT.subarray(10, 20))
  }, async ({ url, ranges, heard, end }) => {
    ranges.fetch(3, 4, url, 10, 10)
    await end
    assert.equal(headers.range, 'bytes=10-19')
    assert.deepEqual(heard[0], ['started', 3, 4, 206, 'bytes 10-19/1000'])
    assert.deepEqual(Buffer.concat(heard.filter(each => each[0] === 'received').map(each => each[3])), CONTENT.subarray(10, 20))
    assert.deepEqual(heard.at(-1), ['ended', 3, 4])
  })
})

test('a cancelled fetch tells nothing more', async () => {
  let closed
  const wasClosed = new Promise(resolve => { closed = resolve })
  await withServer((request, response) => {
    response.on('close', closed)
    response.writeHead(200).write(CONTENT)
  }, async ({ url, ranges, heard }) => {
    ranges.fetch(3, 4, url, 0, 1000)
    while (!heard.some(each => each[0] === 'received')) await new Promise(resolve => setTimeout(resolve, 1))
    const count = heard.length
    ranges.cancel(4)
    ranges.cancel(4)
    await wasClosed
    assert.equal(heard.length, count)
  })
})

test('a server that cannot be reached is a failure with a reason', async () => {
  await withServer(() => {}, async ({ ranges, heard, end }) => {
    ranges.fetch(3, 4, 'http://127.0.0.1:1/', 0, 1)
    await end
    assert.equal(heard.length, 1)
    assert.deepEqual(heard[0].slice(0, 3), ['failed', 3, 4])
    assert.ok(heard[0][3])
  })
})

test('a server that answers, but not to pages, is told of by the header that it lacks', async () => {
  const { fetch } = globalThis
  // What a browser does: reading is refused for want of the header, asking without reading is not.
  globalThis.fetch = async (url, options) => {
    if (options.mode !== 'no-cors') throw new TypeError('Failed to fetch')
    return new Response(null)
  }
  try {
    await withServer(() => {}, async ({ url, ranges, heard, end }) => {
      ranges.fetch(3, 4, url, 0, 1)
      await end
      assert.match(heard[0][3], /Access-Control-Allow-Origin/)
    })
  } finally {
    globalThis.fetch = fetch
  }
})
