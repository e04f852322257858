// The page's end of a data channel that cannot be transferred to the engine worker (`worker/relayed.js` is the
// other end, and says what the messages are). Bytes change hands by transfer.

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
