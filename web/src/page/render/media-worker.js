// The media worker, started when media is first shown and ended when none is shown any more.

import * as Comlink from 'comlink'
import '../../shared/errors.js'
import { workerURL, startWorker } from '../engine.js'

/** How long the worker is given to close its reader ports, in milliseconds, before it is ended with them. */
const CLOSE_GRACE = 1000

/** @type {{ worker: Worker, remote: object, sessions: Set<MediaSession>, failure: Error | null, ended: boolean } | null} */
let running = null
let lastSession = 0

function start () {
  const worker = startWorker('media')
  const host = { worker, remote: Comlink.wrap(worker), sessions: new Set(), failure: null, ended: false }
  worker.addEventListener('error', event => {
    event.preventDefault() // every session hears of it through its own calls
    host.failure = new Error(`The media worker failed: ${event.message || `${workerURL('media')} could not be loaded`}`)
    for (const session of host.sessions) session._fail(host.failure)
    if (running === host) running = null // the next session gets a new one
  })
  return host
}

/** One file, demuxed and remuxed in the media worker; see MEDIA_METHODS for the calls. */
export class MediaSession {
  #file
  #host
  #id = ++lastSession
  #failure = null
  #closing = false
  /** What fails the calls that have not been answered. */
  #waiting = new Set()

  /** @param {{ length: number, _readerPort: () => MessagePort }} file */
  constructor (file) {
    this.#file = file
    this.#host = running ??= start()
    this.#host.sessions.add(this)
  }

  /** @throws ERR_UNSUPPORTED_MEDIA if the file's container is unknown */
  open () {
    return this.#call('open', () => [this.#file.length, this.#port()])
  }

  start (chosen) {
    return this.#call('start', () => [chosen])
  }

  seek (time) {
    return this.#call('seek', () => [time, this.#port()])
  }

  next () {
    return this.#call('next', () => [])
  }

  /** Calls that have not been answered reject. */
  close () {
    if (!this.#host.sessions.has(this) || this.#closing) return
    this.#closing = true
    this._fail(new DOMException('The media session is closed', 'AbortError'))
    const host = this.#host
    const leave = () => {
      host.sessions.delete(this)
      if (host.sessions.size > 0 || host.ended) return
      host.ended = true
      host.remote[Comlink.releaseProxy]()
      host.worker.terminate()
      if (running === host) running = null
    }
    if (host.failure) return leave()
    host.remote.close(this.#id).then(leave, leave)
    setTimeout(leave, CLOSE_GRACE)
  }

  _fail (error) {
    this.#failure ??= error
    for (const reject of this.#waiting) reject(this.#failure)
    this.#waiting.clear()
  }

  #port () {
    const port = this.#file._readerPort()
    return Comlink.transfer(port, [port])
  }

  #call (name, args) {
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject)
      this.#host.remote[name](this.#id, ...args()).then(resolve, reject).finally(() => this.#waiting.delete(reject))
    })
  }
}
