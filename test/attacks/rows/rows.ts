// Every row of the suite, in the order of the catalogue.

import type { Row } from '../row.ts'
import { answerRows } from './answers.ts'
import { bodyRows } from './bodies.ts'
import { callbackRows } from './callback.ts'
import { cookieRows } from './cookies.ts'
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
  ...callbackRows,
  ...tokenRows,
  ...identityRows,
  ...cookieRows,
  ...otherSiteRows,
  ...targetRows,
  ...requestHeaderRows,
  ...framingRows,
  ...bodyRows,
  ...answerRows,
  ...renewalRows,
  ...endingRows,
  ...surfaceRows,
  ...facadeRows,
]
