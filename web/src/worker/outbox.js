// What waits to be sent on one data channel.
//
// The wire is a byte stream, so entries are joined into messages of up to MAX_MESSAGE bytes: fewer
// messages cost both ends less. No more than HIGH_WATER bytes are handed to the channel before it has run
// down to LOW_WATER again (Chromium refuses what exceeds 16 MB, and what waits here can still be dropped).

const MAX_MESSAGE = 64 * 1024
const HIGH_WATER = 1280 * 1024
// What a fast line takes away while the next batch is read from a file.
const LOW_WATER = 512 * 1024

// `send` copies before it returns, so all channels share one message buffer.
const message = new Uint8Array(MAX_MESSAGE)

export class Outbox {
  #channel
  #onWritable
  #entries = []
  #owesWritable = false
  #willFlush = false

  /**
   * @param {RTCDataChannel} channel  open
   * @param {() => void} onWritable  called once after blocks were pushed and all of them are on their way
   */
  constructor (channel, onWritable) {
    this.#channel = channel
    this.#onWritable = onWritable
    channel.bufferedAmountLowThreshold = LOW_WATER
    channel.onbufferedamountlow = () => this.flush()
  }

  /** @param {Uint8Array} bytes */
  push (bytes) {
    if (bytes.length > 0) this.#entries.push({ bytes })
  }

  /** @param {Uint8Array} header @param {Uint8Array | Promise<Uint8Array>} payload  sent together */
  pushBlock (header, payload) {
    this.#owesWritable = true
    if (payload instanceof Uint8Array) {
      this.push(header)
      this.push(payload)
      return
    }
    const entries = [{ bytes: null }, { bytes: null }]
    this.#entries.push(...entries)
    payload.then(bytes => {
      entries[0].bytes = header
      entries[1].bytes = bytes
      this.#flushSoon()
    }, () => {}) // whoever made the payload has the error, and closes the peer
  }

  clear () {
    this.#entries = []
    this.#owesWritable = false
  }

  flush () {
    while (this.#entries.length > 0 && this.#channel.bufferedAmount < HIGH_WATER) {
      const taken = this.#compose()
      if (taken.length === 0) return // the next entry is still being read
      try {
        this.#channel.send(message.subarray(0, taken.length))
      } catch (error) {
        // OperationError: the queue is full; `bufferedamountlow` tries again. Otherwise the channel is
        // closing, and its `close` event tells.
        if (error.name !== 'OperationError') this.clear()
        return
      }
      this.#drop(taken)
    }
    if (this.#owesWritable && this.#entries.length === 0 && this.#channel.bufferedAmount <= LOW_WATER) {
      this.#owesWritable = false
      queueMicrotask(this.#onWritable) // never from inside a call that Python made
    }
  }

  /** Blocks that come from one read come one after the other: what is sent waits for the last, to fill its messages. */
  #flushSoon () {
    if (this.#willFlush) return
    this.#willFlush = true
    queueMicrotask(() => {
      this.#willFlush = false
      this.flush()
    })
  }

  /** Fills the message from the front of the queue. */
  #compose () {
    let length = 0
    let entries = 0
    for (const { bytes } of this.#entries) {
      if (!bytes || length === MAX_MESSAGE) break
      const part = bytes.length > MAX_MESSAGE - length ? bytes.subarray(0, MAX_MESSAGE - length) : bytes
      message.set(part, length)
      length += part.length
      if (part.length < bytes.length) return { length, entries, rest: bytes.subarray(part.length) }
      entries++
    }
    return { length, entries, rest: null }
  }

  #drop ({ entries, rest }) {
    this.#entries.splice(0, entries)
    if (rest) this.#entries[0] = { bytes: rest }
  }
}
