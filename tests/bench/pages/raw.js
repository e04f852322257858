/**
 * Data channels without any protocol on them: one page sends on all of its channels, others receive.
 */
const HIGH_WATER = 4 << 20
const LOW_WATER = 1 << 20

const clock = () => performance.timeOrigin + performance.now()

/** Calls `whenDone` with the time when so many bytes have come; also runs in a worker. */
function count (channel, length, whenDone) {
  channel.binaryType = 'arraybuffer'
  channel.onmessage = ({ data }) => {
    length -= data.byteLength
    if (length <= 0) whenDone(performance.timeOrigin + performance.now())
  }
}

const WORKER = `${count}
onmessage = ({ data: [channel, length] }) => count(channel, length, time => postMessage(time))`

async function describe (connection) {
  await connection.setLocalDescription()
  while (connection.iceGatheringState !== 'complete') {
    await new Promise(resolve => { connection.onicegatheringstatechange = resolve })
  }
  return connection.localDescription.sdp
}

const bench = {
  connections: [],
  channels: [],
  done: null,
  error: null,

  async offer () {
    const connection = new RTCPeerConnection({ iceServers: [] })
    this.connections.push(connection)
    this.channels.push(connection.createDataChannel('raw'))
    return await describe(connection)
  },

  async answer (sdp, length, place) {
    const connection = new RTCPeerConnection({ iceServers: [] })
    this.connections.push(connection)
    const done = time => { this.done = time }
    connection.ondatachannel = ({ channel }) => {
      if (place === 'page') return count(channel, length, done)
      const worker = new Worker(URL.createObjectURL(new Blob([WORKER])))
      worker.onmessage = ({ data }) => done(data)
      worker.onerror = ({ message }) => { this.error = message }
      worker.postMessage([channel, length], [channel])
    }
    await connection.setRemoteDescription({ type: 'offer', sdp })
    return await describe(connection)
  },

  accept (number, sdp) {
    return this.connections[number].setRemoteDescription({ type: 'answer', sdp })
  },

  /** Sends `length` bytes on every channel; returns when it began, before the end. */
  async send (length, messageLength) {
    for (const channel of this.channels) {
      while (channel.readyState !== 'open') await new Promise(resolve => { channel.onopen = resolve })
    }
    const message = crypto.getRandomValues(new Uint8Array(65536)).subarray(0, messageLength)
    for (const channel of this.channels) {
      let left = length
      const fill = () => {
        while (left > 0 && channel.bufferedAmount < HIGH_WATER) {
          channel.send(left < message.length ? message.subarray(0, left) : message)
          left -= message.length
        }
      }
      channel.bufferedAmountLowThreshold = LOW_WATER
      channel.onbufferedamountlow = fill
      setTimeout(fill)
    }
    return clock()
  }
}
