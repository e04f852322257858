// One file, from its bytes to segments that the page appends to its source buffers.
//
// A segment is about a second of video, with the audio of the same time; less than a group of pictures
// where the container and the order of frames allow, so that playback need not wait for ten seconds of
// film. Each track becomes a fragment of its own, for a source buffer of its own, so that each can be in
// the container that suits its codec.
//
// The page pulls: nothing is read before `next` is called. Reads may wait for peers without end, so
// `seek` first fails what waits and only then goes on; calls otherwise run one after the other.
//
// Times are seconds on the page's timeline, whose zero is the first frame: files need not start at 0.

import {
  ADTS, CustomSource, FLAC, Input, MATROSKA, MP3, MP4, OGG, QTFF, UnsupportedInputFormatError, WAVE, WEBM
} from 'mediabunny'
import { typedError } from '../shared/errors.js'
import { writeFragment } from './fragment.js'
import { BlockSource } from './source.js'
import { Track } from './tracks.js'

const FORMATS = [MP4, QTFF, WEBM, MATROSKA, OGG, FLAC, WAVE, MP3, ADTS]

/** Seconds that a segment lasts at least. */
const VIDEO_SEGMENT = 1
const AUDIO_SEGMENT = 2
/** What one segment may hold in memory; source buffers hold little more (100 MB in Firefox, 150 MB in Chromium). */
const MAX_SEGMENT_BYTES = 64 * 1024 * 1024

export class Remuxer {
  #length
  #bytes
  #input
  #format
  /** @type {Map<number, Track>} */
  #tracks = new Map()
  /** @type {Track[]} the tracks that are played, the one that leads first */
  #chosen = []
  #origin = 0
  #last = Promise.resolve()

