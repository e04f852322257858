// Puts wheels into a Pyodide that has just started, without asking any package index.

/**
 * @param {object} pyodide
 * @param {{ name: string, bytes: ArrayBuffer }[]} wheels  micropip first of all: it puts in the others
 */
export async function install (pyodide, wheels) {
  const isMicropip = ({ name }) => name.startsWith('micropip-')
  const micropip = wheels.find(isMicropip)
  if (!micropip) throw new Error('there is no wheel of micropip')
  pyodide.unpackArchive(micropip.bytes, 'wheel')
  const installer = pyodide.pyimport('micropip')
  const paths = wheels.filter(wheel => !isMicropip(wheel)).map(({ name, bytes }) => {
    pyodide.FS.writeFile(`/tmp/${name}`, new Uint8Array(bytes))
    return `emfs:/tmp/${name}`
  })
  await installer.install.callKwargs(paths, { deps: false })
  installer.destroy()
}
