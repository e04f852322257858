// Comlink with a closed set of names on the serving side.

import * as Comlink from 'comlink'
import { typedError } from './errors.js'

/**
 * Serves `methods` of `target` on `endpoint`, and nothing else.
 *
 * @param {object} target
 * @param {string[]} methods  one of the lists in protocol.js; `target` has all of them
 * @param {Worker | MessagePort | typeof globalThis} endpoint
 */
export function serve (target, methods, endpoint) {
  const table = new Map(methods.map(name => [name, target[name].bind(target)]))
  Comlink.expose(new Proxy({}, {
    get (_, name) {
      const method = table.get(name)
      if (!method) throw typedError({ code: 'ERR_UNKNOWN_MESSAGE', message: `No such call: ${String(name)}` })
      return method
    },
    set () {
      throw typedError({ code: 'ERR_UNKNOWN_MESSAGE', message: 'Calls cannot be replaced' })
    },
    has: (_, name) => table.has(name)
  }), endpoint)
}
