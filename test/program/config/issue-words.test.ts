// What is missing or out of its bounds, in words of a configuration and not of the library that found it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { describeIssue, expandUnion } from '../../../program/config/issue-words.ts'

const schema = z.strictObject({
  name: z.string().min(1),
  hours: z.number().positive().max(168),
  port: z.int().min(1),
  title: z.string().max(3),
  path: z.string().startsWith('/', 'must be a path'),
  docs: z.boolean().optional(),
  hosts: z.array(z.string()).optional(),
  log: z.strictObject({ level: z.enum(['info', 'warn']) }).optional(),
  link: z.url().optional(),
  store: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('a') }),
      z.strictObject({ kind: z.literal('b') }),
    ])
    .optional(),
  admin: z.union([z.literal(false), z.strictObject({ port: z.int() })]).optional(),
})
const sound = { name: 'a', hours: 1, port: 1, title: 'a', path: '/' }

test('what a setting lacks is said in words', () => {
  const { name: _name, ...nameless } = sound
  const cases: [object, string][] = [
    [nameless, 'is missing'],
    [{ ...sound, hours: 169 }, 'must be at most 168'],
    [{ ...sound, hours: 0 }, 'must be more than 0'],
    [{ ...sound, port: 0 }, 'must be at least 1'],
    [{ ...sound, port: Number.NaN }, 'must be a number'],
    [{ ...sound, path: 'a' }, 'must be a path'],
    [{ ...sound, title: 'long' }, 'must have at most 3 characters'],
    [{ ...sound, name: '' }, 'must not be empty'],
    [{ ...sound, name: 5 }, 'must be a text'],
    [{ ...sound, port: 'x' }, 'must be a number'],
    [{ ...sound, port: 1.5 }, 'must be a whole number'],
    [{ ...sound, docs: 'yes' }, 'must be true or false'],
    [{ ...sound, hosts: 'x' }, 'must be a list'],
    [{ ...sound, log: 'debug' }, 'must be settings by name, as in { name: value }'],
    [{ ...sound, log: { level: 'loud' } }, 'must be one of info, warn'],
    [{ ...sound, store: { kind: 'c' } }, 'must be one of a, b'],
    [{ ...sound, link: 'c' }, 'must be a URL'],
  ]
  for (const [document, words] of cases) {
    assert.deepEqual(schema.safeParse(document).error?.issues.map(describeIssue), [words])
  }
})

test('of a setting that may be of several kinds the one that was meant is judged', () => {
  const cases: [unknown, string][] = [
    [{ port: 'a' }, 'admin.port: must be a number'],
    [{}, 'admin.port: is missing'],
    [true, 'admin: must be false or settings by name, as in { name: value }'],
  ]
  for (const [admin, words] of cases) {
    const issues = schema.safeParse({ ...sound, admin }).error?.issues.flatMap(expandUnion)
    assert.deepEqual(
      issues?.map(issue => `${issue.path.join('.')}: ${describeIssue(issue)}`),
      [words],
    )
  }
})
