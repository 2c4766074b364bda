import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChurnError, TenantRecords, features, labels, partition, synthetic } from '../index.mjs'

const options = { seed: 1, tenants: 2, customers: 60, paths: 4 }

test('generated rows give bit-identical records as objects and as Arrow', () => {
  const world = synthetic.world(options)
  assert.deepEqual(Object.keys(world.tenants), ['t001', 't002'])
  for (const [tenant, tables] of Object.entries(world.tenants)) {
    const { customers, payments, tickets, activities } = tables
    const objects = TenantRecords.fromObjects({ tenant, customers, payments, tickets, activities })
    const arrow = TenantRecords.fromArrow({ tenant, ...tables.toArrow() })
    assert.equal(objects.customerIds.length, 60)
    const bits = [objects, arrow].map((records) => Buffer.from(features(records, { asOf: world.dates[0] }).toArrow()))
    assert.ok(bits[0].equals(bits[1]))
  }
})

test('the truth is about the eligible, and says what became of them', () => {
  const world = synthetic.world(options)
  const asOf = world.dates[1]
  for (const [tenant, tables] of Object.entries(world.tenants)) {
    const records = TenantRecords.fromArrow({ tenant, ...tables.toArrow() })
    const expected = labels(records, { asOf, definition: { kind: 'cancellation', horizon: 90 } }).rows
    const found = world.truth.filter((risk) => risk.tenantId === tenant && risk.asOf === asOf)
    assert.deepEqual(
      found.map(({ customerId, churned }) => [customerId, churned]),
      expected.map(({ customerId, churned }) => [customerId, churned]),
    )
    assert.ok(found.every(({ probability }) => probability > 0 && probability < 1))
  }
  const later = world.truthAt({ asOf: world.observedUntil, horizon: 30 })
  assert.ok(later.length > 0 && later.every(({ churned }) => churned === null))
})

test('one seed, one world; switches spoil it; nonsense is refused', () => {
  const ids = (seed) => synthetic.world({ ...options, seed }).tenants.t001.toArrow().payments
  assert.ok(ids(1).equals(ids(1)) && !ids(1).equals(ids(2)))
  const eventsWithoutCustomer = synthetic.world({ ...options, eventsWithoutCustomer: 0.05 }).tenants.t001
  assert.throws(() => TenantRecords.fromArrow({ tenant: 't001', ...eventsWithoutCustomer.toArrow() }), { code: 'unknown_customer' })
  assert.equal(partition(synthetic.world(options).mixed().toArrow()).tenants.size, 2)
  assert.equal(Object.keys(synthetic.leaks()).length, 50)
  const [row] = synthetic.world({ ...options, leaks: ['last_status'] }).tenants.t001.customers
  assert.ok(['active', 'cancelled'].includes(row.last_status))
  for (const wrong of [{ eventsWithoutCustomer: 2 }, { leaks: ['nothing'] }, { tenants: 0 }, { seeds: 1 }, { dated: 1 }]) {
    assert.throws(() => synthetic.world(wrong), (error) => error instanceof ChurnError && error.code === 'invalid_option')
  }
})
