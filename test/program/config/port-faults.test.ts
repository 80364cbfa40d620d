// Two listeners on one port: found before a start, at the place of the second.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listPortFaults } from '../../../program/config/port-faults.ts'

const at = (port: number, host = '127.0.0.1') => ({ host, port })
const places = (parts: object) =>
  listPortFaults({ ehrs: [], ...parts }).map(([place, message]) => `${place.join('.')}: ${message}`)

test('a port that another listener has at the same address is a fault of the later one', () => {
  assert.deepEqual(places({ listen: at(5000), admin: at(5000) }), [
    'admin.port: listen has this port',
  ])
  assert.deepEqual(places({ listen: at(5000, '0.0.0.0'), admin: at(5000) }), [
    'admin.port: listen has this port',
  ])
  assert.deepEqual(places({ listen: at(5000), admin: at(5009), internal: at(5009, '::') }), [
    'internal.port: admin has this port',
  ])
})

test('other ports, other addresses, sockets, and port 0 are none', () => {
  assert.deepEqual(places({ listen: at(5000), admin: at(5009) }), [])
  assert.deepEqual(places({ listen: at(5000, '10.0.0.1'), admin: at(5000) }), [])
  assert.deepEqual(places({ listen: at(0), admin: at(0) }), [])
  assert.deepEqual(places({ listen: at(5000), admin: false, internal: { socket: 'a' } }), [])
  assert.deepEqual(places({ listen: undefined, admin: at(5000) }), [])
})
