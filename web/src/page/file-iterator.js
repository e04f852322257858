// Reads a range of a file from front to back. Not an async generator: one that waits for bytes cannot be ended.

export class FileIterator {
  #open
  #engine
  #reader = null // a promise of the engine's number, once anything was asked for
  #isDone

  /** @param {import('./engine.js').Engine} engine @param {(() => Promise<number>) | null} open  null: nothing to read */
  constructor (engine, open) {
    this.#engine = engine
    this.#open = open
    this.#isDone = open === null
  }

  [Symbol.asyncIterator] () { return this }

  async next () {
    if (this.#isDone) return { done: true, value: undefined }
    this.#reader ??= this.#open()
    try {
      const bytes = await this.#engine.call('read', await this.#reader)
      if (bytes !== null && !this.#isDone) return { done: false, value: new Uint8Array(bytes) }
    } catch (error) {
      if (!this.#isDone) {
        await this.return()
        throw error
      } // else it was ended while it waited, and that is no error
    }
    return this.return()
  }

  /** Nothing more is fetched for it from here on. */
  async return () {
    if (!this.#isDone) {
      this.#isDone = true
      // Fails only when the torrent, or the engine, is gone, and the reader with it.
      this.#reader?.then(reader => this.#engine.call('closeReader', reader)).catch(() => {})
    }
    return { done: true, value: undefined }
  }
}
