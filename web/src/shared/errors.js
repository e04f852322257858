// Errors that keep their name and code from one side to the other.

import * as Comlink from 'comlink'

/**
 * @param {{ code: string, message: string }} fields  and what else the error shall have, `name` above all
 * @returns {Error & { code: string }}
 */
export function typedError ({ message, ...fields }) {
  return Object.assign(new Error(message), fields)
}

// Comlink carries name, message and stack of a thrown Error, but not what else it has.
const thrown = Comlink.transferHandlers.get('throw')
Comlink.transferHandlers.set('throw', {
  canHandle: thrown.canHandle,
  serialize (wrapped) {
    const [serialized, transferables] = thrown.serialize(wrapped)
    const { code, existing } = wrapped.value
    if (serialized.isError) Object.assign(serialized.value, { code, existing })
    return [serialized, transferables]
  },
  deserialize: thrown.deserialize
})
