// Starts Python from the files that lie beside this script; no package index is asked.

import { typedError } from '../shared/errors.js'

/**
 * @param {string} base  URL of the folder with `pyodide/` and `wheels/`
 * @param {object} io  what Python imports as `webtorrent_io`
 * @returns {Promise<(options: string) => string>}  Python's `start`
 */
export async function bootPython (base, io) {
  try {
    const pyodideURL = new URL('pyodide/', base).href
    const wheelsURL = new URL('wheels/', base).href
    // At once, though used one after the other: wheels come while Python starts.
    const [pyodide, wheels] = await Promise.all([loadPython(pyodideURL), fetchWheels(wheelsURL)])
    pyodide.registerJsModule('webtorrent_io', io)
    await install(pyodide, wheels)
    return pyodide.pyimport('webtorrent_py.browser.main').start
  } catch (error) {
    throw typedError({ name: 'BootError', code: 'ERR_BOOT', message: `The engine could not start: ${reason(error)}` })
  }
}

async function loadPython (indexURL) {
  const { loadPyodide } = await import(`${indexURL}pyodide.mjs`)
  return loadPyodide({ indexURL })
}

/** micropip first: it puts in the others. */
async function install (pyodide, { micropip, others }) {
  pyodide.unpackArchive(micropip, 'wheel')
  const installer = pyodide.pyimport('micropip')
  const paths = others.map(({ name, bytes }) => {
    pyodide.FS.writeFile(`/tmp/${name}`, new Uint8Array(bytes))
    return `emfs:/tmp/${name}`
  })
  await installer.install.callKwargs(paths, { deps: false })
  installer.destroy()
}

/** What `wheels.json` lists: file names, micropip's among them. */
async function fetchWheels (folder) {
  const names = await (await fetchFile(`${folder}wheels.json`)).json()
  const wheels = await Promise.all(names.map(async name => ({
    name, bytes: await (await fetchFile(folder + name)).arrayBuffer()
  })))
  const micropip = wheels.find(({ name }) => name.startsWith('micropip-'))
  if (!micropip) throw new Error(`${folder}wheels.json lists no micropip`)
  return { micropip: micropip.bytes, others: wheels.filter(({ name }) => !name.startsWith('micropip-')) }
}

async function fetchFile (url) {
  const response = await fetch(url).catch(error => { throw new Error(`${url}: ${error.message}`) })
  if (!response.ok) throw new Error(`${url}: HTTP status ${response.status}`)
  return response
}

/** Of an exception in Python its last line, which says what it is; the ones above say where. */
function reason (error) {
  return error.message.trimEnd().split('\n').at(-1)
}
