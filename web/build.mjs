// Bundles what runs in browsers. Usage, in this folder: node build.mjs OUTPUT_FOLDER ASSETS
//
// ASSETS is a JSON file that names the files in OUTPUT_FOLDER/assets that the engine loads. Every file refers to its
// neighbours relative to its own URL, so that the folder works from any path and any origin. All but the pages' scripts
// have a hash of their content in their name: what is under a name never changes.

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const [folder, assetsFile] = process.argv.slice(2)
if (!assetsFile) {
  console.error('Usage: node build.mjs OUTPUT_FOLDER ASSETS')
  process.exit(2)
}

const { assets, info } = JSON.parse(readFileSync(assetsFile, 'utf8'))

const OPTIONS = {
  bundle: true,
  minify: true,
  legalComments: 'linked',
  sourcemap: 'linked',
  target: 'es2022',
  logLevel: 'warning',
  metafile: true
}

// The engine has Pyodide's loader in it, which shall take these globals from us.
const RUNTIME = fileURLToPath(new URL('src/worker/runtime.js', import.meta.url))
const LOADER = /[\\/]pyodide[\\/]pyodide\.mjs$/
const withRuntime = {
  name: 'pyodide',
  setup ({ onLoad }) {
    onLoad({ filter: LOADER }, ({ path }) => ({
      contents: `import { fetch, WebAssembly } from ${JSON.stringify(RUNTIME)}\n` +
        readFileSync(path, 'utf8')
    }))
  }
}

/** Bundles a worker; returns its name in the output folder. */
async function buildWorker (name, input, options) {
  const { metafile } = await build({
    ...OPTIONS,
    entryPoints: [{ in: input, out: name }],
    entryNames: 'assets/[name]-[hash]',
    outdir: folder,
    format: 'esm',
    ...options
  })
  const [output] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint)
  return `assets/${basename(output)}`
}

const [engine, media] = await Promise.all([
  buildWorker('engine', 'src/worker/main.js', {
    plugins: [withRuntime],
    external: ['node:*', 'ws'],
    define: { ASSETS: JSON.stringify(assets), PYODIDE_INFO: JSON.stringify(info) }
  }),
  buildWorker('media', 'src/media/main.js')
])

// What pages load: the classic script with a global, and the module.
const ENTRIES = [
  { input: 'src/page/classic.js', output: 'webtorrent-py.js', format: 'iife' },
  { input: 'src/page/module.js', output: 'webtorrent-py.mjs', format: 'esm' }
]

await Promise.all(ENTRIES.map(({ input, output, format }) => build({
  ...OPTIONS,
  entryPoints: [input],
  outfile: `${folder}/${output}`,
  format,
  define: { WORKERS: JSON.stringify({ engine, media }) }
})))
