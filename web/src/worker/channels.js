// Data channels to peers: bytes in and out, one Python call a message.

import { Outbox } from './outbox.js'
import { RelayedChannel } from './relayed.js'

const encoder = new TextEncoder()

export class Channels {
  #peers = new Map() // peer → { channel, outbox, early }: null until the channel is there; until it is open
  #handlers

  /** @param {{ opened, received, writable, closed, failed }} handlers  each takes the peer first */
  constructor (handlers) {
    this.#handlers = handlers
  }

  /** Python wants this peer from now on. */
  expect (peer) {
    this.#peers.set(peer, { channel: null, outbox: null, early: [] })
  }

  /** @param {number} peer @param {RTCDataChannel | MessagePort} channel */
  attach (peer, channel) {
    if (channel instanceof MessagePort) channel = new RelayedChannel(channel)
    const entry = this.#peers.get(peer)
    if (!entry) return channel.close()
    entry.channel = channel
    channel.binaryType = 'arraybuffer'
    channel.onopen = () => this.#open(peer)
    channel.onmessage = ({ data }) => {
      // Text is not part of the protocol; as bytes it is refused by the one parser that judges all input.
      const bytes = typeof data === 'string' ? encoder.encode(data) : data
      // In Chromium messages can overtake the `open` of a channel that was transferred.
      if (entry.outbox) this.#handlers.received(peer, bytes)
      else entry.early.push(bytes)
    }
    channel.onclose = () => this.lost(peer, 'The data channel was closed')
    if (channel.readyState === 'open') this.#open(peer)
  }

  /** The connection is gone, for whatever reason; tells Python once. */
  lost (peer, reason) {
    const entry = this.#peers.get(peer)
    if (!entry) return
    this.close(peer)
    if (entry.outbox) this.#handlers.closed(peer)
    else this.#handlers.failed(peer, reason)
  }

  /** @returns {Outbox | null} null when the peer is gone already */
  outbox (peer) {
    return this.#peers.get(peer)?.outbox ?? null
  }

  close (peer) {
    const entry = this.#peers.get(peer)
    if (!entry) return
    this.#peers.delete(peer)
    entry.outbox?.clear()
    const { channel } = entry
    if (!channel) return
    channel.onopen = channel.onmessage = channel.onclose = channel.onbufferedamountlow = null
    channel.close()
  }

  #open (peer) {
    const entry = this.#peers.get(peer)
    if (!entry || entry.outbox) return
    entry.outbox = new Outbox(entry.channel, () => this.#peers.has(peer) && this.#handlers.writable(peer))
    this.#handlers.opened(peer)
    for (const bytes of entry.early.splice(0)) this.#handlers.received(peer, bytes)
  }
}
