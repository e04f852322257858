// The media worker, started when media is first shown and ended when none is shown any more.

import * as Comlink from 'comlink'
import '../../shared/errors.js'
import { siblingURL, startWorker } from '../engine.js'

/** How long the worker is given to close its reader ports, in milliseconds, before it is ended with them. */
const CLOSE_GRACE = 1000

/**
 * @type {{ worker: Worker, remote: object, sessions: number, waiting: Set<(error: Error) => void>, failure: Error | null } | null}
 */
let running = null

function start () {
  const worker = startWorker('media.js')
  const host = { worker, remote: Comlink.wrap(worker), sessions: 0, waiting: new Set(), failure: null }
  worker.addEventListener('error', event => {
    event.preventDefault() // every session hears of it through its own calls
    host.failure = new Error(`The media worker failed: ${event.message || `cannot load ${siblingURL('media.js')}`}`)
    for (const reject of host.waiting) reject(host.failure)
    if (running === host) running = null // the next session gets a new one
  })
  running = host
}

/** Ends a worker that has no session left. */
function end (host) {
  host.remote[Comlink.releaseProxy]()
  host.worker.terminate()
  if (running === host) running = null
}

/** One file, demuxed and remuxed in the media worker; see MEDIA_METHODS for the calls. */
export class MediaSession {
  #file
  #host
  #id = null

  /**
   * @param {{ length: number, _readerPort: () => MessagePort | Promise<MessagePort> }} file
   * @throws ERR_UNSUPPORTED_MEDIA if its container is unknown
   */
  static async open (file) {
    if (!running) start()
    const session = new MediaSession()
    session.#file = file
    session.#host = running
    running.sessions++
    try {
      const opened = await session.#call('open', file.length, await session.#port())
      session.#id = opened.session
      session.format = opened.format
      session.tracks = opened.tracks
      return session
    } catch (error) {
      session.close()
      throw error
    }
  }

  start (chosen) {
    return this.#call('start', this.#id, chosen)
  }

  async seek (time) {
    return this.#call('seek', this.#id, time, await this.#port())
  }

  next () {
    return this.#call('next', this.#id)
  }

  close () {
    const host = this.#host
    if (!host) return
    this.#host = null
    const leave = () => { if (--host.sessions === 0) end(host) }
    if (this.#id === null || host.failure) return leave()
    let left = false
    const once = () => { if (!left) { left = true; leave() } }
    host.remote.close(this.#id).then(once, once)
    setTimeout(once, CLOSE_GRACE)
  }

  async #port () {
    const port = await this.#file._readerPort()
    return Comlink.transfer(port, [port])
  }

  #call (name, ...args) {
    const host = this.#host
    if (!host) return Promise.reject(new DOMException('The media session is closed', 'AbortError'))
    if (host.failure) return Promise.reject(host.failure)
    return new Promise((resolve, reject) => {
      host.waiting.add(reject)
      host.remote[name](...args).then(resolve, reject).finally(() => host.waiting.delete(reject))
    })
  }
}
