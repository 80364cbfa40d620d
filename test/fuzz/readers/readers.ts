// Every reader that is fuzzed.

import type { Reader } from '../reader.ts'
import { addressReaders } from './addresses.ts'
import { documentReaders } from './documents.ts'
import { formReaders } from './forms.ts'
import { headerReaders } from './headers.ts'
import { streamReaders } from './streams.ts'
import { tokenReaders } from './tokens.ts'

export const readers: readonly Reader[] = [
  ...addressReaders,
  ...headerReaders,
  ...formReaders,
  ...documentReaders,
  ...tokenReaders,
  ...streamReaders,
]
