// The engine worker: starts Python and serves the page's calls (shared/protocol.js).
//
// Calls that come before Python is up wait for it; when it cannot start, they all get its error.

import * as Comlink from 'comlink'
import { typedError } from '../shared/errors.js'
import { ENGINE_METHODS, READER_METHODS } from '../shared/protocol.js'
import { serve } from '../shared/serve.js'
import { bootPython } from './boot.js'
import { createIO } from './io.js'

class Engine {
  #engine
  #started

  boot (options, pagePort) {
    const page = Comlink.wrap(pagePort)
    const report = ({ name, message }) => page.report({ name, message, code: 'ERR_INTERNAL' })
    const { engine, module } = createIO(page, report)
    this.#engine = engine
    this.#started = bootPython().then(({ start, from }) => {
      const { error, ...started } = JSON.parse(start(JSON.stringify(options), module))
      if (error) throw typedError(error)
      return { ...started, from }
    })
    return this.#started
  }

  add = (torrent, id, options, bytes) => this.#call('add', [torrent, id, options], bytes)

  seed = (torrent, items, options) => {
    const sources = items.map(({ name, blob }) => [name, this.#engine.addSource(blob), blob.size])
    return this.#call('seed', [torrent, sources, options])
  }

  find = (id, bytes) => this.#call('find', [id], bytes)
  remove = torrent => this.#call('remove', [torrent])
  destroy = async () => {
    await this.#call('destroy', [])
    await this.#engine.flushed()
  }

  command = (torrent, file, name, args) => this.#call('command', [torrent, file, name, args])

  wireCommand = (torrent, wire, name, args, bytes) => this.#call('wire_command', [torrent, wire, name, args], bytes)
  watchWires = torrent => this.#call('watch_wires', [torrent])
  announceOptions = (torrent, options) => this.#call('announce_options', [torrent, options])
  rescan = torrent => this.#call('rescan', [torrent])
  diagnose = torrent => this.#call('diagnose', [torrent])
  removePeer = (torrent, peer) => this.#call('remove_peer', [torrent, peer])

  async addPeer (torrent, initiator, port) {
    const peer = await this.#call('add_peer', [torrent, initiator])
    if (peer !== null) {
      this.#engine.channels.expect(peer)
      this.#engine.channels.attach(peer, port)
    }
    return peer
  }

  openReader = (torrent, file, start, end) => this.#call('open_reader', [torrent, file, start, end])
  closeReader = reader => this.#call('close_reader', [reader])
  read = (...location) => this.#read(location)

  async openPort (torrent, file, port) {
    const reader = await this.#call('open_random', [torrent, file])
    const closed = () => this.closeReader(reader)
    serve({ read: (start, end) => this.#read([reader, start, end]), close: closed }, READER_METHODS, port)
  }

  attachChannel = (peer, channel) => this.#engine.channels.attach(peer, channel)
  connectionLost = (peer, reason) => this.#engine.channels.lost(peer, reason)

  /** `[reader]`: the next bytes; `[reader, start, end]`: these. They go to whoever asked without a copy. */
  async #read (location) {
    const found = await this.#call('locate', location)
    if (!found) return null
    const bytes = await this.#engine.read(...found)
    return Comlink.transfer(bytes, [bytes])
  }

  async #call (name, args, bytes) {
    await this.#started
    return this.#engine.call(name, args, bytes)
  }
}

serve(new Engine(), ENGINE_METHODS, globalThis)
