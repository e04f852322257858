// How a file is shown, told from its name. What the torrent says a file is decides nothing but this.

/** Extension → [what shows it, MIME type for a Blob URL]. */
const KINDS = {
  ...of('video', {
    mp4: 'video/mp4', m4v: 'video/mp4', mov: 'video/quicktime', mkv: 'video/x-matroska', webm: 'video/webm', ogv: 'video/ogg'
  }),
  ...of('audio', {
    m4a: 'audio/mp4', m4b: 'audio/mp4', m4p: 'audio/mp4', mp3: 'audio/mpeg', aac: 'audio/aac', oga: 'audio/ogg', ogg: 'audio/ogg',
    opus: 'audio/ogg', wav: 'audio/wav', flac: 'audio/flac', weba: 'audio/webm', mka: 'audio/x-matroska'
  }),
  // An SVG in an <img> runs no scripts and loads nothing.
  ...of('image', {
    jpg: 'image/jpeg', jpeg: 'image/jpeg', png: 'image/png', gif: 'image/gif', webp: 'image/webp', avif: 'image/avif',
    bmp: 'image/bmp', ico: 'image/x-icon', svg: 'image/svg+xml'
  }),
  ...of('pdf', { pdf: 'application/pdf' }),
  // Markup and scripts are shown as their source.
  ...of('text', Object.fromEntries([
    'txt', 'md', 'nfo', 'srt', 'vtt', 'log', 'csv', 'json', 'xml', 'yml', 'yaml', 'ini', 'html', 'htm', 'xhtml', 'css', 'js', 'mjs',
    'ts', 'py', 'sh', 'c', 'h', 'cpp', 'rs', 'go', 'java', 'rb', 'sfv', 'md5', 'cue', 'm3u', 'm3u8'
  ].map(extension => [extension, 'text/plain;charset=utf-8'])))
}

/**
 * @param {string} name  of a file
 * @returns {{ kind: 'video' | 'audio' | 'image' | 'pdf' | 'text', type: string, extension: string }
 *   | { kind: null, extension: string }}
 */
export function kindOf (name) {
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 ? name.slice(dot + 1).toLowerCase() : ''
  const [kind, type] = Object.hasOwn(KINDS, extension) ? KINDS[extension] : [null]
  return { kind, type, extension }
}

function of (kind, types) {
  return Object.fromEntries(Object.entries(types).map(([extension, type]) => [extension, [kind, type]]))
}
