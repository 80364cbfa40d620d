// Which addresses are the app's own, and get its page.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPageOfApp, routeRoots } from '../../src/browser/single-page.ts'

const visit = { 'sec-fetch-mode': 'navigate' }
const isPage = (path: string, method = 'GET', headers: object = visit) =>
  isPageOfApp({ method, path, headers })

test('[X16] a browser that goes somewhere gets the page; files, routes of ours and scripts do not', () => {
  for (const path of ['/', '/patients/7', '/patients/', '/a/b/c']) assert.ok(isPage(path), path)
  assert.ok(isPage('/a', 'HEAD'))
  assert.ok(isPage('/a', 'GET', { accept: 'text/html,*/*' }))
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) assert.ok(!isPage('/a', method))
  for (const path of ['/app.js', '/.env', '/a/.git/config', '/a.b/', '/a/b.png'])
    assert.equal(isPage(path), path === '/a.b/', path)
  for (const root of routeRoots) {
    assert.ok(!isPage(`/${root}`) && !isPage(`/${root}/x`) && !isPage(`//${root}`), root)
    assert.ok(isPage(`/${root}s-of-mine`), root)
  }
  assert.ok(!isPage('/a', 'GET', {}))
  assert.ok(!isPage('/a', 'GET', { accept: 'application/json' }))
  assert.ok(!isPage('/a', 'GET', { 'sec-fetch-mode': 'cors', accept: 'text/html' }))
})
