/**
 * The reference tracker (npm `bittorrent-tracker`), WebSocket only, on a free port of the loopback interface.
 *
 * Usage: node tracker_server.mjs NODE_MODULES. Prints its port on one line when it listens; ends when its standard
 * input is closed, so that it never outlives the tests.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

// server.js, not the package's index, which pulls in a native WebRTC build.
const { default: Server } = await import(pathToFileURL(join(process.argv[2], 'bittorrent-tracker', 'server.js')))

const server = new Server({ http: false, udp: false, ws: true, stats: true })
server.on('error', error => { throw error })
server.on('warning', warning => console.error(`tracker: ${warning.message}`))
server.listen(0, '127.0.0.1', () => console.log(server.http.address().port))

process.stdin.resume()
process.stdin.on('end', () => process.exit())
