// How long what was rendered lives: until its element has left the document, its torrent is closed, or
// something else is rendered into the element. Whoever holds a worker session, a port or an object URL
// frees it on the signal.

/** @type {Map<Element, { controller: AbortController, connected: boolean }>} */
const living = new Map()
/** @type {Map<Node, MutationObserver>} one observer per document or shadow root that holds living elements */
const observers = new Map()

/**
 * @param {Element} element  what shows the file; need not be in a document yet
 * @param {{ torrent?: { once: Function, off: Function } }} file
 * @returns {AbortSignal} aborted at the end of the element's life
 */
export function lifetimeOf (element, file) {
  living.get(element)?.controller.abort()
  const controller = new AbortController()
  living.set(element, { controller, connected: element.isConnected })
  const end = () => controller.abort()
  file.torrent?.once('close', end)
  controller.signal.addEventListener('abort', () => {
    file.torrent?.off('close', end)
    if (living.get(element)?.controller === controller) living.delete(element)
    observe()
  }, { once: true })
  observe()
  return controller.signal
}

/** Ends the life of what was rendered into `element`. */
export function endLifetime (element) {
  living.get(element)?.controller.abort()
}

// Mutation records arrive once the mutating code is done, so an element that is only moved is in its
// new place by then.
function check () {
  for (const [element, life] of [...living]) {
    if (element.isConnected) life.connected = true
    else if (life.connected) life.controller.abort()
  }
  observe()
}

function observe () {
  const roots = new Set()
  for (const element of living.keys()) {
    roots.add(element.ownerDocument)
    for (let root = element.getRootNode(); root; root = root.host?.getRootNode()) roots.add(root)
  }
  for (const [root, observer] of observers) {
    if (roots.has(root)) continue
    observer.disconnect()
    observers.delete(root)
  }
  for (const root of roots) {
    if (observers.has(root)) continue
    const observer = new MutationObserver(check)
    observer.observe(root, { childList: true, subtree: true })
    observers.set(root, observer)
  }
}
