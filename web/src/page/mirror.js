// What all mirrors share: state that the engine pushes, commands that go to it, events with Node's semantics.

import EventEmitter from 'events'

export class Mirror extends EventEmitter {
  /** @param {{ state: object }} table  of the generated schema */
  constructor (table) {
    super()
    this._state = { ...table.state }
  }

  /** New values from the engine. */
  _apply (changes) {
    Object.assign(this._state, changes)
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
 * Gives a mirror its read-only properties and its commands.
 *
 * @param {typeof Mirror} Class  its objects have `_command(name, args)`
 * @param {{ state: object, commands: { [name: string]: object } }} table  a command's object is the state that it
 *   leads to: it shows at once, before the engine has done it
 */
export function define (Class, { state, commands }) {
  for (const name of Object.keys(state)) {
    if (name in Class.prototype) continue // it has its own way to show this value
    Object.defineProperty(Class.prototype, name, { get () { return this._state[name] }, enumerable: true, configurable: true })
  }
  for (const [name, outcome] of Object.entries(commands)) {
    Class.prototype[name] = function (...args) {
      this._command(name, args)
      this._apply(outcome)
    }
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
