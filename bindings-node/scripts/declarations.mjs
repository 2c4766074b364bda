// Removes the declarations of internal modules. They refer to native.d.ts, which is not part of the package.
// Usage: node scripts/declarations.mjs <folder of the declarations>
import { readFileSync, readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'

const PRIVATE = ['arrow', 'glue', 'store/calls']
const [folder] = process.argv.slice(2)

for (const name of PRIVATE) rmSync(join(folder, `${name}.d.ts`), { force: true })
for (const file of readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.ts'))) {
  const [use] = new RegExp(`['"][./]+(${PRIVATE.map((name) => basename(name)).join('|')}|native)(\\.js)?['"]`).exec(readFileSync(join(folder, file), 'utf8')) ?? []
  if (use) throw new Error(`${file} refers to ${use}, which has no declarations: mark what needs it with @internal`)
}
