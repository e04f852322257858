// Starts Python, from files that lie beside this script; no package index is asked.
//
// It starts from a memory snapshot, in which our package has been imported already. Should that not work, for whatever
// reason, it starts the plain way, which takes some times as long: Pyodide runs its own start, and micropip installs.

import { loadPyodide } from 'pyodide'
import { typedError } from '../shared/errors.js'
import { assetURL, fetchAsset, fetchWheels } from './assets.js'
import { install } from './install.js'
import { compile, withInstance } from './runtime.js'
import { Snapshot } from './snapshot.js'

/**
 * @returns {Promise<{ start: (options: string, io: object) => string, from: 'snapshot' | 'wheels' }>}
 *   Python's `start`, and what Python was started from
 */
export async function bootPython () {
  // At once, though used one after the other.
  const createModule = import(assetURL('module')).then(({ default: create }) => create)
  compile().catch(() => {}) // it is told of where it is waited for
  try {
    return { start: await startFromSnapshot(createModule), from: 'snapshot' }
  } catch (error) {
    console.warn(`webtorrent-py: starting without the memory snapshot, which takes longer: ${reason(error)}`)
  }
  try {
    return { start: await startFromWheels(createModule), from: 'wheels' }
  } catch (error) {
    throw typedError({ name: 'BootError', code: 'ERR_BOOT', message: `The engine could not start: ${reason(error)}` })
  }
}

async function startFromSnapshot (createModule) {
  const response = await fetchAsset('snapshot')
  const snapshot = new Snapshot(await response.arrayBuffer())
  let memory, image
  const pyodide = await withInstance(async () => {
    const create = await createModule
    return loadPyodide({
      ...OPTIONS(),
      _loadSnapshot: snapshot.header,
      // The file is there when it is asked for: the modules that the snapshot has are found without it.
      stdLibURL: 'data:,',
      async createPyodideModule (settings) {
        const module = await create(settings)
        snapshot.restore(memory, image)
        return module
      }
    })
  }, instantiated => {
    memory = instantiated
    image = snapshot.takeImage(memory)
  })
  provideLibrary(pyodide)
  return startOf(pyodide)
}

async function startFromWheels (createModule) {
  const pyodide = await withInstance(async () => loadPyodide({
    ...OPTIONS(),
    stdLibURL: assetURL('library'),
    createPyodideModule: await createModule
  }), () => {})
  await install(pyodide, await fetchWheels())
  return startOf(pyodide)
}

const OPTIONS = () => ({
  indexURL: new URL('.', import.meta.url).href,
  packageBaseUrl: new URL('.', import.meta.url).href,
  lockFileContents: { info: PYODIDE_INFO, packages: {} }
})

const startOf = pyodide => pyodide.pyimport('webtorrent_py.browser.main').start

/** Has the standard library's file downloaded when something is imported that the snapshot has not. */
function provideLibrary ({ FS, _module: { API } }) {
  const [major, minor] = API.pyVersionTuple
  const name = `python${major}${minor}.zip`
  FS.unlink(`/lib/${name}`)
  FS.createLazyFile('/lib', name, assetURL('library'), true, false)
}

/** Of an exception in Python its last line, which says what it is; the ones above say where. */
function reason (error) {
  return error.message.trimEnd().split('\n').at(-1)
}
