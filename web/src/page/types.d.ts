// Types of `webtorrent-py.js` (a global `WebTorrent`) and `webtorrent-py.mjs` (its default export).

type WebTorrentConstructor = typeof WebTorrent

declare global {
  var WebTorrent: WebTorrentConstructor
}

/** A magnet link, an info hash, a torrent file or its URL, or what parse-torrent made of one. */
export type TorrentId = string | ArrayBuffer | ArrayBufferView | Blob | ParsedTorrent

export interface ParsedTorrent {
  infoHash: string
  name?: string
  announce?: string | string[]
  urlList?: string | string[]
  comment?: string
  createdBy?: string
  xs?: string | string[]
  so?: number[]
  peerAddresses?: string[]
  /** The bencoded info dictionary; without it the torrent begins as a magnet link does. */
  infoBuffer?: Uint8Array
  [key: string]: unknown
}

type SeedItem = Blob | ArrayBuffer | ArrayBufferView | number[] | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>

/** Files to make a torrent of. What has no name of its own may be given one as its property `name`. */
export type SeedInput = SeedItem | SeedItem[] | FileList

/** What comes last in a call: options and a callback, one of them, or none. */
export type OptionsAndCallback<Options, Callback> = [callback?: Callback] | [options: Options | null | undefined, callback?: Callback]

export interface DestroyOptions {
  /** Whether to delete what was stored. Nothing outlives the page anyway. */
  destroyStore?: boolean
}

export interface TrackerOptions {
  /** Trackers for every torrent that is not private. */
  announce?: string | string[]
  /** For every connection to a peer; STUN and TURN servers above all. */
  rtcConfig?: RTCConfiguration
  /** More to tell the trackers. Asked when a torrent is added and after each announce, for the next one. */
  getAnnounceOpts?: () => object
}

/** Bytes from `start` to `end`, both inclusive. */
export interface Range {
  start?: number
  end?: number
}

/** The abstract-chunk-store interface. */
export interface ChunkStore {
  put (index: number, piece: Uint8Array, callback: (error?: Error | null) => void): void
  get (index: number, callback: (error?: Error | null, piece?: Uint8Array) => void): void
  close (callback: (error?: Error | null) => void): void
}

export type ChunkStoreConstructor = new (pieceLength: number, options: object) => ChunkStore

export interface RenderOptions {
  autoplay?: boolean
  muted?: boolean
  controls?: boolean
  maxBlobLength?: number
}

export type RenderCallback = (error: Error | null, element?: HTMLElement) => void

/** A piece that is not there yet. */
export interface Piece {
  length: number
  missing: number
}

/** What a peer's handshake says it can do. */
export interface Features {
  dht: boolean
  fast: boolean
  extended: boolean
}

export interface Bitfield {
  readonly buffer: Uint8Array
  get (index: number): boolean
}

/** As a number or as a function. */
export type Speed = number & (() => number)

/** An extension of the peer protocol (BEP 10), with a `name` on its prototype. */
export interface ExtensionClass {
  new (wire: Wire): Extension
  prototype: { name: string }
}

export interface Extension {
  onHandshake? (infoHash: string, peerId: string, extensions: Features): void
  onExtendedHandshake? (handshake: Record<string, unknown>): void
  onMessage? (payload: Uint8Array): void
}

/** Why a torrent has no peers or makes no progress. */
export interface Diagnosis {
  cause: Cause
  /** A sentence for users. */
  message: string
  /** Connected peers: how many there are, have what is missing, and serve us. */
  peers: { connected: number, useful: number, serving: number }
  /** Offers that were sent, and that nobody took; connections that opened, and that failed. */
  attempts: { offered: number, unanswered: number, opened: number, failed: number }
  /** The trackers that a page can use; what they have not told is null. */
  trackers: {
    url: string
    answered: boolean
    seeders: number | null
    leechers: number | null
    failing_for: number | null
    reason: string | null
  }[]
  /** URLs of those that it cannot. */
  unusableTrackers: string[]
  /** URL → why it is not used now. */
  webSeedErrors: Record<string, string>
}

/** What `addPeer` needs of a simple-peer. */
export interface PeerLike {
  initiator?: boolean
  connected?: boolean
  destroyed?: boolean
  on (event: string, listener: (...args: any[]) => void): unknown
  send (data: Uint8Array): void
  write? (data: Uint8Array): boolean
  destroy (): unknown
}

/** A readable stream of Node's kind. */
export declare class ReadStream {
  private constructor ()
  readonly readable: boolean
  readonly readableEnded: boolean
  readonly readableFlowing: boolean | null
  readonly destroyed: boolean
  on (event: 'data', listener: (part: Uint8Array) => void): this
  on (event: 'readable' | 'end' | 'close', listener: () => void): this
  on (event: 'error', listener: (error: Error) => void): this
  once: ReadStream['on']
  off (event: string, listener: (...args: any[]) => void): this
  read (): Uint8Array | null
  pause (): this
  resume (): this
  isPaused (): boolean
  pipe<Target extends { write (part: Uint8Array): unknown, end (): unknown }> (target: Target, options?: { end?: boolean }): Target
  destroy (error?: Error): this
  [Symbol.asyncIterator] (): AsyncGenerator<Uint8Array, void, undefined>
}

/** Node's EventEmitter, with the events of a class. */
declare class Emitter<Events extends Record<keyof Events, unknown[]>> {
  on<Name extends keyof Events> (event: Name, listener: (...args: Events[Name]) => void): this
  addListener<Name extends keyof Events> (event: Name, listener: (...args: Events[Name]) => void): this
  once<Name extends keyof Events> (event: Name, listener: (...args: Events[Name]) => void): this
  off<Name extends keyof Events> (event: Name, listener: (...args: Events[Name]) => void): this
  removeListener<Name extends keyof Events> (event: Name, listener: (...args: Events[Name]) => void): this
  removeAllListeners (event?: keyof Events): this
  emit<Name extends keyof Events> (event: Name, ...args: Events[Name]): boolean
  listenerCount (event: keyof Events): number
}
