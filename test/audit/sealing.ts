// A key ring of its own for tests of audit files, with what seals by it and what judges.

import { deriveSealKeys } from '../../src/audit/seal-keys.ts'
import { createSealer, createSealJudge } from '../../src/audit/seals.ts'
import { makeKeyRing } from '../../src/keys.ts'
import { buildSigningKeySet } from '../../src/signing-keys.ts'

export const ring = makeKeyRing(0)
export const sealKeys = deriveSealKeys(ring)
export const publicKeys = buildSigningKeySet(sealKeys)
export const seal = createSealer(sealKeys)
export const judge = createSealJudge(publicKeys.keys)
