// Tests the conversion of subscriptions to customers with the cases that Rust and Python test too, as objects and as Arrow.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tableFromIPC, tableFromJSON, tableToIPC } from 'apache-arrow'
import { ChurnError, TenantRecords, columnsOf, subscriptionsToCustomers } from 'churn-core'
import { camel, read } from './fixtures.mjs'

const known = new Set(['customers', 'subscriptions'].flatMap((table) => columnsOf(table).map(({ name }) => name)))

/** Converts the known columns of a row to camelCase. Attributes keep their names. */
const spelled = (row) => Object.fromEntries(Object.entries(row).map(([name, value]) => (known.has(name) ? [Object.keys(camel({ [name]: 0 }))[0], value] : [name, value])))

const OPTIONS = { static_attributes: 'staticAttributes' }

for (const { name, subscriptions, joined, static_attributes: staticAttributes, customers, findings, error } of read('subscriptions.json')) {
  test(name, () => {
    for (const spell of [(row) => row, spelled]) {
      const call = () => subscriptionsToCustomers(subscriptions.map(spell), joined?.map(spell), { staticAttributes })
      if (error) {
        assert.throws(call, (found) => {
          assert.ok(found instanceof ChurnError)
          assert.deepEqual([found.code, found.table, found.row, OPTIONS[error[3]] ?? error[3]], [...error.slice(0, 3), found.column])
          return true
        })
        continue
      }
      const made = call()
      assert.deepEqual(made.customers, customers.map(spelled))
      assert.deepEqual(made.findings.map(({ code, column, rows, examples }) => [code, column, rows, examples]), findings)
      const records = TenantRecords.fromObjects({ tenant: 'acme', customers: made.customers })
      assert.ok(records.report.isClean)
      assert.deepEqual(records.customerIds, [...new Set(customers.map((row) => row.customer_id))].toSorted())
    }
  })
}

/** Converts rows to Arrow. A missing key becomes null. */
function arrow(rows) {
  const names = [...new Set(rows.flatMap(Object.keys))]
  return tableFromJSON(rows.map((row) => Object.fromEntries(names.map((name) => [name, row[name] ?? null]))))
}

test('Arrow gives Arrow, which makes the same records', () => {
  const subscriptions = [
    { customer_id: 'a', started_at: '2024-01-01', ended_at: null, price: 30, interval: 'month', seats: 2 },
    { customer_id: 'b', started_at: '2024-01-01', ended_at: '2024-03-01', price: 600, interval: 'year', seats: null },
  ]
  const joined = [{ customer_id: 'a', country: 'DE' }, { customer_id: 'b', country: 'FR' }]
  const options = { staticAttributes: ['country'] }
  const objects = subscriptionsToCustomers(subscriptions, joined, options)
  for (const [own, other] of [
    [arrow(subscriptions), arrow(joined)],
    [tableToIPC(arrow(subscriptions), 'file'), tableToIPC(arrow(joined), 'stream')],
    [arrow(subscriptions), joined],
  ]) {
    const made = subscriptionsToCustomers(own, other, options)
    assert.ok(Buffer.isBuffer(made.customers))
    assert.deepEqual(made.findings, objects.findings)
    const table = tableFromIPC(made.customers)
    assert.deepEqual(table.schema.fields.map(({ name, type }) => `${name} ${type}`), [
      'customer_id Utf8', 'signed_up_at Timestamp<MICROSECOND, UTC>', 'churned_at Timestamp<MICROSECOND, UTC>', 'valid_from Timestamp<MICROSECOND, UTC>',
      'mrr Float64', 'seats Float64', 'country Utf8',
    ])
    const rows = table.toArray().map((row) => row.toJSON())
    assert.deepEqual(rows.map(({ customer_id, mrr, seats, country }) => ({ customer_id, mrr, seats, country })), objects.customers.map(
      ({ customerId, mrr, seats, country }) => ({ customer_id: customerId, mrr, seats, country }),
    ))
    assert.deepEqual(rows.map(({ churned_at: at }) => at), [null, Date.UTC(2024, 2, 1)])
    const records = TenantRecords.fromArrow({ tenant: 'acme', customers: made.customers })
    assert.deepEqual(records.toJSON(), TenantRecords.fromObjects({ tenant: 'acme', customers: objects.customers }).toJSON())
  }
  assert.ok(Buffer.isBuffer(subscriptionsToCustomers(arrow(subscriptions).slice(0, 0)).customers))
})

test('wrong arguments are named', () => {
  const fails = (call, code, column = null) => assert.throws(call, (error) => {
    assert.ok(error instanceof ChurnError)
    assert.deepEqual([error.code, error.column], [code, column])
    return true
  })
  const rows = [{ customerId: 'a', startedAt: '2024-01-01', price: 1, interval: 'month' }]
  fails(() => subscriptionsToCustomers(), 'unreadable_table')
  fails(() => subscriptionsToCustomers('rows'), 'unreadable_table')
  fails(() => subscriptionsToCustomers([1]), 'unreadable_table')
  fails(() => subscriptionsToCustomers(Buffer.from('customer_id')), 'unreadable_table')
  fails(() => subscriptionsToCustomers(rows, 'customers'), 'unreadable_table')
  fails(() => subscriptionsToCustomers(rows, null, { statics: 'all' }), 'invalid_option', 'statics')
  fails(() => subscriptionsToCustomers(rows, [{ customerId: 'a', tags: ['x'] }], { staticAttributes: 'all' }), 'bad_type', 'tags')
  const wide = subscriptionsToCustomers(rows, [{ customerId: 'a', number: 2n ** 60n, whole: 5n, left: new Date(0) }], { staticAttributes: 'all' }).customers[0]
  assert.deepEqual([wide.number, wide.whole, wide.left], [2n ** 60n, 5, '1970-01-01'])
})
