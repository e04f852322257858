// The demo page: one torrent at a time, shown with the public API of webtorrent-py.js and nothing else.

'use strict'

const IMAGE = /\.(jpe?g|png|gif|webp|avif|bmp|svg)$/i
const TEXT = /\.(txt|md|nfo|srt|vtt|csv|json)$/i
const MEDIA = /\.(mp4|m4v|mov|mkv|webm|ogv|m4a|mp3|ogg|oga|opus|flac|wav|aac)$/i
const GALLERY_FILES = 12
const GALLERY_FILE_LENGTH = 20e6
const REFRESH = 250 // milliseconds

const $ = id => document.getElementById(id)

let client = null
let torrent = null
let shown = null

function main () {
  $('open').addEventListener('submit', event => {
    event.preventDefault()
    openTorrent($('magnet').value.trim())
  })
  $('file').addEventListener('change', () => openFile($('file').files[0]))
  $('copy').addEventListener('click', copyMagnet)
  document.addEventListener('dragover', event => {
    event.preventDefault()
    document.body.classList.add('dropping')
  })
  document.addEventListener('dragleave', event => {
    if (!event.relatedTarget) document.body.classList.remove('dropping')
  })
  document.addEventListener('drop', event => {
    event.preventDefault()
    document.body.classList.remove('dropping')
    openFile(event.dataTransfer.files[0])
  })
  window.addEventListener('hashchange', () => {
    const id = idOfHash()
    if (id) openTorrent(id)
  })
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', refresh)
  window.addEventListener('resize', refresh)
  setInterval(refresh, REFRESH)

  if (!window.WebTorrent) return complain('webtorrent-py.js could not be loaded. It has to lie beside this page.')
  if (!window.WebTorrent.WEBRTC_SUPPORT) {
    return complain('This browser has no WebRTC data channels, so it cannot connect to peers.')
  }
  client = new window.WebTorrent()
  client.on('error', error => complain(error.message))
  openFirst()
}

/** What to open at the start: the link in the address, else the demo's own sample, else what the visitor gives. */
async function openFirst () {
  const id = idOfHash() || await sampleMagnet()
  if (id) openTorrent(id)
  else $('welcome').hidden = false
}

function idOfHash () {
  const hash = location.hash.slice(1)
  try {
    return hash.includes('?') ? hash : decodeURIComponent(hash)
  } catch {
    return hash // a stray % in a link that was not escaped
  }
}

async function sampleMagnet () {
  try {
    const response = await fetch('sample.json')
    return response.ok ? (await response.json()).magnet : null
  } catch {
    return null // a plain static host has no sample
  }
}

async function openFile (file) {
  if (file) openTorrent(new Uint8Array(await file.arrayBuffer()))
}

/** @param {string | Uint8Array} id  what `client.add` takes */
async function openTorrent (id) {
  $('messages').replaceChildren()
  $('welcome').hidden = true
  if (torrent && !torrent.destroyed) await torrent.destroy()
  clear()
  try {
    torrent = client.add(id)
  } catch (error) {
    complain(error.message)
    $('welcome').hidden = false
    return
  }
  const opened = torrent
  $('torrent').hidden = false
  torrent.on('metadata', refresh)
  torrent.on('ready', () => showFiles(opened))
  torrent.on('warning', warning => console.warn(warning.message))
  torrent.on('noPeers', () => { if (opened.numPeers === 0) say('No peer has this torrent right now. Waiting for one to come…') })
  torrent.on('wire', refresh)
  torrent.on('error', error => {
    complain(error.message)
    $('torrent').hidden = true
    $('welcome').hidden = false
  })
  refresh()
}

function clear () {
  shown = null
  for (const id of ['files', 'gallery']) $(id).replaceChildren()
  placeholder('Waiting for the first bytes…')
  $('title').textContent = 'Connecting…'
  $('caption').textContent = ''
  say('')
}

async function showFiles (of) {
  if (of !== torrent) return
  $('files').replaceChildren(...of.files.map(row))
  const first = of.files.find(file => MEDIA.test(file.name)) ?? of.files.find(file => IMAGE.test(file.name)) ?? of.files[0]
  refresh()
  if (first) await show(first) // before all else, so that it starts soon
  if (of !== torrent) return
  for (const file of of.files.filter(each => each !== first && inGallery(each)).slice(0, GALLERY_FILES)) hang(file)
}

const inGallery = file => (IMAGE.test(file.name) || TEXT.test(file.name)) && file.length <= GALLERY_FILE_LENGTH

/** Shows a file on the stage. */
async function show (file) {
  shown = file
  placeholder(`Fetching the start of ${file.name}…`)
  $('caption').textContent = file.path
  try {
    const element = await file.appendTo('#stage', { autoplay: true, muted: true })
    if (shown !== file) return element.remove()
    $('stage').querySelector('.placeholder')?.remove()
  } catch (error) {
    if (shown === file) placeholder(error.message)
  }
}

/** Adds a file to the gallery below. */
async function hang (file) {
  const figure = document.createElement('figure')
  const caption = document.createElement('figcaption')
  caption.textContent = file.path
  figure.append(caption)
  $('gallery').append(figure)
  try {
    const element = await file.appendTo(figure)
    figure.prepend(element)
  } catch (error) {
    caption.textContent = error.message
  }
}

function row (file) {
  const item = document.createElement('li')
  item.className = 'file'
  const name = document.createElement('span')
  name.className = 'file-name'
  name.textContent = file.path
  const progress = document.createElement('progress')
  progress.max = 1
  progress.setAttribute('aria-label', `${file.name}, verified`)
  const size = document.createElement('span')
  size.className = 'muted'
  item.append(name, button('Show', file, () => show(file)), button('Save', file, () => save(file)), size, progress)
  item.refresh = () => {
    progress.value = file.progress
    size.textContent = `${bytes(file.length)} · ${file.progress === 1 ? 'complete' : percent(file.progress)}`
  }
  return item
}

