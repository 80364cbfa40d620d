// What is missing or out of its bounds, in words of a configuration and not of the library that found it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { describeIssue } from '../../../program/config/issue-words.ts'

const schema = z.strictObject({
  name: z.string(),
  hours: z.number().positive().max(168),
  port: z.int().min(1),
  title: z.string().max(3),
  path: z.string().startsWith('/', 'must be a path'),
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
    [{ ...sound, title: 'long' }, 'Too big: expected string to have <=3 characters'],
  ]
  for (const [document, words] of cases) {
    assert.deepEqual(schema.safeParse(document).error?.issues.map(describeIssue), [words])
  }
})
