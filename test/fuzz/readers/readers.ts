// Every reader that is fuzzed.

import type { Reader } from '../reader.ts'
import { addressReaders } from './addresses.ts'
import { ehrDocumentReaders } from './ehr-documents.ts'
import { formReaders } from './forms.ts'
import { headerReaders } from './headers.ts'
import { operatorDocumentReaders } from './operator-documents.ts'
import { proxiedDocumentReaders } from './proxied-documents.ts'
import { streamReaders } from './streams.ts'
import { tokenReaders } from './tokens.ts'

export const readers: readonly Reader[] = [
  ...addressReaders,
  ...headerReaders,
  ...formReaders,
  ...proxiedDocumentReaders,
  ...ehrDocumentReaders,
  ...operatorDocumentReaders,
  ...tokenReaders,
  ...streamReaders,
]
