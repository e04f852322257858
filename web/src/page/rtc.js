// RTCPeerConnections, which exist only on pages. Each has one data channel, which goes to the engine worker the
// moment it exists: later it cannot be transferred.

import * as Comlink from 'comlink'
import { typedError } from '../shared/errors.js'
import { relay } from './relay.js'

/** Whether this browser can connect to peers at all. */
export const WEBRTC_SUPPORT = typeof globalThis.RTCPeerConnection === 'function'

const DEFAULT_CONFIG = {
  iceServers: [{ urls: ['stun:stun.l.google.com:19302', 'stun:global.stun.twilio.com:3478'] }]
}

// Candidates go with the SDP, all at once. Those of the own network come at once, those from a STUN server after
// one round trip, and servers that cannot be reached would hold up everything for ten seconds and more.
const GATHERING_PATIENCE = 1000
const GATHERING_LIMIT = 3000

export class Connections {
  #connections = new Map() // peer → RTCPeerConnection
  #config
  #engine
  #mustRelay

  /**
   * @param {RTCConfiguration=} config
   * @param {import('./engine.js').Engine} engine
   * @param {boolean=} mustRelay  as if channels could not be transferred
   */
  constructor (config, engine, mustRelay = false) {
    this.#config = config ?? DEFAULT_CONFIG
    this.#engine = engine
    this.#mustRelay = mustRelay
  }

  /** @returns {Promise<string>} SDP with candidates */
  async createOffer (peer) {
    const connection = this.#open(peer)
    this.#handOver(peer, connection.createDataChannel('webtorrent'))
    return describe(connection)
  }

  /** @returns {Promise<string>} SDP with candidates */
  async acceptOffer (peer, sdp) {
    const connection = this.#open(peer)
    connection.ondatachannel = ({ channel }) => {
      connection.ondatachannel = null
      this.#handOver(peer, channel)
    }
    await connection.setRemoteDescription({ type: 'offer', sdp })
    return describe(connection)
  }

  async acceptAnswer (peer, sdp) {
    await this.#connections.get(peer)?.setRemoteDescription({ type: 'answer', sdp })
  }

  closePeer (peer) {
    this.#connections.get(peer)?.close()
    this.#connections.delete(peer)
  }

  closeAll () {
    for (const peer of [...this.#connections.keys()]) this.closePeer(peer)
  }

  #open (peer) {
    if (!WEBRTC_SUPPORT) throw typedError({ code: 'ERR_WEBRTC_SUPPORT', message: 'This browser has no WebRTC' })
    const connection = new RTCPeerConnection(this.#config)
    this.#connections.set(peer, connection)
    connection.onconnectionstatechange = () => {
      if (connection.connectionState !== 'failed') return
      this.closePeer(peer)
      this.#tell('connectionLost', peer, 'No way to the peer was found, or it broke off')
    }
    return connection
  }

  #handOver (peer, channel) {
    if (this.#mustRelay) return this.#relay(peer, channel)
    this.#engine.call('attachChannel', peer, Comlink.transfer(channel, [channel])).catch(error => {
      if (error.name !== 'DataCloneError') return // the engine is gone, and the client says so
      this.#mustRelay = true
      this.#relay(peer, channel)
    })
  }

  #relay (peer, channel) {
    const port = relay(channel)
    this.#tell('attachChannel', peer, Comlink.transfer(port, [port]))
  }

  // Rejects only when the engine is gone, of which the client tells.
  #tell (...call) {
    this.#engine.call(...call).catch(() => {})
  }
}

async function describe (connection) {
  await connection.setLocalDescription()
  await gathered(connection)
  return connection.localDescription.sdp
}

function gathered (connection) {
  return new Promise(resolve => {
    let timer = setTimeout(resolve, GATHERING_LIMIT)
    let isFirst = true
    connection.onicecandidate = ({ candidate }) => {
      if (!candidate) {
        clearTimeout(timer)
        resolve()
      } else if (isFirst) {
        isFirst = false
        clearTimeout(timer)
        timer = setTimeout(resolve, GATHERING_PATIENCE)
      }
    }
  })
}
