// What is shown when all of it is here: images, text, PDF.
//
// A torrent is written by anybody, so nothing from it may run in the page: text goes in as text, images
// into <img>, and every Blob URL has a type that we chose, never one that the browser guesses.

import { gone, unsupported } from './errors.js'
import { kindOf } from './kinds.js'

/** More text than this would freeze the page while it is laid out. */
const MAX_TEXT_LENGTH = 10_000_000

const BYTE_ORDER_MARKS = [['utf-16le', 0xff, 0xfe], ['utf-16be', 0xfe, 0xff]]

/** @param {HTMLImageElement} element */
export async function showImage (file, element, opts, signal) {
  element.alt ||= file.name
  const url = await blobURL(file, signal)
  await new Promise((resolve, reject) => {
    element.addEventListener('load', resolve, { once: true, signal })
    element.addEventListener('error', () => {
      reject(unsupported(`"${file.name}" cannot be shown: the browser does not decode it as ${kindOf(file.name).type}.`))
    }, { once: true, signal })
    signal.addEventListener('abort', () => reject(gone(file)), { once: true })
    element.src = url
  })
}

/** @param {HTMLElement} element  an <iframe>, or anything that holds text */
export async function showText (file, element, opts, signal) {
  if (file.length > MAX_TEXT_LENGTH) {
    throw unsupported(`"${file.name}" is too long to be shown as text: ${file.length} bytes, at most ${MAX_TEXT_LENGTH}.`)
  }
  if (element.nodeName === 'IFRAME') return showFrame(file, element, opts, signal)
  const bytes = new Uint8Array(await (await file.blob()).arrayBuffer())
  if (signal.aborted) throw gone(file)
  const [encoding] = BYTE_ORDER_MARKS.find(([, first, second]) => bytes[0] === first && bytes[1] === second) ?? ['utf-8']
  element.textContent = new TextDecoder(encoding).decode(bytes)
  if (element.nodeName === 'PRE') { // so that the keyboard can scroll it
    element.tabIndex = 0
    element.setAttribute('role', 'region')
    if (!element.hasAttribute('aria-label')) element.setAttribute('aria-label', file.name)
  }
}

/**
 * The browser's own viewer shows it, which runs a document's scripts apart from the page. That the Blob is
 * typed as PDF keeps it from being anything else. Firefox's viewer works in a sandbox, too, where a document
 * cannot open dialogs; Chromium refuses to start its own in a frame with any sandbox.
 *
 * @param {HTMLIFrameElement} element
 */
export async function showPDF (file, element, opts, signal) {
  if (!navigator.pdfViewerEnabled) throw unsupported(`"${file.name}" cannot be shown: this browser has no PDF viewer.`)
  const isGecko = CSS.supports('-moz-appearance', 'none')
  if (isGecko) element.setAttribute('sandbox', 'allow-scripts')
  element.title ||= file.name
  element.referrerPolicy = 'no-referrer'
  element.src = await blobURL(file, signal)
}

async function showFrame (file, element, opts, signal) {
  element.setAttribute('sandbox', '')
  element.title ||= file.name
  element.src = await blobURL(file, signal)
}

async function blobURL (file, signal) {
  const blob = await file.blob()
  if (signal.aborted) throw gone(file)
  const url = URL.createObjectURL(new Blob([blob], { type: kindOf(file.name).type }))
  signal.addEventListener('abort', () => URL.revokeObjectURL(url), { once: true })
  return url
}
