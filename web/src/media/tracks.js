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

export class Track {
  /** Next packet in decode order, or null at the end. */
  next = null

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

  /** @param {boolean} key  go to a key frame (what a video must start with) */
  async seek (timestamp, key) {
    this.next = key
      ? await this.sink.getKeyPacket(timestamp) ?? await this.sink.getFirstKeyPacket()
      : await this.sink.getPacket(timestamp) ?? await this.sink.getFirstPacket()
  }

  /** Takes the next packet. */
  async take () {
    const packet = this.next
    this.next = await this.sink.getNextPacket(packet)
    return packet
  }
}
