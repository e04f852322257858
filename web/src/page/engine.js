// The engine worker as the page sees it.

import * as Comlink from 'comlink'
import { typedError } from '../shared/errors.js'
import { PAGE_METHODS } from '../shared/protocol.js'
import { serve } from '../shared/serve.js'

let base = null

/** @param {string} url  of the page's own script: everything else lies beside it */
export function setScriptURL (url) {
  base = url
}

/** @param {'engine' | 'media'} name @returns {string}  of a worker's script, which the build has put below the page's */
export const workerURL = name => new URL(WORKERS[name], base).href

/**
 * Starts a module worker whose script may be of another origin, as when it comes from a CDN: a Worker must be
 * of the page's origin, but what a module imports need not.
 *
 * @param {'engine' | 'media'} name
 * @returns {Worker}
 */
export function startWorker (name) {
  const source = `import ${JSON.stringify(workerURL(name))}`
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
  const worker = new Worker(url, { type: 'module', name })
  // The script is fetched after the constructor returned; it is there by the first message or error.
  const revoke = () => URL.revokeObjectURL(url)
  worker.addEventListener('message', revoke, { once: true })
  worker.addEventListener('error', revoke, { once: true })
  return worker
}

export class Engine {
  #worker = null
  #remote = null
  #error = null
  #pending = new Set()

  /**
   * @param {object} options  for Python's `start`
   * @param {object} page  serves PAGE_METHODS
   */
  constructor (options, page) {
    const { port1, port2 } = new MessageChannel()
    serve(page, PAGE_METHODS, port1)
    let isUp = false
    try {
      this.#worker = startWorker('engine')
      this.#worker.onerror = event => {
        event.preventDefault()
        const reason = event.message || `${workerURL('engine')} could not be loaded`
        if (isUp) page.report({ code: 'ERR_INTERNAL', message: reason })
        else this.terminate(bootError(reason))
      }
      this.#remote = Comlink.wrap(this.#worker)
    } catch (error) { // a Content-Security-Policy without blob: in worker-src
      this.terminate(bootError(error.message))
    }
    /** Resolves to `{ peerId, from }` when Python is up. */
    this.started = this.call('boot', options, Comlink.transfer(port2, [port2]))
    this.started.then(() => { isUp = true }, error => this.terminate(error))
  }

  /**
   * Calls one of ENGINE_METHODS. A worker that failed or was terminated answers nothing, so calls that wait for it
   * are rejected here.
   */
  call (name, ...args) {
    if (this.#error) return Promise.reject(this.#error)
    return new Promise((resolve, reject) => {
      this.#pending.add(reject)
      this.#remote[name](...args).then(resolve, reject).finally(() => this.#pending.delete(reject))
    })
  }

  /** Ends the worker; all calls, under way or to come, reject with `error`. */
  terminate (error) {
    this.#error ??= error
    for (const reject of this.#pending) reject(this.#error)
    this.#pending.clear()
    this.#worker?.terminate()
  }
}

function bootError (reason) {
  return typedError({ name: 'BootError', code: 'ERR_BOOT', message: `The engine could not start: ${reason}` })
}
