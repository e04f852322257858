/**
 * What is called of the API, each case by itself, on one page with two clients of ours: `client` downloads what
 * `seeder` seeds. `tests/browser/test_api.py` runs every case; docs/api.md says which call is in which.
 */
const text = new TextEncoder()
const isSame = (a, b) => a.length === b.length && a.every((byte, index) => byte === b[index])
const once = (emitter, name) => new Promise(resolve => emitter.once(name, (...args) => resolve(args)))
const added = (client, id, options = {}) => new Promise((resolve, reject) => {
  client.add(id, options, resolve).once('error', reject)
})
const seeded = (client, input, options) => new Promise((resolve, reject) => {
  client.seed(input, options, resolve).once('error', reject)
})

function equal (actual, expected, what = 'value') {
  const [a, b] = [actual, expected].map(value => JSON.stringify(value))
  if (a !== b) throw new Error(`${what}: ${a}, expected ${b}`)
}

function ok (value, what) {
  if (!value) throw new Error(`not so: ${what}`)
}

/** The error of a call that throws, or whose promise rejects. */
async function failure (call) {
  try {
    await call()
  } catch (error) {
    return error
  }
  throw new Error('nothing failed')
}

async function until (condition, what) {
  for (const start = performance.now(); !condition();) {
    if (performance.now() - start > 20_000) throw new Error(`never so: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

globalThis.api = {
  CONTENTS: [300_000, 70_000, 5].map((size, seed) => Uint8Array.from({ length: size }, (_, index) => (index * index + seed) % 251)),

  async setUp (tracker) {
    const options = { tracker: { rtcConfig: { iceServers: [] } } }
    this.tracker = tracker
    this.seeder = new WebTorrent(options)
    this.client = new WebTorrent(options)
    this.errors = []
    for (const each of [this.seeder, this.client]) each.on('error', error => this.errors.push(error))
    this.files = ['one.bin', 'two.bin', 'three.txt'].map((name, index) => new File([this.CONTENTS[index]], `album/${name}`))
    this.lonelyFile = new File([this.CONTENTS[1]], 'lonely.bin')
    this.lonely = await seeded(this.seeder, this.lonelyFile, { announce: [], name: 'lonely' })
    await this.lonely.destroy()
    this.album = await seeded(this.seeder, this.files, { announce: [tracker], pieceLength: 32768, createdBy: 'the test' })
  },

  async run (name) {
    this.errors.length = 0
    await this.cases[name].call(this)
    equal(this.errors.map(String), [], 'errors of the clients')
    for (const torrent of [...this.client.torrents]) await torrent.destroy()
  },

  cases: {
    async client_has_its_properties () {
      const { client } = this
      await until(() => client.ready, 'ready')
      ok(WebTorrent.WEBRTC_SUPPORT === true && /^\d+\.\d+\.\d+/.test(WebTorrent.VERSION), 'the statics')
      ok(/^[0-9a-f]{40}$/.test(client.peerId) && /^[0-9a-f]{40}$/.test(client.nodeId), 'the ids')
      equal([client.torrents, client.downloadSpeed, client.uploadSpeed, client.progress, client.ratio], [[], 0, 0, 0, 0])
      equal([client.ready, client.destroyed, client.maxConns], [true, false, 55])
    },

    async a_client_takes_every_option () {
      const peerId = '2d5750303031302d' + '61'.repeat(12)
      const made = new WebTorrent({
        peerId, nodeId: Uint8Array.from({ length: 20 }, () => 171), maxConns: 7, downloadLimit: 1e6, uploadLimit: -1, tracker: false, dht: false, lsd: false,
        utPex: false, natUpnp: false, natPmp: false, utp: false, secure: 1, blocklist: ['10.0.0.0/8'], webSeeds: true
      })
      equal([made.peerId, made.nodeId, made.maxConns], [peerId, 'ab'.repeat(20), 7])
      const events = []
      for (const name of ['add', 'ready', 'torrent', 'remove', 'seed', 'error']) made.on(name, () => events.push(name))
      const torrent = await added(made, this.album.torrentFile, { announce: ['wss://more.test'] })
      // They are the torrent's, though none of them is used.
      equal(torrent.announce, [this.tracker, 'wss://more.test'])
      ok(torrent.magnetURI.endsWith('&tr=wss%3A%2F%2Fmore.test'), torrent.magnetURI)
      await made.remove(torrent)
      equal(events, ['add', 'ready', 'torrent', 'remove'])
      await new Promise(resolve => made.destroy(resolve))
      ok(made.destroyed, 'destroyed')
      equal((await failure(() => made.add(this.album.infoHash))).code, 'ERR_DESTROYED')
      equal((await failure(() => made.seed(new Uint8Array(1)))).code, 'ERR_DESTROYED')
      equal((await failure(() => made.destroy())).code, 'ERR_DESTROYED')
      equal((await failure(() => made.get(this.album.infoHash))).code, 'ERR_DESTROYED')
      equal((await failure(() => made.remove(this.album.infoHash))).code, 'ERR_DESTROYED')
    },

    async a_client_that_cannot_be_made_says_why () {
      const made = new WebTorrent({ peerId: 'abc' })
      const [error] = await once(made, 'error')
      equal([error.code, made.destroyed], ['ERR_INVALID_OPTION', true])
    },

    async torrents_are_added_by_every_kind_of_id () {
      const { client, album } = this
      const { infoHash, magnetURI, torrentFile } = album
      const bytes = Uint8Array.from(infoHash.match(/../g), digits => parseInt(digits, 16))
      const infoBuffer = torrentFile.slice(infoStart(torrentFile), -1)
      const parsed = { infoHash, name: 'album', announce: this.tracker, infoBuffer }
      const url = URL.createObjectURL(new Blob([torrentFile])).replace('blob:', '')
      ok(url, 'a url')
      const ids = [
        infoHash, infoHash.toUpperCase(), bytes, magnetURI, torrentFile, torrentFile.slice().buffer, new Blob([torrentFile]),
        { infoHash }, parsed
      ]
      for (const id of ids) {
        const torrent = client.add(id)
        await once(torrent, 'infoHash')
        equal(torrent.infoHash, infoHash)
        if (id === parsed) equal([torrent.announce, torrent.length], [[this.tracker], 370_005])
        if (id === infoHash) equal(torrent.magnetURI, `magnet:?xt=urn:btih:${infoHash}`)
        ok(await client.get(id) === torrent, 'get')
        await client.remove(id)
        ok(await client.get(id) === null, 'get after remove')
        equal(client.torrents.length, 0)
      }
    },

    async what_is_no_torrent_is_an_error_of_its_torrent_or_the_clients () {
      const { client } = this
      const ids = ['', 'what?', new Uint8Array([97, 98, 99]), {}, null, { infoHash: 'abc' }, 'magnet:?dn=x']
      for (const id of ids) {
        const [error] = await once(client.add(id), 'error')
        ok(error instanceof Error && error.code.startsWith('ERR_') && error.name !== 'Error', `${id}: ${error.name}`)
      }
      ok((await once(client.add(''), 'error'))[0].message.includes('Invalid torrent identifier'), 'the original\'s words')
      client.add('what?')
      await once(client, 'error')
      equal(this.errors.splice(0).map(error => error.code), ['ERR_INVALID_TORRENT_ID'])
      const unnamed = client.add('what?')
      unnamed.on('error', () => {})
      await once(unnamed, 'close')
      ok(unnamed.destroyed && !client.destroyed, 'only the torrent is destroyed')
    },

    async a_torrent_that_is_there_is_what_adding_it_again_gives () {
      const { client, album } = this
      const first = await added(client, album.torrentFile)
      const again = []
      const second = client.add(album.magnetURI, torrent => again.push(torrent))
      const [error] = await once(client, 'warning')
      ok(again[0] === first && second.destroyed, 'the callback has the first')
      equal([error.code, client.torrents.length], ['ERR_DUPLICATE_TORRENT', 1])
      // As in the original, for those who listen.
      const third = client.add(album.infoHash)
      equal((await once(third, 'error'))[0].code, 'ERR_DUPLICATE_TORRENT')
      const seededAgain = await new Promise(resolve => this.seeder.seed(this.files, { pieceLength: 32768 }, resolve))
      ok(seededAgain === album, 'seed gives the one that is there')
    },

    async a_torrent_takes_every_option () {
      const { client, album } = this
      const torrent = await added(client, album.torrentFile, {
        announce: ['wss://a.test', 'wss://a.test'], private: true, paused: true, deselect: true, strategy: 'sequential',
        path: '/music', maxWebConns: 2, noPeersIntervalTime: 1, addUID: true, destroyStoreOnDestroy: true, storeCacheSlots: 0,
        skipVerify: true, alwaysChokeSeeders: false, uploads: false
      })
      equal(torrent.announce, [this.tracker, 'wss://a.test'])
      equal([torrent.private, torrent.paused, torrent.path, torrent.maxWebConns], [true, true, '/music', 2])
      equal(await once(torrent, 'noPeers'), ['tracker'])
      await torrent.destroy({ destroyStore: true })
      const refused = client.add(album.torrentFile, { noPeersIntervalTime: 'soon' })
      equal((await once(refused, 'error'))[0].code, 'ERR_INVALID_OPTION')
    },

    async speeds_are_limited () {
      const made = new WebTorrent({ tracker: { rtcConfig: { iceServers: [] } }, downloadLimit: 0 })
      const torrent = made.add(this.album.torrentFile)
      await once(torrent, 'wire')
      await new Promise(resolve => setTimeout(resolve, 1000))
      equal([torrent.received, torrent.done], [0, false])
      torrent.throttleDownload(50000000)
      torrent.throttleUpload(0)
      made.throttleDownload(-1)
      made.throttleUpload(1e6)
      await once(torrent, 'done')
      made.throttleDownload('fast')
      equal((await once(made, 'error'))[0].code, 'ERR_INVALID_OPTION')
      await made.destroy()
    },

    async trackers_are_told_what_the_page_wants () {
      let count = 0
      const torrent = this.client.add(this.album.infoHash, { announce: [this.toldTracker], getAnnounceOpts: () => ({ token: `t${++count}` }) })
      await once(torrent, 'trackerAnnounce')
      ok(count >= 1, 'asked')
    },

    async everything_can_be_seeded () {
      const { client } = this
      const bytes = text.encode('some bytes')
      const named = text.encode('some bytes')
      named.name = 'named.txt'
      const stream = () => new Blob([bytes]).stream()
      async function * generate () { yield bytes.subarray(0, 4); yield bytes.subarray(4) }
      const inputs = {
        File: new File([bytes], 'x'), Blob: new Blob([bytes]), Uint8Array: bytes, ArrayBuffer: bytes.slice().buffer,
        numbers: [...bytes], ReadableStream: stream(), iterable: generate(), 'array of one': [new File([bytes], 'x')]
      }
      let infoHash = null
      for (const [kind, input] of Object.entries(inputs)) {
        const torrent = await seeded(client, input, { name: 'x', announce: [] })
        infoHash ??= torrent.infoHash
        equal([kind, torrent.infoHash, torrent.length, torrent.name], [kind, infoHash, 10, 'x'])
        equal(await (await torrent.files[0].blob()).text(), 'some bytes')
        await torrent.destroy()
      }
      const several = [named, new File([bytes], 'folder/a.txt'), Object.assign(generate(), { name: 'b.txt' }), bytes, stream()]
      const torrent = await seeded(client, several, { announce: [] })
      equal(torrent.files.map(file => file.path), [
        'named.txt/named.txt', 'named.txt/folder/a.txt', 'named.txt/b.txt', 'named.txt/Unknown File 4', 'named.txt/Unknown File 5'
      ])
      const dropped = Object.assign(text.encode('a'), { fullPath: '/imgs/a.txt' })
      const folder = [dropped, Object.assign(text.encode('b'), { fullPath: '/imgs/b.txt' }), new File(['-'], 'imgs/.DS_Store')]
      const images = await seeded(client, folder, { announce: [] })
      equal([images.name, images.files.map(file => file.path)], ['imgs', ['imgs/a.txt', 'imgs/b.txt']])
      for (const nothing of [[], null, 7, [null], 'path/to/file']) {
        equal((await failure(() => seeded(client, nothing, { announce: [] }))).code, 'ERR_INVALID_OPTION', String(nothing))
      }
    },

    async a_seed_is_made_as_its_options_say () {
      const { client } = this
      const torrent = await seeded(client, new File(['content'], 'a'), {
        name: 'b', comment: 'hello', createdBy: 'me', creationDate: new Date(1_500_000_000_000), private: true, pieceLength: 32768,
        announceList: [['wss://a.test'], ['wss://b.test']], announce: ['wss://ignored.test'], urlList: ['https://seed.test/'],
        info: { source: 'here' }
      })
      equal([torrent.name, torrent.comment, torrent.createdBy, torrent.created.getTime()], ['b', 'hello', 'me', 1_500_000_000_000])
      equal([torrent.private, torrent.pieceLength, torrent.announce], [true, 32768, ['wss://a.test', 'wss://b.test']])
      const file = new TextDecoder('latin1').decode(torrent.torrentFile)
      ok(file.includes('6:source4:here') && file.includes('8:url-list') && file.includes('7:privatei1e'), file)
      ok(torrent.torrentFileBlob instanceof Blob && torrent.torrentFileBlob.size === torrent.torrentFile.length, 'the Blob')
      const plain = await seeded(client, new File(['content'], 'c'), { announce: [] })
      ok(Math.abs(plain.created - Date.now()) < 60_000 && plain.createdBy.startsWith('webtorrent-py'), 'made now, by us')
      equal([plain.private, plain.comment], [false, null])
    },

    async a_download_has_its_properties_and_events_in_order () {
      const { client, album } = this
      const events = []
      const torrent = client.add(album.magnetURI)
      const counts = { download: 0, verified: [], fileDone: 0 }
      for (const name of ['infoHash', 'metadata', 'ready', 'done', 'idle', 'error', 'warning']) torrent.on(name, () => events.push(name))
      torrent.on('download', bytes => { counts.download += bytes })
      torrent.on('verified', index => counts.verified.push(index))
      torrent.on('ready', () => torrent.files.forEach(file => file.on('done', () => counts.fileDone++)))
      const wired = once(torrent, 'wire')
      const uploading = once(album, 'upload')
      await once(torrent, 'idle')
      equal(events, ['infoHash', 'metadata', 'ready', 'done', 'idle'])
      equal([counts.download, counts.verified.sort((a, b) => a - b), counts.fileDone], [370_005, [...Array(12).keys()], 3])
      const { infoHash, name, length, pieceLength, lastPieceLength, progress, downloaded, received, ready, done, timeRemaining } = torrent
      equal([infoHash, name, length, pieceLength, lastPieceLength], [album.infoHash, 'album', 370_005, 32768, 370_005 % 32768])
      equal([progress, downloaded, received, ready, done, timeRemaining], [1, length, length, true, true, 0])
      equal([torrent.destroyed, torrent.paused, torrent.numPeers, torrent.wires.length], [false, false, 1, 1])
      equal(torrent.pieces, Array(12).fill(null))
      ok(torrent.magnetURI === album.magnetURI && torrent.client === client, 'the link and the client')
      ok(torrent.downloadSpeed > 0 && client.downloadSpeed > 0, 'speeds')
      const [bytes] = await uploading
      ok(bytes > 0 && album.uploaded >= bytes && album.ratio > 0 && this.seeder.ratio > 0, 'uploads')
      await until(() => album.uploadSpeed > 0 && this.seeder.uploadSpeed > 0, 'upload speed')
      const [wire] = await wired
      ok(torrent.wires[0] === wire, 'the wire')
      for (const [index, file] of torrent.files.entries()) {
        ok(isSame(new Uint8Array(await file.arrayBuffer()), this.CONTENTS[index]), file.name)
      }
    },

    async pieces_are_selected_deselected_and_critical () {
      const { client, album } = this
      const torrent = await added(client, album.torrentFile, { deselect: true })
      equal([torrent.pieces.length, torrent.pieces[0], torrent.pieces[11]], [12, { length: 32768, missing: 32768 }, { length: 9557, missing: 9557 }])
      const come = []
      torrent.on('verified', index => come.push(index))
      let notified = 0
      torrent.select(2, 3, 5, () => notified++)
      await once(torrent, 'done')
      equal([come.sort(), notified, torrent.progress < 1], [[2, 3], 2, true])
      torrent.select(5, 5, true)
      torrent.select(9, 9)
      torrent.critical(9, 9)
      await until(() => come.length === 4, 'two more')
      torrent.select(6, 11)
      torrent.deselect(0, 11)
      equal(torrent.pieces[2], null)
      for (const [first, last] of [[3, 2], [-1, 2], [0, 12], [0.5, 1], ['a', 'b']]) {
        for (const call of ['select', 'deselect', 'critical']) {
          equal((await failure(() => torrent[call](first, last))).code, 'ERR_INVALID_RANGE', `${call} ${first} ${last}`)
        }
      }
    },

    async a_magnet_link_may_name_files_to_download () {
      const { client, album } = this
      const torrent = client.add(`${album.magnetURI}&so=2`)
      await once(torrent, 'done')
      ok(torrent.files[2].done && !torrent.files[0].done, 'only the third')
    },

    async a_paused_torrent_rests_until_it_is_resumed () {
      const { client, album } = this
      const torrent = await added(client, album.torrentFile, { paused: true })
      equal([torrent.paused, torrent.received], [true, 0])
      torrent.resume()
      equal(torrent.paused, false)
      await once(torrent, 'done')
      torrent.pause()
      equal(torrent.paused, true)
      torrent.resume()
    },

    async a_file_has_its_properties () {
      const torrent = await added(this.client, this.album.torrentFile)
      const [one, two, three] = torrent.files
      equal([one.name, one.path, one.length, one.size, one.offset], ['one.bin', 'album/one.bin', 300_000, 300_000, 0])
      equal([three.type, one.type, two.offset], ['text/plain', 'application/octet-stream', 300_000])
      equal([one.includes(0), one.includes(9), one.includes(10), two.includes(9), two.includes(0)], [true, true, false, true, false])
      await Promise.all(torrent.files.map(file => file.done || once(file, 'done')))
      equal([one.downloaded, one.progress, one.done], [300_000, 1, true])
    },

    async files_are_selected_and_deselected () {
      const torrent = await added(this.client, this.album.torrentFile, { deselect: true })
      torrent.files[2].select(3)
      await once(torrent.files[2], 'done')
      ok(!torrent.files[0].done, 'the first was not selected')
      torrent.files[0].select()
      torrent.files[0].deselect()
      torrent.files[1].select()
      await once(torrent.files[1], 'done')
    },

    async ranges_of_bytes_are_inclusive () {
      const torrent = await added(this.client, this.album.torrentFile, { deselect: true })
      const [content, file] = [this.CONTENTS[0], torrent.files[0]]
      for (const [range, start, end] of [
        [{ start: 0, end: 0 }, 0, 1], [{ start: 100, end: 40_000 }, 100, 40_001], [{ start: 299_990 }, 299_990, 300_000],
        [{ end: 9 }, 0, 10], [{ start: 299_999, end: 10 ** 9 }, 299_999, 300_000], [{}, 0, 300_000], [undefined, 0, 300_000]
      ]) {
        const expected = content.slice(start, end)
        ok(isSame(new Uint8Array(await file.arrayBuffer(range)), expected), `arrayBuffer ${JSON.stringify(range)}`)
        const blob = await file.blob(range)
        ok(blob.type === file.type && isSame(new Uint8Array(await blob.arrayBuffer()), expected), 'blob')
        ok(isSame(new Uint8Array(await new Response(file.stream(range)).arrayBuffer()), expected), 'stream')
        const parts = []
        for await (const part of file[Symbol.asyncIterator](range)) append(parts, part)
        ok(isSame(parts, expected), 'iteration')
        ok(isSame(await gather(file.createReadStream(range)), expected), 'createReadStream')
      }
      for (const range of [{ start: -1 }, { start: 5, end: 3 }, { start: 300_001 }, { start: 'a' }]) {
        equal((await failure(() => file.arrayBuffer(range))).code, 'ERR_INVALID_RANGE', JSON.stringify(range))
        equal((await failure(() => file.createReadStream(range))).code, 'ERR_INVALID_RANGE')
      }
    },

    async reading_that_ends_early_stops_the_download () {
      const torrent = await added(this.client, this.album.torrentFile, { deselect: true })
      const [file] = torrent.files
      for await (const part of file) {
        ok(part instanceof Uint8Array && part.length > 0, 'a part')
        break
      }
      const reader = file.stream().getReader()
      await reader.read()
      await reader.cancel()
      const stream = file.createReadStream()
      await once(stream, 'data')
      stream.destroy()
      await once(stream, 'close')
      ok(stream.destroyed, 'the stream')
      // One that waits for bytes which nobody brings ends as well.
      const alone = await added(this.client, this.lonely.torrentFile, { announce: [] })
      const waiting = alone.files[0].createReadStream()
      waiting.resume()
      waiting.destroy()
      await once(waiting, 'close')
      const iterator = alone.files[0][Symbol.asyncIterator]()
      const next = iterator.next()
      await iterator.return()
      equal(await next, { done: true })
    },

    async a_read_stream_works_as_nodes_do () {
      const torrent = await added(this.client, this.album.torrentFile)
      const [content, file] = [this.CONTENTS[0], torrent.files[0]]
      const pulled = []
      const stream = file.createReadStream()
      stream.on('readable', () => { for (let part; (part = stream.read()) !== null;) append(pulled, part) })
      await once(stream, 'end')
      ok(isSame(pulled, content), 'readable and read')
      const paused = file.createReadStream({ end: 99_999 })
      const pushed = []
      paused.on('data', part => {
        append(pushed, part)
        paused.pause()
        setTimeout(() => paused.resume(), 5)
      })
      await once(paused, 'end')
      ok(isSame(pushed, content.slice(0, 100_000)) && !paused.readable, 'pause and resume')
      const written = []
      const target = { write: part => append(written, part), end: () => { written.end = true }, once () {} }
      ok(file.createReadStream().pipe(target) === target, 'pipe returns its target')
      await until(() => written.end, 'the end of the pipe')
      ok(isSame(written, content), 'pipe')
      const iterated = []
      for await (const part of file.createReadStream()) append(iterated, part)
      ok(isSame(iterated, content), 'iteration')
    },

    async methods_that_the_original_has_no_more_are_still_there () {
      const torrent = await added(this.client, this.album.torrentFile)
      const file = torrent.files[2]
      const call = (name, ...args) => new Promise((resolve, reject) => {
        file[name](...args, (error, value) => error ? reject(error) : resolve(value))
      })
      ok(isSame(await call('getBuffer'), this.CONTENTS[2]), 'getBuffer')
      equal((await call('getBlob')).size, 5)
      ok(isSame(new Uint8Array(await (await fetch(await call('getBlobURL'))).arrayBuffer()), this.CONTENTS[2]), 'getBlobURL')
      equal((await call('appendTo', 'body')).nodeName, 'PRE')
    },

    async nothing_works_and_nothing_hangs_after_destroy () {
      const torrent = await added(this.client, this.album.torrentFile)
      const [file] = torrent.files
      const [wire] = torrent.wires.length ? torrent.wires : await once(torrent, 'wire')
      const stream = file.createReadStream()
      const closed = once(torrent, 'close')
      const wireClosed = once(wire, 'close')
      await torrent.destroy()
      await Promise.all([closed, wireClosed])
      ok(torrent.destroyed && wire.destroyed, 'both are destroyed')
      const calls = {
        select: () => torrent.select(0, 1), deselect: () => torrent.deselect(0, 1), critical: () => torrent.critical(0, 1),
        addPeer: () => torrent.addPeer('1.2.3.4:5'), 'file.select': () => file.select(), 'file.deselect': () => file.deselect(),
        arrayBuffer: () => file.arrayBuffer(), blob: () => file.blob(), createReadStream: () => file.createReadStream(),
        stream: () => file.stream().getReader().read(), iterate: () => file[Symbol.asyncIterator]().next(),
        getBuffer: () => new Promise((resolve, reject) => file.getBuffer(error => error ? reject(error) : resolve())),
        extended: () => wire._command('extended', [])
      }
      for (const [name, call] of Object.entries(calls)) equal((await failure(call)).code, 'ERR_DESTROYED', name)
      torrent.pause() // as in the original
      torrent.resume()
      wire.destroy()
      await torrent.destroy()
      let error = null
      stream.on('error', each => { error = each })
      stream.resume()
      await once(stream, 'close')
      equal(error.code, 'ERR_DESTROYED')
    },

    async removing_calls_back_and_tells_of_what_is_not_there () {
      const { client, album } = this
      const torrent = await added(client, album.torrentFile)
      const removed = once(client, 'remove')
      await new Promise((resolve, reject) => client.remove(torrent, { destroyStore: true }, error => error ? reject(error) : resolve()))
      ok((await removed)[0] === torrent, 'remove')
      equal((await failure(() => client.remove(album.infoHash))).code, 'ERR_UNKNOWN_TORRENT')
      const error = await new Promise(resolve => client.remove(album.infoHash, resolve).catch(() => {}))
      equal(error.code, 'ERR_UNKNOWN_TORRENT')
      const other = client.add(album.infoHash)
      await new Promise((resolve, reject) => other.destroy(each => each ? reject(each) : resolve()))
      equal(client.torrents.length, 0)
    },

    async web_seeds_are_named_and_added () {
      const seeds = ['one', 'two'].map(name => new URL(`/nothing/${name}/`, location).href)
      const torrent = await added(this.client, this.album.torrentFile, { urlList: seeds[0], announce: [], paused: true })
      equal(torrent.urlList, [seeds[0]])
      torrent.addWebSeed(seeds[1])
      await until(() => torrent.urlList.length === 2, 'both')
      ok(torrent.magnetURI.includes(`ws=${encodeURIComponent(seeds[1])}`), torrent.magnetURI)
    },

    async what_is_there_is_checked_again () {
      const torrent = await added(this.client, this.album.torrentFile)
      await new Promise(resolve => torrent.done ? resolve() : torrent.once('done', resolve))
      for (const each of [torrent, this.album]) {
        equal(await new Promise(resolve => each.rescanFiles(error => resolve(error?.message ?? null))), null)
      }
      const { cause, message } = await torrent.diagnose()
      equal([cause, message], ['complete', 'It is complete.'])
    },

    async a_wire_has_the_original_interface () {
      const torrent = this.client.add(this.album.magnetURI)
      const heard = {}
      const listen = wire => {
        for (const name of ['handshake', 'extended', 'unchoke', 'interested', 'bitfield', 'download', 'close']) {
          wire.on(name, (...args) => { heard[name] = args })
        }
      }
      torrent.once('wire', listen)
      const [wire, address] = await once(torrent, 'wire')
      equal([wire.peerId, wire.type, address, wire.remoteAddress], [this.seeder.peerId, 'webrtc'].concat([null, null]))
      equal(wire.peerExtensions, { dht: false, fast: true, extended: true })
      await once(torrent, 'done')
      await until(() => wire.downloaded === 370_005 && wire.peerPieces.get(11), 'the state')
      equal(heard.handshake, [torrent.infoHash, wire.peerId, wire.peerExtensions])
      equal([heard.extended[0], wire.peerExtendedMapping], ['handshake', { lt_donthave: 3, ut_metadata: 1 }])
      ok(heard.bitfield && heard.download, 'events')
      equal([wire.amChoking, wire.peerInterested, wire.uploaded], [true, false, 0])
      equal([wire.peerPieces.get(0), wire.peerPieces.get(12)], [true, false])
      ok(typeof wire.downloadSpeed() === 'number' && wire.downloadSpeed >= 0 && wire.uploadSpeed + 0 === 0, 'speeds')
      wire.setKeepAlive(true)
      wire.setTimeout(1000)
      wire.destroy()
      await until(() => heard.close, 'close')
      ok(wire.destroyed && !torrent.wires.includes(wire), 'gone')
    },

    async extensions_talk_over_wires () {
      const { client, album } = this
      const Ours = chat('hello from here'), Theirs = chat('hello from there')
      const there = new Promise(resolve => album.once('wire', wire => { wire.use(Theirs); resolve(wire) }))
      const torrent = client.add(album.magnetURI)
      const here = await new Promise(resolve => torrent.once('wire', wire => { wire.use(Ours); resolve(wire) }))
      const other = await there
      await until(() => here.chat.heard.length > 0 && other.chat.heard.length > 0, 'both greetings')
      equal([here.chat.heard, other.chat.heard], [['hello from there'], ['hello from here']])
      equal([here.chat.told, here.chat.handshake], ['onHandshake', [torrent.infoHash, here.peerId]])
      equal(here.chat.nick, 'hello from there')
      here.extended('chat', { list: [1, text.encode('two')] })
      here.extended('chat', text.encode('bytes as they are'))
      await until(() => other.chat.heard.length === 3, 'messages')
      equal(other.chat.heard.slice(1), ['d4:listli1e3:twoee', 'bytes as they are'])
      equal((await failure(() => here.extended('unheard', {}))).code, 'ERR_UNKNOWN_EXTENSION')
      ok(await failure(() => here.use(class {})), 'an extension without a name')
      const warned = once(torrent, 'warning')
      const Taken = class {}
      Taken.prototype.name = 'ut_metadata'
      here.use(Taken)
      equal((await warned)[0].code, 'ERR_INVALID_OPTION')
      // One that is added later is told of later.
      const Late = class { onMessage (payload) { this.heard = new TextDecoder().decode(payload) } }
      Late.prototype.name = 'late'
      here.use(Late)
      other.use(Late)
      await until(() => 'late' in other.peerExtendedMapping, 'the handshake that comes again')
      other.extended('late', 7)
      await until(() => here.late.heard, 'its message')
      equal(here.late.heard, 'i7e')
    },

    async peers_are_introduced_as_simple_peers () {
      const { client, album } = this
      const torrent = await added(client, album.torrentFile, { announce: [] })
      const [alone] = [await added(client, this.lonely.torrentFile, { announce: [] })]
      equal([alone.addPeer('10.0.0.1:6881'), alone.addPeer({})], [false, false])
      const lonelySeed = await seeded(this.seeder, this.lonelyFile, { announce: [], name: 'lonely' })
      const [a, b] = await pair()
      equal([lonelySeed.addPeer(a), alone.addPeer(b), alone.addPeer(b)], [true, true, false])
      const [wire] = await once(alone, 'wire')
      await once(alone, 'done')
      equal([wire.peerId, alone.numPeers], [this.seeder.peerId, 1])
      const gone = once(wire, 'close')
      alone.removePeer(this.seeder.peerId)
      await gone
      await until(() => b.destroyed, 'the end of the simple-peer')
      const [c, d] = await pair()
      lonelySeed.addPeer(c)
      alone.addPeer(d)
      await once(alone, 'wire')
      alone.removePeer(d)
      await until(() => alone.numPeers === 0, 'the second is gone')
      await lonelySeed.destroy()
      ok(torrent, 'another torrent is untouched')
    }
  }
}

/** Where the info dictionary begins: it is the last entry of what we write. */
function infoStart (torrentFile) {
  return new TextDecoder('latin1').decode(torrentFile).indexOf('4:info') + 6
}

/** `push(...part)` has no room for large parts. */
function append (bytes, part) {
  for (const byte of part) bytes.push(byte)
}

async function gather (stream) {
  const parts = []
  stream.on('data', part => append(parts, part))
  await once(stream, 'end')
  return parts
}

/** An extension as they are written for bittorrent-protocol. */
function chat (greeting) {
  class Chat {
    constructor (wire) {
      this.wire = wire
      this.heard = []
      wire.extendedHandshake.nick = greeting
    }

    onHandshake (infoHash, peerId) {
      this.told = 'onHandshake'
      this.handshake = [infoHash, peerId]
    }

    onExtendedHandshake (handshake) {
      this.nick = new TextDecoder().decode(handshake.nick)
      this.wire.extended('chat', text.encode(greeting))
    }

    onMessage (payload) {
      this.heard.push(new TextDecoder().decode(payload))
    }
  }
  Chat.prototype.name = 'chat'
  return Chat
}

/** Two simple-peers that are connecting to each other. */
async function pair () {
  const { default: SimplePeer } = await import('/simple-peer/simple-peer.js')
  const [a, b] = [new SimplePeer({ initiator: true, config: { iceServers: [] } }), new SimplePeer({ config: { iceServers: [] } })]
  a.on('signal', data => b.signal(data))
  b.on('signal', data => a.signal(data))
  for (const peer of [a, b]) peer.on('error', () => {})
  return [a, b]
}
