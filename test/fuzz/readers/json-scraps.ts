// What documents of JSON are made of: its signs, its faults, and words that readers here look for.

import { base, ours } from '../../proxy/judging.ts'

export const jsonScraps = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    '\\',
    '\\u0000',
    '\\ud800',
    '1e5',
    '-0',
    '01',
    'null',
    'true',
    ' ',
    '\n',
  ],
  ...[
    '"a":',
    '"a":1',
    '"resourceType":"Bundle"',
    '"entry":[',
    '"request":{',
    '"url":"',
    '"__proto__":',
    '\ufeff',
    '\x00',
    'é',
    '1e300',
  ],
  ...[`"${base}/Patient/1"`, `"${ours}/Patient/1"`, 'https:\\/\\/ehr.example.org'],
]
