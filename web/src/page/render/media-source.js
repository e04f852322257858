// Plays a file that is still arriving: pulls segments from the media worker into source buffers, as far
// ahead of the playhead as is useful and no further, and lets go of what lies behind.
//
// One loop (`#feed`) does all appending. A seek to a place that is not buffered redirects it: the media
// worker starts again at the key frame before that place, so that its pieces are the next to be fetched.

import { unsupported } from './errors.js'
import { MediaSession } from './media-worker.js'

/** Seconds to keep buffered ahead of the playhead, and behind it for small steps back. */
const AHEAD = 30
const BEHIND = 30
/** Seconds that the appended position may be ahead, when gaps keep `buffered` from growing. */
const MAX_AHEAD = 120
/** Ranges end where the shortest track ends: a range this close to the appended position is the one that grows. */
const SLACK = 1

const Source = globalThis.ManagedMediaSource ?? globalThis.MediaSource

/**
 * Attaches `element` to a MediaSource that is fed from `file` until `signal` is aborted.
 *
 * @returns {Promise<Player>}  once the element has its source
 * @throws ERR_UNSUPPORTED_MEDIA with `container` and `codecs` when the browser takes none of it
 */
export async function playFromSwarm (file, element, signal) {
  if (!Source) throw unsupported('this browser has no MediaSource')
  const session = new MediaSession(file)
  signal.addEventListener('abort', () => session.close(), { once: true })
  const player = new Player(element, session, choose(await session.open(), element), signal)
  await player.open()
  return player
}

/** The tracks to play, each with a type that the browser takes. */
function choose ({ format, tracks }, element) {
  const kinds = element.nodeName === 'VIDEO' ? ['video', 'audio'] : ['audio']
  const chosen = []
  const left = []
  for (const kind of kinds) {
    const ofKind = tracks.filter(track => track.kind === kind)
    for (const { id, types } of ofKind) {
      const playable = types.find(({ type }) => Source.isTypeSupported(type))
      if (playable) {
        chosen.push({ id, kind, ...playable })
        break
      }
    }
    if (ofKind.length > 0 && chosen.at(-1)?.kind !== kind) left.push(...ofKind.map(track => track.codec))
  }
  const codecs = tracks.map(track => track.codec)
  // Sound without its picture is not what was asked for; a picture without sound is better than nothing.
  const wanted = kinds.find(kind => tracks.some(track => track.kind === kind))
  if (chosen[0]?.kind !== wanted || !wanted) {
    const what = left.length > 0 ? `this browser does not decode ${left.join(', ')}` : 'it has nothing to play'
    const undecoded = wanted === 'video' ? left : []
    throw unsupported(`${format} file with ${codecs.join(', ') || 'no tracks'}: ${what}`, { container: format, codecs, undecoded })
  }
  return { tracks: chosen, silent: left }
}

class Player {
  /** Codecs of audio tracks that are left out, because the browser has no decoder for them. */
  silent
  /** Rejects when the file cannot be read on; never resolves. */
  failed
  #element
  #session
  #signal
  #tracks
  #source = new Source()
  /** @type {Map<number, SourceBuffer>} by track */
  #buffers = new Map()
  /** Where the next segment continues. */
  #position = 0
  /** Where a seek that is on its way leads, or null; and the promise of its arrival. */
  #target = null
  #arrival = null
  #ended = false
  #wake = () => {}
  #fail

