// Starts Python from the files that lie beside this script; no package index is asked.

import { typedError } from '../shared/errors.js'

/**
 * @param {string} base  URL of the folder with `pyodide/` and `wheels/`
 * @param {object} io  what Python imports as `webtorrent_io`
 * @returns {Promise<(options: object) => object>}  Python's `start`
 */
export async function bootPython (base, io) {
  try {
    const pyodideURL = new URL('pyodide/', base).href
    const [{ loadPyodide }, wheels] = await Promise.all([import(`${pyodideURL}pyodide.mjs`), listWheels(base)])
    const isMicropip = url => url.includes('/micropip-')
    const pyodide = await loadPyodide({ indexURL: pyodideURL, packages: wheels.filter(isMicropip) })
    pyodide.registerJsModule('webtorrent_io', io)
    const micropip = pyodide.pyimport('micropip')
    await micropip.install.callKwargs(wheels.filter(url => !isMicropip(url)), { deps: false })
    micropip.destroy()
    return pyodide.pyimport('webtorrent_py.browser.main').start
  } catch (cause) {
    throw typedError({ code: 'ERR_BOOT', message: `The engine could not start: ${cause.message}` })
  }
}

/** @returns {Promise<string[]>} URLs of the wheels to install, micropip's among them */
async function listWheels (base) {
  const url = new URL('wheels/wheels.json', base)
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url.href}: HTTP status ${response.status}`)
  const names = await response.json()
  return names.map(name => new URL(name, url).href)
}
