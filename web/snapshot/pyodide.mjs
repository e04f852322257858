// Pyodide in Node, for the build.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { loadPyodide } from 'pyodide'

export const PYODIDE = dirname(createRequire(import.meta.url).resolve('pyodide/package.json'))

const { info } = JSON.parse(readFileSync(join(PYODIDE, 'pyodide-lock.json'), 'utf8'))
const [major, minor] = info.python.split('.')

/** Where Python finds its standard library, and packages. */
export const LIBRARY = `/lib/python${major}${minor}.zip`
export const SITE_PACKAGES = `/lib/python${major}.${minor}/site-packages`

/** Starts Python; no package index is asked. */
export const startPython = (options = {}) => loadPyodide({
  lockFileContents: { info: { ...info }, packages: {} },
  packageBaseUrl: PYODIDE,
  ...options
})

/** Runs a file of this folder; returns its global names. */
export function runFile (pyodide, name) {
  const globals = pyodide.globals.get('dict')()
  pyodide.runPython(readFileSync(new URL(name, import.meta.url), 'utf8'), { globals })
  return globals
}

// Node would print the line that threw, and Pyodide is one line of a megabyte.
process.on('uncaughtException', error => {
  console.error(error.stack)
  process.exit(1)
})
