// Writes each file of a site once more, compressed with brotli as web servers send it: NAME.br.
// Usage, in this folder: node compress.mjs FOLDER CACHE_FOLDER
//
// What was compressed before is taken from the cache, which keeps only what this site has.

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'

const [folder, cache] = process.argv.slice(2)
if (!cache) {
  console.error('Usage: node compress.mjs FOLDER CACHE_FOLDER')
  process.exit(2)
}

// Others are compressed already, or nobody downloads them.
const COMPRESSIBLE = /\.(html|css|js|mjs|svg|json|wasm|bin)$/

// The snapshot changes with our sources: quality 11 would take three times as long for 4 % less.
const quality = name => name.endsWith('.bin') ? 10 : 11

const compress = (content, name) => promisify(brotliCompress)(content, {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: quality(name),
    [constants.BROTLI_PARAM_LGWIN]: 24,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length
  }
})

const entries = await readdir(folder, { recursive: true })
await mkdir(cache, { recursive: true })

const used = await Promise.all(entries.filter(name => COMPRESSIBLE.test(name)).map(async name => {
  const content = await readFile(join(folder, name))
  const kept = `${createHash('sha256').update(content).digest('hex')}.br`
  const file = join(cache, kept)
  if (!existsSync(file)) await writeFile(file, await compress(content, name))
  await copyFile(file, `${join(folder, name)}.br`)
  return kept
}))

const isUsed = new Set(used)
for (const name of await readdir(cache)) {
  if (!isUsed.has(name)) await rm(join(cache, name))
}
