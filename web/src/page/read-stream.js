// A readable stream with the interface of Node's, over an async iterator: what `createReadStream` returns. The part
// that pages use, in both modes: `data` events with `pause` and `resume`, or `readable` events with `read`.

import EventEmitter from 'events'

export class ReadStream extends EventEmitter {
  destroyed = false
  readableEnded = false
  #iterator
  #buffered = [] // parts that were read and not taken
  #isFlowing = null // null until anybody says how to read
  #isReading = false
  #isAtEnd = false

  /** @param {AsyncIterator<Uint8Array>} iterator */
  constructor (iterator) {
    super()
    this.#iterator = iterator
  }

  get readable () { return !this.destroyed && !this.readableEnded }
  get readableFlowing () { return this.#isFlowing }
  isPaused () { return this.#isFlowing === false }

  on (name, listener) {
    super.on(name, listener)
    if (name === 'data' && this.#isFlowing === null) this.resume()
    if (name === 'readable') this.#fill()
    return this
  }

  addListener (name, listener) { return this.on(name, listener) }

  resume () {
    this.#isFlowing = true
    queueMicrotask(() => this.#flow())
    return this
  }

  pause () {
    this.#isFlowing = false
    return this
  }

  /** The next part, or null when none is there now: then `readable` tells of it, or `end` that there is no more. */
  read () {
    const part = this.#buffered.shift() ?? null
    if (this.#buffered.length === 0) this.#fill()
    return part
  }

  pipe (target, { end = true } = {}) {
    this.on('data', part => {
      if (target.write(part) !== false) return
      this.pause()
      target.once('drain', () => this.resume())
    })
    if (end) this.once('end', () => target.end())
    target.emit?.('pipe', this)
    return target
  }

  destroy (error) {
    if (this.destroyed) return this
    this.destroyed = true
    this.#buffered = []
    this.#iterator.return?.().catch(() => {}) // the reading has ended, however that went
    queueMicrotask(() => {
      if (error) this.emit('error', error)
      this.emit('close')
    })
    return this
  }

  async * [Symbol.asyncIterator] () {
    try {
      for (;;) {
        while (this.#buffered.length > 0) yield this.#buffered.shift()
        if (this.#isAtEnd || this.destroyed) return
        const { done, value } = await this.#iterator.next()
        if (done) return
        yield value
      }
    } finally {
      this.destroy()
    }
  }

  async #flow () {
    while (this.#isFlowing && this.#buffered.length > 0) this.emit('data', this.#buffered.shift())
    if (this.#isFlowing) this.#fill()
  }

  /** Reads one part ahead, and goes on while parts are taken as they come. */
  async #fill () {
    if (this.#isReading || this.destroyed) return
    if (this.#isAtEnd) return this.#finish()
    this.#isReading = true
    try {
      const { done, value } = await this.#iterator.next()
      if (done) this.#isAtEnd = true
      else this.#buffered.push(value)
    } catch (error) {
      this.destroy(error)
    }
    this.#isReading = false
    if (this.destroyed) return
    if (this.#isFlowing) this.#flow()
    else if (this.#isAtEnd) this.#finish()
    if (!this.#isFlowing && !this.readableEnded) this.emit('readable')
  }

  #finish () {
    if (this.readableEnded || this.#buffered.length > 0) return
    this.readableEnded = true
    this.emit('end')
    this.destroy()
  }
}
