// The WebAssembly module of Python, and what Pyodide's loader takes for the globals `fetch` and `WebAssembly`
// (build.mjs bundles it so): the module is downloaded and compiled once, from the first moment on, however often Python
// is started from it; and a failure to load it, for which Pyodide alone would wait forever, is told.

import { assetURL, fetchAsset } from './assets.js'

let compiling = null
let starting = null

/** Downloads and compiles. Browsers do not stream what a host sends with another type than application/wasm. */
export function compile () {
  compiling ??= fetchAsset('wasm').then(async response => {
    const isStreamable = response.headers.get('Content-Type')?.startsWith('application/wasm')
    return isStreamable
      ? globalThis.WebAssembly.compileStreaming(response)
      : globalThis.WebAssembly.compile(await response.arrayBuffer())
  })
  return compiling
}

/**
 * @template T
 * @param {() => Promise<T>} start  calls `loadPyodide`
 * @param {(memory: WebAssembly.Memory) => void} onInstance  called when the module is instantiated, before it runs
 * @returns {Promise<T>}  rejects when the module cannot be had, or `onInstance` throws
 */
export function withInstance (start, onInstance) {
  return new Promise((resolve, reject) => {
    starting = { onInstance, reject }
    start().then(resolve, reject)
  })
}

/** Of what Pyodide asks for, the standard library is all that is not here already. */
export const fetch = async url => String(url) === assetURL('library') ? fetchAsset('library') : new Response()

export const WebAssembly = Object.create(globalThis.WebAssembly, {
  instantiateStreaming: {
    async value (_, imports) {
      const { onInstance, reject } = starting
      try {
        const module = await compile()
        const instance = await globalThis.WebAssembly.instantiate(module, imports)
        onInstance(instance.exports.memory)
        return { module, instance }
      } catch (error) {
        reject(error)
        throw error
      }
    }
  }
})
