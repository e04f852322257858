// The memory of a Python that has started, as a file.
//
// Much of that memory is what the wasm file itself puts there. So the file holds the difference (XOR) to the memory of
// the module when it was just instantiated, its image; and only those pages of the difference that are not all zeros.
// Numbers are little-endian words of 32 bits:
//
//   magic, bytes of memory, bytes of the image, the image's checksum, bytes of Pyodide's header, number of pages,
//   the pages' numbers, Pyodide's header (with its build id), the pages.

const MAGIC = 0x53505457
const PAGE = 4096
const WORDS_OF_PAGE = PAGE / 4
const WORDS_OF_HEAD = 6

/**
 * @param {Uint8Array} made  what Pyodide's `makeMemorySnapshot` made
 * @param {Uint8Array} memory  as it was when the wasm module was instantiated
 * @returns {Uint8Array}
 */
export function pack (made, memory) {
  const [, headerLength] = new Uint32Array(made.buffer, made.byteOffset, 2)
  const header = made.subarray(0, headerLength)
  const heap = made.slice(headerLength)
  const image = imageOf(memory)
  for (let at = 0; at < image.length; at++) heap[at] ^= image[at]
  const words = new Uint32Array(heap.buffer)
  const numbers = []
  for (let number = 0; number < heap.length / PAGE; number++) {
    if (pageOf(words, number).some(word => word !== 0)) numbers.push(number)
  }
  const head = [MAGIC, heap.length, image.length, checksum(image), headerLength, numbers.length]
  const start = (WORDS_OF_HEAD + numbers.length) * 4 + headerLength
  const file = new Uint8Array(start + numbers.length * PAGE)
  new Uint32Array(file.buffer).set([...head, ...numbers])
  file.set(header, start - headerLength)
  numbers.forEach((number, index) => file.set(heap.subarray(number * PAGE, (number + 1) * PAGE), start + index * PAGE))
  return file
}

/** Reads what `pack` made. */
export class Snapshot {
  #imageLength
  #imageChecksum
  #numbers
  #pages

  /** @param {ArrayBuffer} file */
  constructor (file) {
    const words = new Uint32Array(file, 0, Math.floor(file.byteLength / 4))
    const [magic, memoryLength, imageLength, imageChecksum, headerLength, pageCount] = words
    const start = WORDS_OF_HEAD + pageCount + headerLength / 4
    if (magic !== MAGIC || file.byteLength !== (start + pageCount * WORDS_OF_PAGE) * 4) {
      throw new Error('this is no whole memory snapshot')
    }
    this.#imageLength = imageLength
    this.#imageChecksum = imageChecksum
    this.#numbers = words.subarray(WORDS_OF_HEAD, WORDS_OF_HEAD + pageCount)
    this.#pages = words.subarray(start)
    /** Bytes that the memory must have. */
    this.memoryLength = memoryLength
    /** What Pyodide reads when it starts from a snapshot; the memory that should follow is restored here. */
    this.header = new Uint8Array(file.slice(start * 4 - headerLength, start * 4))
  }

  /**
   * Takes the image out of the memory of a module that was just instantiated.
   *
   * @param {WebAssembly.Memory} memory  made larger if it has to be
   * @returns {Uint8Array} for `restore`
   */
  takeImage (memory) {
    const missing = this.memoryLength - memory.buffer.byteLength
    if (missing > 0) memory.grow(Math.ceil(missing / 65536))
    const image = new Uint8Array(memory.buffer).slice(0, this.#imageLength)
    if (checksum(image) !== this.#imageChecksum) throw new Error('the memory snapshot is of another version of Python')
    return image
  }

  /** @param {WebAssembly.Memory} memory  @param {Uint8Array} image */
  restore (memory, image) {
    new Uint8Array(memory.buffer).set(image)
    const words = new Uint32Array(memory.buffer)
    this.#numbers.forEach((number, index) => {
      const page = pageOf(this.#pages, index)
      const at = number * WORDS_OF_PAGE
      if (number * PAGE >= image.length) {
        words.set(page, at)
      } else {
        for (let word = 0; word < WORDS_OF_PAGE; word++) words[at + word] ^= page[word]
      }
    })
  }
}

/** Memory up to the last page that has something in it. */
function imageOf (memory) {
  const words = new Uint32Array(memory.buffer, memory.byteOffset, memory.length / 4)
  let end = words.length
  while (end > 0 && words[end - 1] === 0) end--
  return memory.subarray(0, Math.ceil(end / WORDS_OF_PAGE) * PAGE)
}

const pageOf = (words, number) => words.subarray(number * WORDS_OF_PAGE, (number + 1) * WORDS_OF_PAGE)

/** FNV-1a, by words. @param {Uint8Array} bytes  a multiple of four */
function checksum (bytes) {
  let sum = 0x811c9dc5
  for (const word of new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)) {
    sum = Math.imul(sum ^ word, 0x01000193)
  }
  return sum >>> 0
}
