// The files that the engine needs, which lie beside its own. The build names each by its content and lists them here.

/**
 * @type {{
 *   wasm: string, module: string, library: string, snapshot: string, wheels: [string, string][],
 *   integrity: Record<string, string>
 * }}
 */
const { wheels, integrity, ...files } = ASSETS

/** @param {keyof typeof files} name @returns {string} */
export const assetURL = name => new URL(files[name], import.meta.url).href

/** @returns {Promise<Response>}  of status 200. Rejects with an Error that has the file's URL, also when it is another file. */
export const fetchAsset = name => fetchFile(assetURL(name), integrity[name])

/** @returns {Promise<{ name: string, bytes: ArrayBuffer }[]>}  our package's wheel, and those that it needs */
export function fetchWheels () {
  return Promise.all(wheels.map(async ([name, path]) => {
    const response = await fetchFile(new URL(path, import.meta.url).href)
    return { name, bytes: await response.arrayBuffer() }
  }))
}

async function fetchFile (url, expected = '') {
  const response = await fetch(url, { integrity: expected }).catch(error => { throw new Error(`${url}: ${error.message}`) })
  if (!response.ok) throw new Error(`${url}: HTTP status ${response.status}`)
  return response
}
