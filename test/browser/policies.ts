// Content security policies as a browser reads them, and those that our answers must have.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'

type Policy = Record<string, string[]>

/** CSP level 3, section 2.2.1: every policy of a header, each directive with its sources. */
export function readPolicies(header: string): Policy[] {
  return header.split(',').map(policy =>
    Object.fromEntries(
      policy
        .split(';')
        .map(directive => directive.trim().split(/[\t\n\f\r ]+/))
        .map(([name = '', ...sources]) => [name, sources]),
    ),
  )
}

const none = ["'none'"]

/** What answers that no browser should show may do: nothing. */
export const closedPolicy: Policy = { 'default-src': none, 'frame-ancestors': none }

/** What comes from an EHR may do: less than nothing. */
export const sandboxedPolicy: Policy = { ...closedPolicy, sandbox: [] }

/** A frontend's own files. */
export const filesPolicy: Policy = {
  'default-src': ["'self'"],
  'img-src': ["'self'", 'blob:', 'data:'],
  'frame-src': ["'self'", 'blob:'],
  'object-src': none,
  'base-uri': none,
  'form-action': ["'self'"],
  'frame-ancestors': none,
}

/** Holds the policy of one of our own pages against its document, member by member. */
export function assertPagePolicy(
  header: string,
  html: string,
  framers = none,
  images?: string[],
): void {
  const [style = ''] = listContents(html, 'style')
  const scripts = listContents(html, 'script')
  const actions: Policy = scripts.length > 0 ? {} : { 'form-action': none }
  const sources: Policy = scripts.length > 0 ? { 'script-src': scripts.map(hashOf) } : {}
  const expected: Policy = {
    'default-src': none,
    'style-src': [hashOf(style)],
    ...(images && { 'img-src': images }),
    'base-uri': none,
    'frame-ancestors': framers,
  }
  assert.deepEqual(readPolicies(header), [{ ...expected, ...actions, ...sources }])
  assert.doesNotMatch(html, /\son\w+=|\sstyle=|<base/i)
}

function listContents(html: string, tag: string): string[] {
  return [...html.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))].map(([, text = '']) => text)
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
