// HTTP downloads of bounded size.

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
