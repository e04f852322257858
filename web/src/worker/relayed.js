// The worker's end of a data channel that could not be transferred: looks like an RTCDataChannel.
//
// The page's end (`page/relay.js`) says, over the port: an ArrayBuffer or string that was received,
// `{ state: 'open' | 'closed' }`, or `{ sent }`: how many bytes have left the channel's own buffer.

export class RelayedChannel {
  readyState = 'connecting'
  bufferedAmount = 0
  bufferedAmountLowThreshold = 0
  onopen = null
  onmessage = null
  onclose = null
  onbufferedamountlow = null
  #port

  /** @param {MessagePort} port */
  constructor (port) {
    this.#port = port
    port.onmessage = ({ data }) => this.#receive(data)
  }

  /** @param {Uint8Array} bytes */
  send (bytes) {
    if (this.readyState !== 'open') throw new DOMException('The channel is not open', 'InvalidStateError')
    const copy = bytes.slice().buffer
    this.bufferedAmount += copy.byteLength
    this.#port.postMessage(copy, [copy])
  }

  close () {
    this.readyState = 'closed'
    this.#port.postMessage(null)
    this.#port.close()
  }

  #receive (data) {
    if (typeof data === 'string' || data instanceof ArrayBuffer) {
      this.onmessage?.({ data })
    } else if (data.state === 'open') {
      this.readyState = 'open'
      this.onopen?.()
    } else if (data.state === 'closed') {
      this.readyState = 'closed'
      this.onclose?.()
    } else {
      const wasAbove = this.bufferedAmount > this.bufferedAmountLowThreshold
      this.bufferedAmount -= data.sent
      if (wasAbove && this.bufferedAmount <= this.bufferedAmountLowThreshold) this.onbufferedamountlow?.()
    }
  }
}
