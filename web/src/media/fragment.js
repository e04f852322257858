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
 * @param {import('mediabunny').EncodedPacket[]} packets  at least one; only in MP4 may the first be no key frame
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
  const [first, ...rest] = packets
  await source.add(first.clone({ type: 'key' }), { decoderConfig: track.config }) // an output must begin with one
  for (const packet of rest) await source.add(packet)
  await output.finalize()
  if (first.type === 'delta') markFirstAsDelta(media[0])
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

// Sample flags (ISO/IEC 14496-12, 8.8.3.1): depends on others, is no sync sample.
const DELTA_FLAGS = 0x01010000
const FIRST_SAMPLE_FLAGS_PRESENT = 0x4

/** Takes back that the first sample is a key frame. */
function markFirstAsDelta (moof) {
  const view = new DataView(moof.buffer, moof.byteOffset, moof.length)
  const trun = findBox(view, ['moof', 'traf', 'trun'])
  if (view.getUint32(trun + 8) & FIRST_SAMPLE_FLAGS_PRESENT) view.setUint32(trun + 20, DELTA_FLAGS)
  else view.setUint32(findBox(view, ['moof', 'traf', 'tfhd']) + 24, DELTA_FLAGS) // the default, of a single sample
}

/** @returns {number} where the box at this path begins */
function findBox (view, path) {
  let [start, end] = [0, view.byteLength]
  for (const [depth, name] of path.entries()) {
    if (depth > 0) start += 8 // into the box before it
    while (start < end && boxName(view, start) !== name) start += view.getUint32(start)
    if (start >= end) throw new Error(`There is no ${path.join('.')} in this fragment`)
    end = start + view.getUint32(start)
  }
  return start
}

function boxName (view, start) {
  return String.fromCharCode(...[4, 5, 6, 7].map(offset => view.getUint8(start + offset)))
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
