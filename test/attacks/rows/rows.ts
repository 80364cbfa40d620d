// Every row of the suite, by subject, in the order of the catalogue.

import type { Row } from '../row.ts'
import { answerByteRows } from './answer-bytes.ts'
import { answerHeaderRows } from './answer-headers.ts'
import { answerRows } from './answers.ts'
import { bodyRows } from './bodies.ts'
import { callbackRows } from './callback.ts'
import { callbackStateRows } from './callback-states.ts'
import { cookieRows } from './cookies.ts'
import { embeddedRows } from './embedded.ts'
import { endingRows } from './endings.ts'
import { facadeRows } from './facade.ts'
import { framingRows } from './framing.ts'
import { identityRows } from './id-tokens.ts'
import { launchRows } from './launch.ts'
import { otherSiteRows } from './other-sites.ts'
import { renewalRows } from './renewals.ts'
import { requestHeaderRows } from './request-headers.ts'
import { surfaceRows } from './surface.ts'
import { targetRows } from './targets.ts'
import { tokenRows } from './tokens.ts'

export const rows: readonly Row[] = [
  ...launchRows,
  ...callbackStateRows,
  ...callbackRows,
  ...tokenRows,
  ...identityRows,
  ...cookieRows,
  ...otherSiteRows,
  ...embeddedRows,
  ...targetRows,
  ...requestHeaderRows,
  ...framingRows,
  ...bodyRows,
  ...answerHeaderRows,
  ...answerRows,
  ...answerByteRows,
  ...renewalRows,
  ...endingRows,
  ...surfaceRows,
  ...facadeRows,
]
