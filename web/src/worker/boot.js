// Starts Python from the files that lie beside this script; no package index is asked.

import { typedError } from '../shared/errors.js'

/**
 * @param {string} base  URL of the folder with `pyodide/` and `wheels/`
 * @param {object} io  what Python imports as `webtorrent_io`
 * @returns {Promise<(options: string) => string>}  Python's `start`
 */
export async function bootPython (base, io) {
  const pyodideURL = new URL('pyodide/', base).href
  const wheelsURL = new URL('wheels/', base).href
  try {
    // At once, though used one after the other: wheels come while Python starts.
    const [pyodide, wheels] = await Promise.all([loadPython(pyodideURL), fetchWheels(wheelsURL)])
    pyodide.registerJsModule('webtorrent_io', io)
    await install(pyodide, wheels)
    return pyodide.pyimport('webtorrent_py.browser.main').start
  } catch (error) {
    const cause = await findMissing(pyodideURL) ?? reason(error)
    throw typedError({ name: 'BootError', code: 'ERR_BOOT', message: `The engine could not start: ${cause}` })
  }
}

async function loadPython (indexURL) {
  const { loadPyodide } = await import(`${indexURL}pyodide.mjs`)
  return Promise.race([loadPyodide({ indexURL }), wasmFailure()])
}

/**
 * Rejects when the wasm file cannot be used, for which Pyodide would wait forever. Where a host sends it with
 * another type than application/wasm, which browsers do not stream, it is used all the same.
 */
function wasmFailure () {
  return new Promise((resolve, reject) => {
    const { instantiateStreaming } = WebAssembly
    WebAssembly.instantiateStreaming = async (source, imports) => {
      try {
        const response = await source
        checkStatus(response)
        const isStreamable = response.headers.get('Content-Type')?.startsWith('application/wasm')
        return await (isStreamable
          ? instantiateStreaming(response, imports)
          : WebAssembly.instantiate(await response.arrayBuffer(), imports))
      } catch (error) {
        reject(error)
        throw error
      }
    }
  })
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
  checkStatus(response)
  return response
}

function checkStatus ({ ok, url, status }) {
  if (!ok) throw new Error(`${url}: HTTP status ${status}`)
}

/** Pyodide does not always say which of its files it could not get. */
async function findMissing (folder) {
  const files = ['pyodide.mjs', 'pyodide.asm.mjs', 'pyodide.asm.wasm', 'python_stdlib.zip', 'pyodide-lock.json']
  for (const name of files) {
    const response = await fetch(folder + name, { method: 'HEAD' }).catch(() => ({ status: 'no answer' }))
    if (!response.ok) return `${folder + name}: HTTP status ${response.status}`
  }
  return null
}

/** Of an exception in Python its last line, which says what it is; the ones above say where. */
function reason (error) {
  return error.message.trimEnd().split('\n').at(-1)
}
