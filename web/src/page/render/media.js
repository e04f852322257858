// Video and audio: from the swarm through a MediaSource where the browser takes the codecs, else as a
// whole file that the browser plays by itself.

import { gone, unsupported } from './errors.js'
import { kindOf } from './kinds.js'
import { playFromSwarm } from './media-source.js'

/**
 * @param {File} file  the mirror
 * @param {HTMLMediaElement} element
 * @param {{ autoplay: boolean, muted: boolean, controls: boolean, maxBlobLength: number }} opts
 * @param {AbortSignal} signal  the end of the element's life
 * @returns {Promise<void>}  when playback can start
 */
export async function showMedia (file, element, opts, signal) {
  if (opts.autoplay) element.autoplay = true
  if (opts.muted) element.muted = true
  if (opts.controls) element.controls = true
  if (!element.hasAttribute('aria-label')) element.setAttribute('aria-label', file.name)
  signal.addEventListener('abort', () => {
    element.removeAttribute('src')
    element.load()
  }, { once: true })

  const tried = []
  let details
  for (const [way, show] of [['MediaSource', streamed], ['Blob URL', whole]]) {
    const attempt = new AbortController()
    try {
      await show(file, element, opts, AbortSignal.any([signal, attempt.signal]), details)
      if (opts.autoplay && element.paused) start(element)
      return
    } catch (error) {
      attempt.abort()
      if (signal.aborted) throw gone(file)
      if (error.code !== 'ERR_UNSUPPORTED_MEDIA') throw error
      details ??= error
      tried.push(`${way}: ${error.message}`)
    }
  }
  const { container, codecs } = details
  throw unsupported(`"${file.name}" cannot be played here. ${tried.join('. ')}.`, { container, codecs, tried })
}

/** Plays what the browser did not start by itself: sound may have to wait for the user, the picture need not. */
function start (element) {
  element.play().catch(error => {
    if (error.name !== 'NotAllowedError') return // removed, or paused by the page meanwhile
    element.muted = true
    element.play().catch(() => {}) // the browser lets nothing play; the controls are there
  })
}

async function streamed (file, element, opts, signal) {
  const player = await playFromSwarm(file, element, signal)
  if (player.silent.length > 0) {
    console.warn(`"${file.name}" plays without sound: this browser does not decode ${player.silent.join(', ')}.`)
  }
  await Promise.race([canPlay(element, signal), player.failed])
}

async function whole (file, element, { maxBlobLength }, signal, { undecoded = [] }) {
  const { type } = kindOf(file.name)
  if (element.canPlayType(type) === '') throw unsupported(`this browser does not play ${type}`)
  // Not worth a download: what a MediaSource cannot decode, the element by itself mostly cannot either.
  if (undecoded.length > 0 && undecoded.every(codec => element.canPlayType(`video/mp4; codecs="${codec}"`) === '')) {
    throw unsupported('no decoder either')
  }
  if (file.length > maxBlobLength && file.progress < 1) {
    throw unsupported(`${file.length} bytes are more than maxBlobLength (${maxBlobLength}) allows to hold in memory`)
  }
  const blob = await file.blob()
  signal.throwIfAborted()
  const url = URL.createObjectURL(new Blob([blob], { type }))
  signal.addEventListener('abort', () => URL.revokeObjectURL(url), { once: true })
  element.src = url
  await canPlay(element, signal)
  if (undecoded.length > 0 && element.videoWidth === 0) throw unsupported('it plays without a picture')
}

function canPlay (element, signal) {
  return new Promise((resolve, reject) => {
    const done = new AbortController()
    const options = { signal: AbortSignal.any([signal, done.signal]) }
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: done.signal })
    element.addEventListener('canplay', () => { done.abort(); resolve() }, options)
    element.addEventListener('error', () => {
      done.abort()
      reject(unsupported(`the browser gave up: ${element.error?.message || `media error ${element.error?.code}`}`))
    }, options)
  })
}
