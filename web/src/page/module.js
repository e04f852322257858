// Entry of `webtorrent-py.mjs`, the ES module.

import { setScriptURL } from './engine.js'
import WebTorrent from './webtorrent.js'

setScriptURL(import.meta.url)
export default WebTorrent
