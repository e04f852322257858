// HTTP downloads: of bounded size, and ranges of web seeds as they come.

/**
 * @param {string} url
 * @param {number} limit  bytes; a longer body is an error and is not read to its end
 * @returns {Promise<Uint8Array>}
 */
export async function fetchBytes (url, limit) {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`HTTP status ${response.status}`)
  const parts = []
  let length = 0
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read()
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer())
    length += value.length
    if (length > limit) {
      await reader.cancel()
      throw new Error(`Longer than ${limit} bytes`)
    }
    parts.push(value)
  }
}

/** The HTTP ranges that are being fetched. `events` has `started`, `received`, `ended` and `failed`. */
export class Ranges {
  #events
  #aborts = new Map()

  constructor (events) {
    this.#events = events
  }

  /** @param {number} torrent @param {number} id @param {string} url @param {number} start @param {number} length */
  async fetch (torrent, id, url, start, length) {
    const abort = new AbortController()
    this.#aborts.set(id, abort)
    const isOpen = () => this.#aborts.get(id) === abort
    try {
      const response = await this.#request(url, start, length, abort.signal)
      if (!isOpen()) return
      this.#events.started(torrent, id, response.status, response.headers.get('Content-Range') ?? '')
      for (const reader = response.body?.getReader(); reader && isOpen();) {
        const { done, value } = await reader.read()
        if (done) break
        if (isOpen()) this.#events.received(torrent, id, value)
      }
      if (this.#aborts.delete(id)) this.#events.ended(torrent, id)
    } catch (error) { // also of `abort`, which nobody is told of
      if (this.#aborts.delete(id)) this.#events.failed(torrent, id, error.message)
    }
  }

  cancel (id) {
    const abort = this.#aborts.get(id)
    this.#aborts.delete(id)
    abort?.abort()
  }

  /** Any other header, or another form of this one, would make the browser ask the server first (a CORS preflight). */
  async #request (url, start, length, signal) {
    const headers = { Range: `bytes=${start}-${start + length - 1}` }
    try {
      return await fetch(url, { headers, signal })
    } catch (error) {
      if (!signal.aborted && await isReachable(url, signal)) {
        throw new Error('the server does not let pages read it: it must send the header Access-Control-Allow-Origin')
      }
      throw error
    }
  }
}

/** Whether a server answers at all: what it says may not be read here, but that it does shows why a fetch failed. */
async function isReachable (url, signal) {
  try {
    const response = await fetch(url, { mode: 'no-cors', signal })
    await response.body?.cancel()
    return true
  } catch { // refused, or no such host
    return false
  }
}
