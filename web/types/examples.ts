// What pages write, for the type checker alone: that it takes all of this, and refuses what is marked.

import WebTorrentModule, {
  type Bitfield, type Diagnosis, type Extension, type File as TorrentFile, type Piece, type Torrent, type Wire
} from '../src/page/generated/webtorrent-py.js'

const client = new WebTorrent({
  maxConns: 10, peerId: new Uint8Array(20), dht: false, lsd: false, utPex: false, natUpnp: 'permanent', secure: 1,
  tracker: { announce: ['wss://tracker.example'], rtcConfig: { iceServers: [] }, getAnnounceOpts: () => ({ token: 1 }) }
})
const other: WebTorrentModule = new WebTorrentModule({ tracker: false })
const supported: boolean = WebTorrent.WEBRTC_SUPPORT
const version: string = WebTorrent.VERSION

client.on('error', error => console.error(error.message))
client.on('torrent', torrent => console.log(torrent.name))
client.once('ready', () => {})
// @ts-expect-error there is no such event
client.on('redy', () => {})
// @ts-expect-error it has no such option
new WebTorrent({ trackers: [] })

client.add('magnet:?xt=urn:btih:08ada5a7a6183aae1e09d831df6748d566095a10', torrent => {
  const file = torrent.files.find(each => each.name.endsWith('.mp4'))
  file?.appendTo('body')
  file?.renderTo(document.createElement('video'), { autoplay: false, controls: true }, (error, element) => {
    if (error) throw error
    element?.remove()
  })
})
client.add(new Uint8Array(), { announce: ['wss://a.example'], paused: true, strategy: 'sequential', deselect: true })
client.add({ infoHash: 'ab' }, null, () => {})
client.add(new Blob([]))
// @ts-expect-error a number names no torrent
client.add(7)

async function * parts (): AsyncGenerator<Uint8Array> { yield new Uint8Array(1) }
client.seed(document.querySelector('input')!.files!, torrent => console.log(torrent.magnetURI))
client.seed([new Blob([]), new Uint8Array(1), [1, 2], parts(), new ReadableStream<Uint8Array>()], {
  name: 'x', comment: 'y', createdBy: 'z', creationDate: new Date(), private: true, pieceLength: 16384,
  announceList: [['wss://a.example']], urlList: 'https://seed.example/', info: { source: 'here' }, version: 'hybrid'
})

async function useTorrent (torrent: Torrent) {
  const pieces: (Piece | null)[] = torrent.pieces
  const created: Date | null = torrent.created
  torrent.select(0, 3, 1, () => {})
  torrent.deselect(0, 3)
  torrent.critical(1, 2)
  torrent.pause()
  torrent.resume()
  torrent.addWebSeed('https://seed.example/')
  torrent.rescanFiles(error => console.log(error))
  torrent.on('noPeers', kind => console.log(kind === 'tracker'))
  torrent.on('wire', wire => wire.use(Chat))
  torrent.on('verified', index => console.log(index + 1))
  torrent.on('download', bytes => console.log(bytes / torrent.length, torrent.timeRemaining))
  const { cause, message }: Diagnosis = await torrent.diagnose()
  if (cause === 'no-tracker') console.log(message)
  await torrent.destroy({ destroyStore: true })
  await client.remove(torrent, error => console.log(error))
  const found: Torrent | null = await client.get('ab')
  return [pieces, created, found]
}

async function useFile (file: TorrentFile) {
  const bytes: ArrayBuffer = await file.arrayBuffer({ start: 0, end: 9 })
  const blob: Blob = await file.blob()
  for await (const part of file) console.log(part.length)
  for await (const part of file.createReadStream({ start: 5 })) console.log(part.byteLength)
  file.createReadStream().on('data', part => console.log(part.length)).on('end', () => {})
  const reader = file.stream().getReader()
  file.getBuffer((error, buffer) => console.log(error, buffer?.length))
  file.getBlobURL((error, url) => console.log(error, url))
  file.select(2)
  file.on('done', () => {})
  return [bytes, blob, reader, file.includes(3)]
}

class Chat implements Extension {
  declare name: string
  constructor (readonly wire: Wire) {
    wire.extendedHandshake.nick = 'me'
  }

  onHandshake (infoHash: string, peerId: string) { console.log(infoHash, peerId) }
  onExtendedHandshake (handshake: Record<string, unknown>) { this.wire.extended('chat', { text: String(handshake.nick) }) }
  onMessage (payload: Uint8Array) { console.log(payload.length, this.wire.downloadSpeed / 1000, this.wire.uploadSpeed()) }
}
Chat.prototype.name = 'chat'

const has = (pieces: Bitfield): boolean => pieces.get(1)

export { has, other, supported, useFile, useTorrent, version }
