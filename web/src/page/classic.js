// Entry of `webtorrent-py.js`, the classic script: a global `WebTorrent`.

import { setScriptURL } from './engine.js'
import WebTorrent from './webtorrent.js'

setScriptURL(document.currentScript.src)
globalThis.WebTorrent = WebTorrent
