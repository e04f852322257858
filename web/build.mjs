// Bundles what runs in browsers. Usage, in this folder: node build.mjs OUTPUT_FOLDER
//
// Every file refers to its neighbours relative to its own URL, so that the folder works from any path and any origin.

import { build } from 'esbuild'

const ENTRIES = [
  // What pages load: the classic script with a global, and the module.
  { input: 'src/page/classic.js', output: 'webtorrent-py.js', format: 'iife' },
  { input: 'src/page/module.js', output: 'webtorrent-py.mjs', format: 'esm' },
  // What these start as workers.
  { input: 'src/worker/main.js', output: 'engine.js', format: 'esm' },
  { input: 'src/media/main.js', output: 'media.js', format: 'esm' }
]

const [folder] = process.argv.slice(2)
if (!folder) {
  console.error('Usage: node build.mjs OUTPUT_FOLDER')
  process.exit(2)
}

await Promise.all(ENTRIES.map(({ input, output, format }) => build({
  entryPoints: [input],
  outfile: `${folder}/${output}`,
  format,
  bundle: true,
  minify: true,
  legalComments: 'linked',
  sourcemap: 'linked',
  target: 'es2022',
  logLevel: 'warning'
})))