function button (label, file, action) {
  const element = document.createElement('button')
  element.type = 'button'
  element.className = 'quiet small'
  element.textContent = label
  element.setAttribute('aria-label', `${label} ${file.name}`)
  element.addEventListener('click', action)
  return element
}

async function save (file) {
  try {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(await file.blob())
    link.download = file.name
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000) // the browser has taken it over by then
  } catch (error) {
    complain(error.message)
  }
}

async function copyMagnet () {
  const { magnetURI } = torrent
  try {
    await navigator.clipboard.writeText(magnetURI)
    $('copy').textContent = 'Copied'
  } catch {
    $('magnet').value = magnetURI // no permission: there it can be copied by hand
    $('magnet').select()
  }
  setTimeout(() => { $('copy').textContent = 'Copy magnet link' }, 2000)
}

function refresh () {
  if (!torrent || torrent.destroyed || $('torrent').hidden) return
  const { progress, length, downloaded, numPeers, downloadSpeed, uploadSpeed, timeRemaining, ready } = torrent
  if (torrent.name) $('title').textContent = torrent.name
  document.title = ready ? `${percent(progress)} · ${torrent.name}` : 'webtorrent-py'
  $('percent').textContent = percent(progress)
  $('amount').textContent = ready ? `${bytes(downloaded)} of ${bytes(length)}` : ''
  $('progress').value = progress
  $('peers').textContent = numPeers
  $('down').textContent = `${bytes(downloadSpeed)}/s`
  $('up').textContent = `${bytes(uploadSpeed)}/s`
  $('remaining').textContent = progress === 1 ? 'done' : duration(timeRemaining)
  for (const item of $('files').children) item.refresh()
  drawPieces()
  if (!ready) say(numPeers > 0 ? 'Connected. Fetching the list of files…' : 'Looking for peers…')
  else if (progress === 1) say(`All ${torrent.pieces.length} pieces are verified. Seeding to whoever asks.`)
  else if (numPeers > 0) say('Downloading from peers over WebRTC.')
}

function drawPieces () {
  const pieces = torrent.ready ? torrent.pieces : []
  const have = pieces.filter(piece => piece === null).length
  const canvas = $('pieces')
  $('verified').textContent = pieces.length > 0 ? `${have} of ${pieces.length} verified` : ''
  canvas.setAttribute('aria-label', pieces.length > 0 ? `${have} of ${pieces.length} pieces are verified` : 'No pieces yet')

  // As many cells as there are pieces, down to a size that can still be seen; beyond, a cell stands for several.
  const width = canvas.clientWidth
  const size = Math.max(5, Math.min(16, Math.floor(Math.sqrt(width * 140 / Math.max(1, pieces.length)))))
  const columns = Math.max(1, Math.floor(width / size))
  const cells = Math.min(pieces.length, columns * Math.floor(200 / size))
  const rows = Math.max(1, Math.ceil(cells / columns))
  const scale = window.devicePixelRatio
  canvas.width = width * scale
  canvas.height = rows * size * scale
  canvas.style.height = `${rows * size}px`
  const [haveColor, missingColor] = ['.swatch.have', '.swatch:not(.have)']
    .map(selector => getComputedStyle(document.querySelector(selector)).backgroundColor)
  const context = canvas.getContext('2d')
  context.scale(scale, scale)
  for (let cell = 0; cell < cells; cell++) {
    const part = pieces.slice(Math.floor(cell * pieces.length / cells), Math.floor((cell + 1) * pieces.length / cells))
    const share = part.filter(piece => piece === null).length / part.length
    const x = cell % columns * size
    const y = Math.floor(cell / columns) * size
    for (const [color, alpha] of [[missingColor, 1], [haveColor, share]]) {
      context.globalAlpha = alpha
      context.fillStyle = color
      context.beginPath()
      context.roundRect(x, y, size - 2, size - 2, size > 8 ? 3 : 1)
      context.fill()
    }
  }
}

function complain (text) {
  const message = document.createElement('div')
  message.className = 'message'
  const words = document.createElement('span')
  words.textContent = text
  const dismiss = document.createElement('button')
  dismiss.type = 'button'
  dismiss.className = 'quiet small'
  dismiss.textContent = 'Dismiss'
  dismiss.addEventListener('click', () => message.remove())
  message.append(words, dismiss)
  $('messages').append(message)
}

function say (text) {
  if ($('status').textContent !== text) $('status').textContent = text
}

function placeholder (text) {
  const element = document.createElement('p')
  element.className = 'placeholder'
  element.textContent = text
  $('stage').replaceChildren(element)
}

function bytes (number) {
  const unit = number < 1e3 ? 0 : Math.min(4, Math.floor(Math.log10(number) / 3))
  const value = number / 1000 ** unit
  return `${unit === 0 ? Math.round(value) : value.toFixed(value < 10 ? 1 : 0)} ${['B', 'kB', 'MB', 'GB', 'TB'][unit]}`
}

function percent (share) {
  return share === 1 ? '100 %' : `${Math.floor(share * 1000) / 10} %`
}

function duration (milliseconds) {
  if (!Number.isFinite(milliseconds)) return '–'
  const seconds = Math.ceil(milliseconds / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`
  return `${Math.floor(seconds / 3600)} h ${Math.ceil(seconds % 3600 / 60)} min`
}

main()
