// What all mirrors share: state that the engine pushes, commands that go to it, events with Node's semantics.

import EventEmitter from 'events'
import { typedError } from '../shared/errors.js'

export class Mirror extends EventEmitter {
  #outcomes

  /** @param {{ state: object, commands: { [name: string]: object } }} table  of the generated schema */
  constructor (table) {
    super()
    this._state = { ...table.state }
    this.#outcomes = table.commands
  }

  /** New values from the engine. */
  _apply (changes) {
    Object.assign(this._state, changes)
  }

  /** Gives a command; what it leads to shows at once, before the engine has done it. */
  _run (name, args) {
    this._command(name, args)
    this._apply(this.#outcomes[name])
  }

  /**
   * Emits on behalf of the engine. What a listener throws is reported as uncaught, as it would be had the browser
   * called it, and does not keep others from hearing of what else happened.
   */
  _emit (name, ...args) {
    try {
      return this.emit(name, ...args)
    } catch (error) {
      reportError(error)
      return true
    }
  }
}

/**
 * Gives a mirror its read-only properties, and a method for each command that it has not written itself.
 *
 * @param {typeof Mirror} Class  its objects have `_command(name, args)`
 * @param {{ state: object, commands: object }} table
 */
export function define (Class, { state, commands }) {
  for (const name of Object.keys(state)) {
    if (name in Class.prototype) continue // it has its own way to show this value
    Object.defineProperty(Class.prototype, name, { get () { return this._state[name] }, enumerable: true, configurable: true })
  }
  for (const name of Object.keys(commands)) {
    if (name in Class.prototype) continue
    Class.prototype[name] = function (...args) { this._run(name, args) }
  }
}

/** Calls a user's callback; what it throws is reported as uncaught. */
export function callBack (callback, ...args) {
  if (typeof callback !== 'function') return
  try {
    callback(...args)
  } catch (error) {
    reportError(error)
  }
}

export const destroyedError = message => typedError({ name: 'DestroyedError', code: 'ERR_DESTROYED', message })
