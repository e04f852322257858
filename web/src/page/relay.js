// The page's end of a data channel that cannot be transferred to the engine worker, or that somebody else made
// (`worker/relayed.js` is the other end, and says what the messages are). Bytes change hands by transfer.

/**
 * @param {RTCDataChannel} channel
 * @returns {MessagePort} for the worker
 */
export function relay (channel) {
  const { port1: port, port2 } = new MessageChannel()
  let unreported = 0
  const report = () => {
    if (unreported === 0) return
    port.postMessage({ sent: unreported })
    unreported = 0
  }
  channel.binaryType = 'arraybuffer'
  channel.onopen = () => port.postMessage({ state: 'open' })
  channel.onclose = () => port.postMessage({ state: 'closed' })
  channel.onmessage = ({ data }) => port.postMessage(data, typeof data === 'string' ? [] : [data])
  channel.bufferedAmountLowThreshold = 64 * 1024
  channel.onbufferedamountlow = report
  port.onmessage = ({ data }) => {
    if (data === null) {
      port.close()
      channel.close()
    } else if (channel.readyState === 'open') {
      unreported += data.byteLength
      channel.send(data)
      if (channel.bufferedAmount <= channel.bufferedAmountLowThreshold) report()
    }
  }
  if (channel.readyState === 'open') channel.onopen()
  return port2
}

/**
 * @param {object} peer  a simple-peer: `on` for connect, data, drain, close and error; `write` or `send`; `destroy`
 * @returns {MessagePort} for the worker
 */
export function relayPeer (peer) {
  const { port1: port, port2 } = new MessageChannel()
  let unreported = 0
  const report = () => {
    port.postMessage({ sent: unreported })
    unreported = 0
  }
  const closed = () => port.postMessage({ state: 'closed' })
  peer.on('connect', () => port.postMessage({ state: 'open' }))
  peer.on('data', data => {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data) // a copy, to give away
    port.postMessage(bytes.buffer, [bytes.buffer])
  })
  peer.on('drain', report)
  peer.on('close', closed)
  peer.on('error', closed)
  port.onmessage = ({ data }) => {
    if (data === null) {
      port.close()
      peer.destroy()
    } else if (!peer.destroyed) {
      unreported += data.byteLength
      // A stream says when it has too much; what has only `send` takes it all.
      const bytes = new Uint8Array(data)
      if (peer.write ? peer.write(bytes) !== false : (peer.send(bytes), true)) report()
    }
  }
  if (peer.connected) port.postMessage({ state: 'open' })
  return port2
}
