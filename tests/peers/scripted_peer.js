/**
 * A WebTorrent peer that does what its script says, right or wrong: raw WebRTC, and wire bytes made by hand.
 *
 * It joins a swarm through a tracker with one offer. Whoever answers gets the script's bytes.
 */
/* exported ScriptedPeer */

const PROTOCOL = '\x13BitTorrent protocol'
const BLOCK_LENGTH = 16384
// BEP 10 in byte 5, BEP 6 in byte 7.
const RESERVED = '\0\0\0\0\0\x10\0\x04'
const MESSAGE = { unchoke: 1, have: 4, bitfield: 5, request: 6, piece: 7, haveAll: 14, extended: 20 }
const OUR_METADATA_ID = 3

const latin1 = text => Uint8Array.from(text, character => character.charCodeAt(0))
const text = bytes => Array.from(bytes, byte => String.fromCharCode(byte)).join('')
const uint32 = number => new Uint8Array([number >>> 24, number >>> 16, number >>> 8, number])
const joined = (...parts) => new Uint8Array(parts.flatMap(part => [...part]))
const frame = (id, ...payload) => {
  const body = joined([id], ...payload)
  return joined(uint32(body.length), body)
}
const randomText = length => text(crypto.getRandomValues(new Uint8Array(length)).map(byte => 97 + byte % 26))

/**
 * What a peer may do, by name. `open` runs once the channel is open, `message` for every message that comes in.
 * `peer.options` is what the test gave.
 */
const SCRIPTS = {
  /** No handshake at all. */
  garbage: { open: peer => peer.send(crypto.getRandomValues(new Uint8Array(4096))) },

  /** A handshake for a torrent that nobody asked for. */
  wrongTorrent: { open: peer => peer.handshake('x'.repeat(20)) },

  /** Text, where only bytes are allowed. */
  textMessage: { open: peer => peer.channel.send('hello') },

  /** A message said to be four gigabytes long. */
  hugeMessage: { open: peer => { peer.handshake(); peer.send(joined(uint32(0xffffffff), [MESSAGE.piece])) } },

  /** A bitfield with one byte more than the torrent's pieces need. */
  longBitfield: {
    open: peer => {
      peer.handshake()
      peer.send(frame(MESSAGE.bitfield, new Uint8Array(Math.ceil(peer.options.pieces / 8) + 1)))
    }
  },

  haveOutOfRange: { open: peer => { peer.handshake(); peer.send(frame(MESSAGE.have, uint32(0xfffffff0))) } },

  hugeRequest: {
    open: peer => {
      peer.handshake()
      peer.send(frame(MESSAGE.request, uint32(0), uint32(0), uint32(0x7fffffff)))
    }
  },

  /** An extended handshake that is no bencoding. */
  badExtendedHandshake: {
    open: peer => { peer.handshake(); peer.send(frame(MESSAGE.extended, [0], latin1('d1:mi-0e'))) }
  },

  /** A whole seeder whose every block is zeros. */
  corruptSeeder: {
    open: peer => {
      peer.handshake()
      peer.send(frame(MESSAGE.haveAll))
      peer.send(frame(MESSAGE.unchoke))
    },
    message: (peer, id, payload) => {
      if (id !== MESSAGE.request) return
      const length = new DataView(payload.buffer, payload.byteOffset).getUint32(8)
      peer.send(frame(MESSAGE.piece, payload.slice(0, 8), new Uint8Array(length)))
    }
  },

  /** A seeder whose blocks are half as long as asked for. */
  shortBlocks: {
    open: peer => SCRIPTS.corruptSeeder.open(peer),
    message: (peer, id, payload) => {
      if (id === MESSAGE.request) peer.send(frame(MESSAGE.piece, payload.slice(0, 8), new Uint8Array(BLOCK_LENGTH / 2)))
    }
  },

  /** A seeder that answers every request with a block past the end of its piece. */
  blockOutOfRange: {
    open: peer => SCRIPTS.corruptSeeder.open(peer),
    message: (peer, id, payload) => {
      if (id !== MESSAGE.request) return
      peer.send(frame(MESSAGE.piece, payload.slice(0, 4), uint32(0x7fff0000), new Uint8Array(BLOCK_LENGTH)))
    }
  },

  /** Metadata of `options.metadataSize` bytes, all zeros. */
  wrongMetadata: {
    open: peer => {
      peer.handshake()
      const size = peer.options.metadataSize
      const handshake = `d1:md11:ut_metadatai${OUR_METADATA_ID}ee13:metadata_sizei${size}ee`
      peer.send(frame(MESSAGE.extended, [0], latin1(handshake)))
    },
    message: (peer, id, payload) => {
      const request = id === MESSAGE.extended && payload[0] !== 0 && /8:msg_typei0e5:piecei(\d+)e/.exec(text(payload))
      if (!request) return
      const piece = Number(request[1])
      const size = peer.options.metadataSize
      const answer = `d8:msg_typei1e5:piecei${piece}e10:total_sizei${size}ee`
      const data = new Uint8Array(Math.min(BLOCK_LENGTH, size - piece * BLOCK_LENGTH))
      peer.send(frame(MESSAGE.extended, [peer.theirMetadataId], latin1(answer), data))
    }
  }
}