  /**
   * @param {number} length  of the file, in bytes
   * @param {MessagePort} port  a reader port
   */
  constructor (length, port) {
    this.#length = length
    this.#bytes = new BlockSource(length, port)
    this.#input = new Input({
      formats: FORMATS,
      source: new CustomSource({
        getSize: () => length,
        read: (start, end) => this.#bytes.read(start, end),
        maxCacheSize: 0 // BlockSource is the cache
      })
    })
  }

  /**
   * What the file is and has; see MEDIA_METHODS.
   *
   * @throws ERR_UNSUPPORTED_MEDIA if it is in no container that we know
   */
  open () {
    return this.#run(async () => {
      try {
        this.#format = (await this.#input.getFormat()).name
      } catch (error) {
        if (error instanceof UnsupportedInputFormatError) throw unsupported('an unknown container')
        throw error
      }
      const inputs = await this.#input.getTracks()
      const preferred = await Promise.all(inputs.map(async input => (await input.getDisposition()).default))
      const tracks = []
      const inOrder = [...inputs.filter((_, i) => preferred[i]), ...inputs.filter((_, i) => !preferred[i])]
      for (const input of inOrder) {
        const track = new Track(input)
        this.#tracks.set(track.id, track)
        tracks.push(await track.describe())
      }
      return { format: this.#format, tracks }
    })
  }

  /** @param {{ id: number, container: 'mp4' | 'webm' | 'mpeg' }[]} chosen  at most one video and one audio track */
  start (chosen) {
    return this.#run(async () => {
      this.#chosen = chosen.map(({ id, container }) => Object.assign(this.#tracks.get(id), { container }))
      this.#chosen.sort((a, b) => (a.kind === 'video' ? 0 : 1) - (b.kind === 'video' ? 0 : 1))
      const lead = this.#chosen[0]
      await lead.seek(-Infinity, true)
      this.#origin = lead.next?.timestamp ?? 0
      const duration = await this.#duration()
      await this.#seek(0)
      return { duration }
    })
  }

  /**
   * Goes on from the key frame at or before `time`, reading over `port` from now on. What waits for
   * bytes elsewhere fails with ERR_ABORTED.
   */
  seek (time, port) {
    this.#bytes.halt()
    return this.#run(() => {
      this.#bytes.resume(port)
      return this.#seek(time)
    })
  }

  /**
   * The next segment; null at the end of the file.
   *
   * @returns {Promise<null | { start: number, end: number, isKey: boolean,
   *   fragments: { id: number, init: Uint8Array | null, offset: number | null, media: Uint8Array }[] }>}
   */
  next () {
    return this.#run(async () => {
      const lead = this.#chosen.find(track => track.next)
      return lead ? this.#segment(lead) : null
    })
  }

  close () {
    this.#bytes.halt()
    this.#input.dispose()
  }

  /** Runs `call` when all earlier calls are over, whether they failed or not. */
  #run (call) {
    const result = this.#last.then(call)
    this.#last = result.catch(() => {}) // whoever made the earlier call was told
    return result
  }

  async #duration () {
    const inputs = this.#chosen.map(track => track.input)
    let end = await this.#input.getDurationFromMetadata(inputs)
    if (end === null && await this.#endIsIndexed()) end = await this.#input.computeDuration(inputs)
    return end === null ? null : Math.max(0, end - this.#origin)
  }

  /** Whether the file's end tells how long it is. Otherwise all of the file would have to be read. */
  async #endIsIndexed () {
    if (this.#format === OGG.name) return true // every page has its time
    if (this.#format !== MP4.name && this.#format !== QTFF.name) return false
    // The index of a fragmented file ends with a box of 16 bytes named mfro (ISO/IEC 14496-12, 8.8.11).
    const last = await this.#bytes.read(this.#length - 16, this.#length)
    return String.fromCharCode(...last.subarray(4, 8)) === 'mfro'
  }

  async #seek (time) {
    const [lead, ...others] = this.#chosen
    await lead.seek(time + this.#origin, true)
    for (const track of others) await track.seek(lead.next?.timestamp ?? time + this.#origin, false)
    for (const track of this.#chosen) track.initialized = false
  }

  async #segment (lead) {
    const { timestamp: start, type } = lead.next
    const minimum = lead.kind === 'video' ? VIDEO_SEGMENT : AUDIO_SEGMENT
    const packets = new Map(this.#chosen.map(track => [track, []]))
    let bytes = 0
    const take = async track => {
      bytes += track.next.byteLength
      if (bytes > MAX_SEGMENT_BYTES) throw unsupported('key frames that are too far apart')
      const packet = await track.take()
      const timestamp = packet.timestamp - this.#origin
      // What lies before the first frame has nothing to be shown with: audio that only primes a decoder,
      // pictures that refer to ones before the file's start.
      if (timestamp >= 0) packets.get(track).push(packet.clone({ timestamp }))
    }
    let reached = start // what is shown up to here
    let latest = start
    const isOver = async () => {
      if (!lead.next) return true
      // What begins within a group of pictures ends with it.
      if (lead.next.type === 'key' && type === 'delta') return true
      if (lead.next.timestamp < start + minimum) return false
      return lead.next.type === 'key' || lead.canCut(latest)
    }
    do {
      latest = Math.max(latest, lead.next.timestamp)
      reached = Math.max(reached, lead.next.timestamp + lead.next.duration)
      await take(lead)
      // Audio is taken along in the order of time, as it lies in the file.
      for (const track of this.#chosen) {
        while (track !== lead && track.next && track.next.timestamp < (lead.next?.timestamp ?? reached)) await take(track)
      }
    } while (!await isOver())

    const fragments = []
    let end = 0
    for (const [track, taken] of packets) {
      if (taken.length === 0) continue
      const { init, media } = await writeFragment(track, taken)
      fragments.push({
        id: track.id,
        init: track.initialized ? null : init,
        // Bare frames carry no time: the page has to be told where they go on.
        offset: track.initialized || init ? null : taken[0].timestamp,
        media
      })
      track.initialized = true
      end = Math.max(end, ...taken.map(packet => packet.timestamp + packet.duration))
    }
    return { start: Math.max(0, start - this.#origin), end, isKey: type === 'key', fragments }
  }
}

function unsupported (message) {
  return typedError({ name: 'UnsupportedMediaError', code: 'ERR_UNSUPPORTED_MEDIA', message })
}
