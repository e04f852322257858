// Packets of one track → one fragment in a container that MediaSource takes. Packets are copied as
// they are; nothing is decoded.

import {
  EncodedAudioPacketSource, EncodedVideoPacketSource, Mp4OutputFormat, NullTarget, Output, WebMOutputFormat
} from 'mediabunny'

/**
 * Every fragment comes from an output of its own, so that no state outlives it: a film of hours needs
 * no more memory than one group of pictures, and a seek has nothing to undo.
 *
 * @param {import('./tracks.js').Track} track
 * @param {import('mediabunny').EncodedPacket[]} packets  at least one, of which the first is a key frame
 * @returns {Promise<{ init: Uint8Array | null, media: Uint8Array }>}  the initialization segment, if the container
 *   has one, and the media segment
 */
export async function writeFragment (track, packets) {
  if (track.container === 'mpeg') return { init: null, media: concat(packets.map(packet => packet.data)) }
  const init = []
  const media = []
  const output = new Output({ format: FORMATS[track.container](init, media), target: new NullTarget() })
  let source
  if (track.kind === 'video') {
    source = new EncodedVideoPacketSource(track.codec)
    output.addVideoTrack(source, { transformationMatrix: await track.input.getTransformationMatrix() })
  } else {
    source = new EncodedAudioPacketSource(track.codec)
    output.addAudioTrack(source)
  }
  await output.start()
  for (const packet of packets) await source.add(packet, { decoderConfig: track.config })
  await output.finalize()
  return { init: concat(init), media: concat(media) }
}

const FORMATS = {
  mp4: (init, media) => new Mp4OutputFormat({
    fastStart: 'fragmented',
    minimumFragmentDuration: Infinity, // one fragment; where it ends is decided by who gives the packets
    onFtyp: data => init.push(data),
    onMoov: data => init.push(data),
    onMoof: data => media.push(data),
    onMdat: data => media.push(data)
  }),
  webm: (init, media) => new WebMOutputFormat({
    appendOnly: true, // so that the segment and its clusters have no sizes, as streamed WebM has none
    minimumClusterDuration: Infinity,
    onEbmlHeader: data => init.push(data),
    onSegmentHeader: data => init.push(data),
    onCluster: data => media.push(data)
  })
}

function concat (parts) {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}
