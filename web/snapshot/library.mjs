// Compiles Python's standard library for the engine. Usage, in web/: node snapshot/library.mjs OUTPUT_FILE

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LIBRARY, PYODIDE, runFile, startPython } from './pyodide.mjs'

const [output] = process.argv.slice(2)
if (!output) {
  console.error('Usage: node snapshot/library.mjs OUTPUT_FILE')
  process.exit(2)
}

const pyodide = await startPython()
pyodide.FS.writeFile('/tmp/source.zip', readFileSync(join(PYODIDE, 'python_stdlib.zip')))
runFile(pyodide, 'compile.py').get('compile_library')('/tmp/source.zip', '/tmp/compiled.zip', LIBRARY)
writeFileSync(output, pyodide.FS.readFile('/tmp/compiled.zip'))
