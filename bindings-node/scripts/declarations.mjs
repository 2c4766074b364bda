// Removes the declarations of internal modules, so that the declarations of the API do not need native.d.ts.
// Usage: node scripts/declarations.mjs <folder of the declarations>
import { readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const PRIVATE = ['arrow', 'glue']
const [folder] = process.argv.slice(2)

for (const name of PRIVATE) rmSync(join(folder, `${name}.d.ts`), { force: true })
for (const file of readdirSync(folder)) {
  const [use] = new RegExp(`['"][./]+(${PRIVATE.join('|')}|native)(\\.js)?['"]`).exec(readFileSync(join(folder, file), 'utf8')) ?? []
  if (use) throw new Error(`${file} refers to ${use}, which has no declarations: mark what needs it with @internal`)
}
