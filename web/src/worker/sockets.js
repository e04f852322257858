// WebSockets to trackers.

const decoder = new TextDecoder()

/** How long a closing handshake may take before nobody waits for it. */
const CLOSING_LIMIT = 1000

export class Sockets {
  #sockets = new Map()
  #closing = new Set() // of promises
  #handlers

  /** @param {{ opened, received, closed }} handlers  each takes the socket's number first */
  constructor (handlers) {
    this.#handlers = handlers
  }

  open (id, url) {
    let socket
    try {
      socket = new WebSocket(url)
    } catch (error) { // not a WebSocket URL, or plain ws: on a page that came by https:
      queueMicrotask(() => this.#handlers.closed(id, error.message))
      return
    }
    this.#sockets.set(id, socket)
    let opened = false
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => {
      opened = true
      this.#handlers.opened(id)
    }
    socket.onmessage = ({ data }) => {
      this.#handlers.received(id, typeof data === 'string' ? data : decoder.decode(data))
    }
    socket.onclose = ({ code, reason }) => {
      this.#sockets.delete(id)
      this.#handlers.closed(id, opened ? `closed by the tracker (${code}${reason && `: ${reason}`})` : 'cannot be reached')
    }
  }

  send (id, text) {
    const socket = this.#sockets.get(id)
    if (socket?.readyState === WebSocket.OPEN) socket.send(text)
  }

  close (id) {
    const socket = this.#sockets.get(id)
    if (!socket) return
    this.#sockets.delete(id)
    socket.onopen = socket.onmessage = null
    const closed = new Promise(resolve => { socket.onclose = resolve })
    this.#closing.add(closed)
    closed.then(() => this.#closing.delete(closed))
    socket.close()
  }

  /** Resolves when what was sent last on closed sockets has gone out, or is given up. */
  flushed () {
    return Promise.race([
      Promise.all(this.#closing),
      new Promise(resolve => setTimeout(resolve, CLOSING_LIMIT))
    ])
  }
}
