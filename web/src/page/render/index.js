// Shows files of a torrent in the page: `file.appendTo` and `file.renderTo`.

import { gone, invalidOption, invalidTarget, unsupported } from './errors.js'
import { kindOf } from './kinds.js'
import { endLifetime, lifetimeOf } from './lifetime.js'
import { showMedia } from './media.js'
import { showImage, showPDF, showText } from './still.js'

const DEFAULTS = { autoplay: true, muted: false, controls: true, maxBlobLength: 200_000_000 }

/** What shows a kind of file: the element that `appendTo` makes, others that `renderTo` may be given, and how. */
const VIEWERS = {
  video: { tag: 'video', others: [], show: showMedia },
  audio: { tag: 'audio', others: ['video'], show: showMedia },
  image: { tag: 'img', others: [], show: showImage },
  text: { tag: 'pre', others: ['iframe', 'code', 'div', 'p', 'section', 'article', 'output', 'samp', 'span'], show: showText },
  pdf: { tag: 'iframe', others: [], show: showPDF }
}

/**
 * Makes an element for `file` and appends it to `target`. Media start to play by themselves, without sound where
 * the browser wants the user to do something first; `autoplay: false` leaves starting to the user.
 *
 * @param {File} file  the mirror: `name`, `length`, `progress`, `torrent`, `blob()`, `_readerPort()`
 * @param {string | Element} target  a CSS selector or the element to append to
 * @param {{ autoplay?: boolean, muted?: boolean, controls?: boolean, maxBlobLength?: number }} [opts]
 * @param {(error: Error | null, element?: Element) => void} [cb]
 * @returns {Promise<Element>}  resolves when the file is visible, or can be played from here on; rejects with
 *   `code` ERR_INVALID_TARGET, ERR_UNSUPPORTED_MEDIA, ERR_DESTROYED or what reading the file failed with
 */
export function appendTo (file, target, opts, cb) {
  return report(opts, cb, async options => {
    const parent = find(target)
    if (parent instanceof HTMLMediaElement || parent instanceof HTMLImageElement || parent instanceof HTMLIFrameElement) {
      throw invalidTarget(`appendTo puts a new element into another one, which a <${nameOf(parent)}> cannot hold: use renderTo`)
    }
    const viewer = viewerOf(file)
    const element = parent.ownerDocument.createElement(viewer.tag)
    parent.append(element)
    try {
      return await show(viewer, file, element, options)
    } catch (error) {
      element.remove()
      throw error
    }
  })
}

/**
 * Shows `file` in an element that is there already: a <video>, <audio>, <img>, <iframe> or, for text, a <pre>
 * and the like. Arguments, result and errors are those of `appendTo`, but whoever made the element decides by its
 * own `autoplay` attribute whether media start.
 */
export function renderTo (file, target, opts, cb) {
  return report(opts, cb, async options => {
    const element = find(target)
    const viewer = viewerOf(file)
    const allowed = [viewer.tag, ...viewer.others]
    if (!allowed.includes(nameOf(element))) {
      throw invalidTarget(`"${file.name}" cannot be shown in a <${nameOf(element)}>: it needs one of <${allowed.join('>, <')}>`)
    }
    return show(viewer, file, element, { ...options, autoplay: opts?.autoplay ?? element.autoplay ?? false })
  })
}

async function show (viewer, file, element, options) {
  const signal = lifetimeOf(element, file)
  try {
    await viewer.show(file, element, options, signal)
    if (signal.aborted) throw gone(file)
    return element
  } catch (error) {
    if (!signal.aborted) endLifetime(element)
    throw error
  }
}

/** Tells the outcome both ways: to the promise and to the callback. */
function report (opts, cb, run) {
  if (typeof opts === 'function') [opts, cb] = [undefined, opts]
  const result = Promise.resolve().then(() => run(checked(opts)))
  if (typeof cb === 'function') {
    // With a callback, the promise need not be looked at; what the callback itself throws is its caller's.
    result.then(element => cb(null, element), error => cb(error))
  }
  return result
}

function checked (opts = {}) {
  if (opts === null || typeof opts !== 'object') throw invalidOption('Options are an object')
  const options = { ...DEFAULTS }
  for (const [name, value] of Object.entries(DEFAULTS)) {
    if (opts[name] === undefined) continue
    if (typeof opts[name] !== typeof value) throw invalidOption(`${name} is a ${typeof value}, not ${String(opts[name])}`)
    options[name] = opts[name]
  }
  return options
}

function find (target) {
  let element = target
  if (typeof target === 'string') {
    try {
      element = document.querySelector(target)
    } catch {
      throw invalidTarget(`"${target}" is not a CSS selector`)
    }
    if (!element) throw invalidTarget(`No element of this page matches "${target}"`)
  }
  if (!(element instanceof Element)) throw invalidTarget('The target is a CSS selector or an element')
  return element
}

function viewerOf (file) {
  const { kind, extension } = kindOf(file.name)
  if (kind) return VIEWERS[kind]
  throw unsupported(`"${file.name}" cannot be shown: ${extension ? `.${extension} files are` : 'a file without an extension is'} ` +
    'none of video, audio, image, text or PDF. Its bytes are there through file.blob().')
}

function nameOf (element) {
  return element.nodeName.toLowerCase()
}
