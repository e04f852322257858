// Makes the memory snapshot that the engine starts from. Usage, in web/:
// node snapshot/make.mjs WHEELS_FOLDER LIBRARY_FILE OUTPUT_FOLDER
//
// A first Python installs the wheels, as the engine's plain start does, and compiles them. A second one imports the engine
// from that, so that its memory holds nothing of the first one's work.
//
// The same inputs give the same bytes: hashes are not seeded by chance, and clocks stand.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { install } from '../src/worker/install.js'
import { pack, Snapshot } from '../src/worker/snapshot.js'
import { PYODIDE, runFile, SITE_PACKAGES, startPython } from './pyodide.mjs'

const [wheelsFolder, library, outputFolder] = process.argv.slice(2)
if (!outputFolder) {
  console.error('Usage: node snapshot/make.mjs WHEELS_FOLDER LIBRARY_FILE OUTPUT_FOLDER')
  process.exit(2)
}

// Hashes are the same in all pages in any case. Reports of mistakes name the line, but not the column.
const ENV = { PYTHONHASHSEED: '0', PYTHONNODEBUGRANGES: '1' }

/** @returns {Promise<[string, Uint8Array][]>}  the paths and contents of the packages' modules */
async function compilePackages () {
  const pyodide = await startPython({ env: { ...ENV }, stdLibURL: library })
  const names = readdirSync(wheelsFolder).filter(name => name.endsWith('.whl'))
  await install(pyodide, names.map(name => ({ name, bytes: new Uint8Array(readFileSync(join(wheelsFolder, name))) })))
  const compiled = runFile(pyodide, 'compile.py').get('compile_packages')(SITE_PACKAGES)
  return Object.entries(compiled.toJs({ dict_converter: Object.fromEntries }))
}

async function makeSnapshot (modules) {
  let memory, image
  const restore = observeInstance(instance => {
    memory = instance.exports.memory
    image = new Uint8Array(memory.buffer).slice()
  })
  const pyodide = await startPython({ _makeSnapshot: true, env: { ...ENV }, stdLibURL: library })
  restore()
  for (const [path, bytes] of modules) {
    pyodide.FS.mkdirTree(dirname(path))
    pyodide.FS.writeFile(path, bytes)
  }
  const preparation = runFile(pyodide, 'heap.py')
  const names = preparation.get('prepare')().toJs()
  preparation.clear()
  preparation.destroy()
  pyodide.runPython('import linecache; linecache.clearcache(); del linecache; import gc; gc.collect(); del gc')
  zeroFreeMemory(pyodide._module, memory)
  return { bytes: pack(pyodide.makeMemorySnapshot(), image), names }
}

/** Has the instance of Python's wasm module shown as soon as it is there; returns a function that ends this. */
function observeInstance (show) {
  const { instantiate } = WebAssembly
  WebAssembly.instantiate = async (source, imports) => {
    const result = await instantiate(source, imports)
    if (result.instance?.exports.memory) show(result.instance)
    return result
  }
  return () => { WebAssembly.instantiate = instantiate }
}

/** What was freed still has its old content, which nothing needs and everyone would download. */
function zeroFreeMemory (module, memory) {
  const held = []
  memory.grow = () => { throw new RangeError('only what is there already') }
  for (let size = 1 << 24; size >= 8; size >>= 1) {
    for (let at; (at = module._malloc(size)) !== 0;) {
      module.HEAPU8.fill(0, at, at + size)
      held.push(at)
    }
  }
  delete memory.grow
  for (const at of held) module._free(at)
}

/** Starts from the snapshot as the engine does (src/worker/boot.js); throws when that does not work. */
async function tryOut (bytes) {
  const snapshot = new Snapshot(bytes.buffer)
  const { default: create } = await import(pathToFileURL(join(PYODIDE, 'pyodide.asm.mjs')).href)
  let memory, image
  const restore = observeInstance(instance => {
    memory = instance.exports.memory
    image = snapshot.takeImage(memory)
  })
  const pyodide = await startPython({
    _loadSnapshot: snapshot.header,
    stdLibURL: library,
    async createPyodideModule (settings) {
      const module = await create(settings)
      snapshot.restore(memory, image)
      return module
    }
  })
  restore()
  const start = pyodide.pyimport('webtorrent_py.browser.main').start
  const io = { connect () {}, armTimer () {} }
  const answers = [1, 2].map(() => JSON.parse(start('{}', io)).peerId)
  if (new Set(answers).size !== 2) throw new Error(`the engine gave itself the names ${answers}`)
}

const modules = await compilePackages()
Date.now = () => Date.UTC(2020, 0, 1)
const { bytes, names } = await makeSnapshot(modules)
await tryOut(bytes)
writeFileSync(join(outputFolder, 'snapshot.bin'), bytes)
writeFileSync(join(outputFolder, 'modules.json'), JSON.stringify(names))