class ScriptedPeer {
  /**
   * @param {{ tracker: string, infoHash: string, script: string, options: object }} settings  `infoHash` in hex
   */
  constructor ({ tracker, infoHash, script, options }) {
    this.options = options
    this.infoHash = text(infoHash.match(/../g).map(byte => parseInt(byte, 16)))
    this.script = SCRIPTS[script]
    this.received = new Uint8Array()
    this.handshaken = false
    this.theirMetadataId = null
    /** 'joining', then 'open' while connected, then 'closed' once the tracker was left, too. */
    this.state = 'joining'
    this.join(tracker)
  }

  async join (tracker) {
    this.connection = new RTCPeerConnection()
    this.channel = this.connection.createDataChannel('scripted')
    this.channel.binaryType = 'arraybuffer'
    this.channel.onopen = () => { this.state = 'open'; this.script.open(this) }
    this.channel.onclose = () => this.leave()
    this.channel.onmessage = event => this.receive(new Uint8Array(event.data))
    await this.connection.setLocalDescription()
    if (this.connection.iceGatheringState !== 'complete') {
      await new Promise(resolve => {
        this.connection.onicegatheringstatechange = () => {
          if (this.connection.iceGatheringState === 'complete') resolve()
        }
      })
    }
    const { type, sdp } = this.connection.localDescription
    this.socket = new WebSocket(tracker)
    this.socket.onopen = () => this.socket.send(JSON.stringify({
      action: 'announce',
      event: 'started',
      info_hash: this.infoHash,
      peer_id: `-XX0001-${randomText(12)}`,
      numwant: 1,
      uploaded: 0,
      downloaded: 0,
      left: 0,
      offers: [{ offer_id: randomText(20), offer: { type, sdp } }]
    }))
    this.socket.onmessage = event => {
      const { answer } = JSON.parse(event.data)
      if (answer) this.connection.setRemoteDescription(answer)
    }
  }

  send (bytes) {
    if (this.channel.readyState === 'open') this.channel.send(bytes)
  }

  handshake (infoHash = this.infoHash) {
    this.send(latin1(`${PROTOCOL}${RESERVED}${infoHash}-XX0001-${randomText(12)}`))
  }

  receive (bytes) {
    this.received = joined(this.received, bytes)
    if (!this.handshaken) {
      if (this.received.length < 68) return
      this.handshaken = true
      this.received = this.received.slice(68)
    }
    while (this.received.length >= 4) {
      const length = new DataView(this.received.buffer).getUint32(0)
      if (this.received.length < 4 + length) return
      const body = this.received.slice(4, 4 + length)
      this.received = this.received.slice(4 + length)
      if (length) this.handle(body[0], body.slice(1))
    }
  }

  handle (id, payload) {
    if (id === MESSAGE.extended && payload[0] === 0) {
      const found = /11:ut_metadatai(\d+)e/.exec(text(payload))
      if (found) this.theirMetadataId = Number(found[1])
    }
    this.script.message?.(this, id, payload)
  }

  /** Else the tracker would hand the next one's offer to this one. */
  leave () {
    this.connection.close()
    this.socket.onclose = () => { this.state = 'closed' }
    this.socket.close()
  }
}
