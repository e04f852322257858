// The media worker: turns files that a MediaSource cannot take into fragments that it can.
//
// One worker serves every media element of the page. A session is one file shown in one element; the
// page numbers them, so that it can close one that is still being opened.

import * as Comlink from 'comlink'
import { typedError } from '../shared/errors.js'
import { MEDIA_METHODS } from '../shared/protocol.js'
import { serve } from '../shared/serve.js'
import { Remuxer } from './remuxer.js'

/** @type {Map<number, Remuxer>} */
const sessions = new Map()

/** @param {number} session */
function remuxer (session) {
  const found = sessions.get(session)
  if (!found) throw typedError({ code: 'ERR_DESTROYED', message: 'This media session is closed' })
  return found
}

serve({
  open (session, length, port) {
    sessions.set(session, new Remuxer(length, port))
    return remuxer(session).open()
  },

  start: (session, chosen) => remuxer(session).start(chosen),

  seek: (session, time, port) => remuxer(session).seek(time, port),

  async next (session) {
    const segment = await remuxer(session).next()
    if (!segment) return null
    const buffers = segment.fragments.flatMap(({ init, media }) => init ? [init, media] : [media])
    return Comlink.transfer(segment, buffers.map(bytes => bytes.buffer))
  },

  close (session) {
    sessions.get(session)?.close()
    sessions.delete(session)
  }
}, MEDIA_METHODS, globalThis)
