// Checks that the TypeScript types contain each error code. Also checks that invalid records give the same error codes
// in Node as in Rust and Python.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ChurnError, TenantRecords } from 'churn-core'
import { read, readTables } from './fixtures.mjs'

const { errors } = read('contract.json')

test('the types name every code', () => {
  const types = readFileSync(new URL('../types/columns.d.ts', import.meta.url), 'utf8')
  const [, union] = /export type ErrorCode = ([^;]*);/.exec(types)
  assert.deepEqual([...union.matchAll(/'(\w+)'/g)].map(([, code]) => code).toSorted(), errors.map(({ code }) => code).toSorted())
})

for (const { code, node, refused } of errors) {
  test(code, () => {
    const error = new ChurnError('words', { code })
    assert.equal(error.name, node)
    assert.ok(error instanceof Error && error.code === code && error.message === 'words')
    if (!refused) return
    const { table, row, column } = refused
    assert.throws(() => TenantRecords.fromObjects({ tenant: 'acme', ...readTables(refused.tables) }), (found) => {
      assert.ok(found instanceof ChurnError)
      assert.deepEqual([found.code, found.table, found.row, found.column, found.name], [code, table, row, column, node])
      assert.equal(found.report.issues[0].code, code)
      return true
    })
  })
}

test('a blank tenant is refused', () => {
  const { blank_tenants: blank, code, column } = errors.find((error) => error.blank_tenants)
  for (const tenant of blank) {
    assert.throws(() => TenantRecords.fromObjects({ tenant, customers: [] }), (found) => {
      assert.deepEqual([found.code, found.column], [code, column])
      return true
    })
  }
})
