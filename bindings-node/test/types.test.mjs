// Checks that the declarations in the repository are up to date, that correct uses of the API compile, and that wrong
// uses do not compile.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('..', import.meta.url))
const tsc = join(folder, 'node_modules/typescript/bin/tsc')
const run = (...options) => spawnSync(process.execPath, options, { cwd: folder, encoding: 'utf8' })

/** Runs `work` in a folder inside the package, so that 'churn-core' resolves to this package. */
function inside(work) {
  mkdirSync(join(folder, 'dist'), { recursive: true })
  const place = mkdtempSync(join(folder, 'dist', 'types-'))
  try {
    return work(place)
  } finally {
    rmSync(place, { recursive: true })
  }
}

// Returns the paths of all declaration files in a folder and its subfolders.
const declarations = (place) => readdirSync(place, { recursive: true }).filter((name) => name.endsWith('.d.ts')).toSorted()

test('the row types and codes are those of the core', () => {
  const { status, stderr } = run('scripts/columns.mjs', '--check')
  assert.equal(status, 0, stderr)
})

test('types/ is what the compiler writes', () => inside((place) => {
  const { status, stdout } = run(tsc, '--project', 'tsconfig.json', '--emitDeclarationOnly', '--declarationDir', place)
  assert.equal(status, 0, stdout)
  assert.equal(run('scripts/declarations.mjs', place).status, 0)
  const files = declarations(place)
  assert.deepEqual(declarations(join(folder, 'types')), files)
  for (const file of files) {
    assert.equal(readFileSync(join(folder, 'types', file), 'utf8'), readFileSync(join(place, file), 'utf8'), `${file} is stale: npm run build:ts`)
  }
}))

test('right uses compile, and each wrong one is an error', () => {
  const { status, stdout } = run(tsc, '--project', 'test/types/tsconfig.json')
  assert.equal(status, 0, stdout)
  const wrong = readFileSync(join(folder, 'test/types/wrong.ts'), 'utf8')
  assert.ok(wrong.match(/@ts-expect-error/g).length >= 40)
})

test('the snippets of the READMEs and of the declarations compile under strict', () => inside((place) => {
  const blocks = (text) => [...text.matchAll(/```(js|ts)\n([^]*?)```/g)].map(([, kind, code]) => [kind, code])
  const snippets = ['README.md', '../README.md'].flatMap((file) => blocks(readFileSync(join(folder, file), 'utf8')))
  for (const file of declarations(join(folder, 'types'))) {
    const text = readFileSync(join(folder, 'types', file), 'utf8')
    for (const [, comment] of text.matchAll(/\/\*\*([^]*?)\*\//g)) {
      for (const [kind, code] of blocks(comment.replace(/^ *\* ?/gm, ''))) {
        snippets.push([kind, code.includes('import ') ? code : `import { ChurnClassifier, TenantRecords, TreeEnsemble, subscriptionsToCustomers } from 'churn-core'\n${code}`])
      }
    }
  }
  assert.ok(snippets.length >= 7)
  const files = snippets.map(([kind, code], number) => {
    const name = `snippet${number}.${code.includes('require(') ? 'c' : 'm'}${kind}`
    writeFileSync(join(place, name), code)
    return name
  })
  const compilerOptions = {
    strict: true, noEmit: true, allowJs: true, checkJs: true, target: 'es2022', lib: ['es2023'], module: 'nodenext', types: ['node'],
  }
  writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  const { status, stdout } = run(tsc, '--project', place)
  assert.equal(status, 0, stdout)
}))