  constructor (element, session, { tracks, silent }, signal) {
    this.#element = element
    this.#session = session
    this.#signal = signal
    this.#tracks = tracks
    this.silent = silent
    this.failed = new Promise((resolve, reject) => { this.#fail = reject })
    this.failed.catch(() => {}) // also told to the element, by `endOfStream('network')`
  }

  async open () {
    const url = URL.createObjectURL(this.#source)
    this.#signal.addEventListener('abort', () => {
      URL.revokeObjectURL(url)
      this.#wake()
    }, { once: true })
    const opened = event(this.#source, 'sourceopen', this.#signal)
    if (globalThis.ManagedMediaSource) this.#element.disableRemotePlayback = true // or it does not open
    this.#element.src = url
    await opened
    URL.revokeObjectURL(url)
    for (const { id, type } of this.#tracks) this.#buffers.set(id, this.#source.addSourceBuffer(type))
    const { duration } = await this.#session.start(this.#tracks.map(({ id, container }) => ({ id, container })))
    if (duration !== null) this.#source.duration = duration
    const wake = () => this.#wake()
    this.#listen(this.#element, 'seeking', () => this.#seek())
    this.#listen(this.#element, 'timeupdate', wake)
    this.#listen(this.#element, 'waiting', () => this.#skipGap())
    this.#listen(this.#source, 'startstreaming', wake) // ManagedMediaSource only
    if (this.#element.seeking) this.#seek()
    this.#feed().catch(error => {
      if (this.#signal.aborted) return
      if (this.#source.readyState === 'open') this.#source.endOfStream('network')
      this.#session.close()
      this.#fail(error)
    })
  }

  async #feed () {
    while (!this.#signal.aborted) {
      if (this.#target !== null) await this.#arrive()
      else if (this.#ended || this.#enough()) await this.#change()
      else await this.#pull()
    }
  }

  async #pull () {
    let segment
    try {
      segment = await this.#session.next()
    } catch (error) {
      if (this.#target !== null) return // it was waiting for bytes that are not wanted any more
      throw error
    }
    if (this.#target !== null) return
    if (!segment) {
      this.#ended = true
      if (this.#source.readyState === 'open') this.#source.endOfStream()
      return
    }
    if (segment.isKey) await this.#evict() // after a removal, a buffer may insist on a key frame
    for (const { id, init, offset, media } of segment.fragments) {
      const buffer = this.#buffers.get(id)
      if (offset !== null) {
        if (this.#source.readyState === 'open') buffer.abort() // ends what was appended elsewhere
        buffer.timestampOffset = offset
      }
      if (init) await this.#append(buffer, init)
      await this.#append(buffer, media)
    }
    this.#position = segment.end
    this.#skipGap()
  }

  #enough () {
    if (this.#source.streaming === false) return true // ManagedMediaSource asks for no more now
    const now = this.#element.currentTime
    const range = this.#rangeAt(now)
    return (range && range.end - now >= AHEAD) || this.#position - now >= MAX_AHEAD
  }

  /** Redirects the feed to the playhead, unless what it is doing leads there anyway. */
  #seek () {
    const now = this.#element.currentTime
    const range = this.#rangeAt(now)
    this.#wake()
    if (!range) return this.#redirect(now)
    const grows = this.#target === null && this.#position >= range.start && this.#position <= range.end + SLACK
    if (!grows) this.#redirect(range.end)
  }

  #redirect (time) {
    this.#target = time
    this.#arrival = this.#session.seek(time)
    this.#arrival.catch(() => {}) // `#arrive` waits for the last one; the others were overtaken
    this.#wake()
  }

  async #arrive () {
    const target = this.#target
    const arrival = this.#arrival
    try {
      await arrival
    } catch (error) {
      if (arrival === this.#arrival) throw error
    }
    if (arrival !== this.#arrival) return
    this.#target = null
    this.#position = target
    this.#ended = false
  }

  async #append (buffer, bytes) {
    while (!this.#signal.aborted && this.#target === null) {
      try {
        buffer.appendBuffer(bytes)
      } catch (error) {
        if (error.name !== 'QuotaExceededError') throw error
        const freed = await this.#makeRoom(buffer)
        if (!freed && this.#target === null) await this.#change() // playing on will free some
        continue
      }
      return event(buffer, 'updateend', this.#signal)
    }
  }

  async #evict () {
    const end = this.#element.currentTime - BEHIND
    for (const buffer of this.#buffers.values()) {
      if (buffer.buffered.length > 0 && buffer.buffered.start(0) < end) await this.#remove(buffer, 0, end)
    }
  }

  /** Frees what is neither just behind nor right ahead of the playhead. */
  async #makeRoom (buffer) {
    const now = this.#element.currentTime
    let freed = false
    for (const { start, end } of rangesOf(buffer.buffered)) {
      const around = start <= now + SLACK && end >= now
      const stop = around ? now - SLACK : end
      if (stop <= start || (start <= this.#position && end >= this.#position && !around)) continue
      await this.#remove(buffer, start, stop)
      freed = true
    }
    return freed
  }

  #remove (buffer, start, end) {
    buffer.remove(start, end)
    return event(buffer, 'updateend', this.#signal)
  }

  /** Steps over a hole that no segment will fill: the tracks of a file do not always start and end together. */
  #skipGap () {
    const element = this.#element
    if (element.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA || this.#target !== null) return
    const now = element.currentTime
    const ranges = rangesOf(element.buffered)
    if (ranges.some(({ start, end }) => start <= now && end > now + 0.05)) return
    const next = ranges.find(({ start }) => start > now)
    if (next && next.start < this.#position) element.currentTime = next.start
  }

  #rangeAt (time) {
    return rangesOf(this.#element.buffered).find(({ start, end }) => start <= time + 0.1 && time < end)
  }

  #change () {
    return new Promise(resolve => { this.#wake = resolve })
  }

  #listen (target, type, listener) {
    target.addEventListener(type, listener, { signal: this.#signal })
  }
}

function rangesOf (timeRanges) {
  return Array.from(timeRanges, (_, i) => ({ start: timeRanges.start(i), end: timeRanges.end(i) }))
}

/** Resolves at the next event of this type, rejects when `signal` is aborted. */
function event (target, type, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    target.addEventListener(type, () => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, { once: true })
  })
}
