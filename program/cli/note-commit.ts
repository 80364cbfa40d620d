// Notes beside the compiled program which commit it is (`npm run build`): what COMMIT says, as for an image,
// else what the checkout says.

import { writeFileSync } from 'node:fs'
import { parseCommit, readHead } from '../commit.ts'

const root = new URL('../../', import.meta.url)
const commit = parseCommit(process.env.COMMIT || readHead(new URL('.git/', root)))
if (commit !== undefined) writeFileSync(new URL('dist/commit', root), `${commit}\n`)
