// A track of the input: how a MediaSource may take it, and its packets one after the other.

import { EncodedPacketSink } from 'mediabunny'

/**
 * Forms that MediaSource knows, with the codecs worth trying in each; the page asks the browser. `mpeg` is
 * bare MP3 frames: Chromium takes MP3 in no other form, Firefox only in MP4.
 */
const FORMS = [
  ['mp4', new Set(['avc', 'hevc', 'vp9', 'av1', 'aac', 'mp3', 'opus', 'flac', 'ac3', 'eac3'])],
  ['webm', new Set(['vp8', 'vp9', 'av1', 'opus', 'vorbis'])],
  ['mpeg', new Set(['mp3'])]
]

/** Frames that may come before one in decode order and after it in time (H.264 and HEVC, DPB size). */
const MAX_REORDER = 16

export class Track {
  /** Packets that were read but not taken, in decode order; none at the end of the track. */
  #ahead = []
  #ended = false

  /** @param {import('mediabunny').InputTrack} input */
  constructor (input) {
    this.input = input
    this.id = input.id
    this.kind = input.type
    this.sink = new EncodedPacketSink(input)
  }

  /**
   * @returns {Promise<{ id: number, kind: 'video' | 'audio', codec: string,
   *   types: { container: 'mp4' | 'webm' | 'mpeg', type: string }[] }>}  `types` in order of preference, empty if there is none
   */
  async describe () {
    this.codec = await this.input.getCodec()
    if (this.codec === null) {
      const id = await this.input.getInternalCodecId()
      return { id: this.id, kind: this.kind, codec: typeof id === 'string' ? id : 'unknown', types: [] }
    }
    this.config = await this.input.getDecoderConfig()
    const types = FORMS.filter(([, codecs]) => codecs.has(this.codec)).map(([container]) => ({
      container,
      type: container === 'mpeg' ? 'audio/mpeg' : `${this.kind}/${container}; codecs="${this.config.codec}"`
    }))
    return { id: this.id, kind: this.kind, codec: this.config.codec, types }
  }

  /** The next packet in decode order, or null at the end. */
  get next () {
    return this.#ahead[0] ?? null
  }

  /** @param {boolean} key  go to a key frame (what a video must start with) */
  async seek (timestamp, key) {
    const packet = key
      ? await this.sink.getKeyPacket(timestamp) ?? await this.sink.getFirstKeyPacket()
      : await this.sink.getPacket(timestamp) ?? await this.sink.getFirstPacket()
    this.#ahead = packet ? [packet] : []
    this.#ended = !packet
  }

  /** Takes the next packet. */
  async take () {
    await this.lookAhead(2)
    return this.#ahead.shift()
  }

  /** @returns {Promise<import('mediabunny').EncodedPacket[]>}  the next packets, `count` of them or up to the end */
  async lookAhead (count) {
    while (this.#ahead.length < count && !this.#ended) {
      const packet = await this.sink.getNextPacket(this.#ahead.at(-1))
      if (packet) this.#ahead.push(packet)
      else this.#ended = true
    }
    return this.#ahead.slice(0, count)
  }

  /**
   * Whether the stream may be cut before the next packet although that is no key frame: every packet from
   * here on is shown after `timestamp`, the latest so far.
   */
  async canCut (timestamp) {
    if (this.container !== 'mp4' || this.next.timestamp <= timestamp) return false
    for (const packet of await this.lookAhead(MAX_REORDER)) {
      if (packet.type === 'key') return true
      if (packet.timestamp <= timestamp) return false
    }
    return true
  }
}
