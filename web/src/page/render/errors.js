// What goes wrong when a file is shown, as errors that a program can tell apart and a person can read.

import { typedError } from '../../shared/errors.js'

/**
 * This file cannot be shown here. `container`, `codecs` and `tried` say what it is and what was tried,
 * where that is known.
 */
export function unsupported (message, details = {}) {
  return Object.assign(typedError({ name: 'UnsupportedMediaError', code: 'ERR_UNSUPPORTED_MEDIA', message }), details)
}

/** There is no such element, or it is not one that can hold this file. */
export function invalidTarget (message) {
  return typedError({ name: 'InvalidTargetError', code: 'ERR_INVALID_TARGET', message })
}

/** An option has a value of the wrong type. */
export function invalidOption (message) {
  return typedError({ name: 'InvalidOptionError', code: 'ERR_INVALID_OPTION', message })
}

/** The element was taken away, or its torrent closed, before the file was shown. */
export function gone (file) {
  return typedError({ name: 'DestroyedError', code: 'ERR_DESTROYED', message: `"${file.name}" is no longer to be shown: its element was removed or its torrent closed` })
}
