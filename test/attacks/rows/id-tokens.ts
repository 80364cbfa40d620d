// id_tokens and key sets of a hostile EHR.

import type { Grant, HostileEhr } from '../ehr/ehr.ts'
import { type Claims, createSigner, halfHash, type Signer } from '../ehr/signer.ts'
import type { Row, Scene } from '../row.ts'
import { describe, each, expire, isNoSession, logIn, readFhir } from './reading.ts'

type IdToken = (claims: Claims, signer: Signer) => string | undefined
type Twist = [name: string, idToken: IdToken]

/** A login with such an id_token: refused without a session. */
async function refuseIdentities(
  scene: Scene,
  twists: readonly Twist[],
  ehr?: HostileEhr,
): Promise<void> {
  await each(twists, async ([name, idToken]) => {
    const login = await scene.begin({ ehr, grant: { idToken } })
    const reply = await login.land()
    scene.hold([502, 503].includes(reply.status), `${name}: ${describe(reply)}`)
    scene.hold(isNoSession(reply), `${name}: a session came of it`)
  })
}

const claim = (name: string, changes: Claims): Twist => [
  name,
  (claims, signer) => signer.sign({ ...claims, ...changes }),
]
const header = (name: string, changes: Claims): Twist => [
  name,
  (claims, signer) => signer.sign(claims, changes),
]

const now = () => Math.floor(Date.now() / 1000)

const stranger = createSigner()

export const identityRows: readonly Row[] = [
  {
    id: 'I1',
    what: 'id_tokens without a signature, by a public key as secret, by another key',
    attack: scene =>
      refuseIdentities(scene, [
        ...[
          header('none', { alg: 'none' }),
          header('None', { alg: 'None' }),
          header('HS256', { alg: 'HS256' }),
        ],
        header('ES256 by an RSA key', { alg: 'ES256' }),
        ['another key', (claims, { kid }) => stranger.sign(claims, { kid })],
        ['no signature', (claims, signer) => signer.sign(claims).replace(/[^.]+$/, '')],
        ['a changed one', (claims, signer) => flip(signer.sign(claims))],
        ['no JWT', () => 'x'],
      ]),
  },
  {
    id: 'I2',
    what: 'id_tokens of other issuers, for other audiences',
    attack: scene => {
      const { a, b } = scene.ehrs
      return refuseIdentities(scene, [
        claim('issuer with a slash', { iss: `${a.url}/` }),
        ...[claim('another issuer', { iss: b.url }), claim('no issuer', { iss: undefined })],
        ...[claim('another audience', { aud: 'other' }), claim('no audience', { aud: undefined })],
        claim('us and a stranger', { aud: [a.clientId, 'stranger'] }),
        claim('made for a stranger', { aud: [a.clientId, 'stranger'], azp: 'stranger' }),
        claim('azp of a stranger', { azp: 'stranger' }),
      ])
    },
  },
  {
    id: 'I3',
    what: 'id_tokens with another nonce, none, a list, or one of before',
    async attack(scene) {
      const before = await logIn(scene)
      await refuseIdentities(scene, [
        ...[claim('another', { nonce: 'x' }), claim('none', { nonce: undefined })],
        ['a list', (claims, signer) => signer.sign({ ...claims, nonce: [claims.nonce] })],
        claim('of before', { nonce: before.grant.nonce }),
      ])
    },
  },
  {
    id: 'I4',
    what: 'id_tokens that are over, never over, or of tomorrow',
    attack: scene =>
      refuseIdentities(scene, [
        ...[claim('over', { exp: now() - 120 }), claim('no exp', { exp: undefined })],
        ...[claim('exp as text', { exp: '9999999999' }), claim('no iat', { iat: undefined })],
        ...[
          claim('of tomorrow', { iat: now() + 86_400 }),
          claim('not yet', { nbf: now() + 3_600 }),
        ],
        claim('of last week', { iat: now() - 7 * 86_400 }),
      ]),
  },
  {
    id: 'I16',
    what: 'id_tokens whose exp is 1e300, beyond 2038, beyond dates, no number',
    async attack(scene) {
      const times = [
        '1e300',
        '2147483648',
        '4294967296',
        '8.64e15',
        '1e19',
        '-1e300',
        '0',
        '1e309',
        'true',
        '"1e300"',
        '[]',
      ]
      await each(times, async exp => {
        const idToken: IdToken = (claims, signer) =>
          signer.sign({ ...claims, exp: JSON.parse(exp) as unknown })
        const login = await scene.begin({ grant: { idToken } })
        const reply = await login.land()
        scene.hold([303, 502].includes(reply.status), `exp ${exp}: ${describe(reply)}`)
        const isOver = !(Number.parseFloat(exp) > now())
        if (isOver) scene.hold(isNoSession(reply), `exp ${exp}: a session came of it`)
        else if (login.session) {
          const { session } = login
          const read = await readFhir(scene, { ...login, session }, '/Basic/x')
          scene.hold(read.status === 200, `exp ${exp}: then ${describe(read)}`)
          const told = Date.parse(
            String(session.document.expiresAt ?? session.document.absoluteExpiresAt ?? ''),
          )
          scene.hold(
            Number.isNaN(told) || told < Date.now() + 8 * 86_400_000,
            `exp ${exp}: the session lives that long`,
          )
        }
      })
      const far = await scene.begin({
        grant: { idToken: (claims, signer) => signer.sign({ ...claims, exp: 2_147_483_648 }) },
      })
      await far.land()
      scene.hold(far.session !== undefined, 'nobody logs in with an exp beyond 2038')
    },
  },
  {
    id: 'I5',
    what: 'access tokens and logout tokens as id_token',
    attack: scene =>
      refuseIdentities(scene, [
        ...['at+jwt', 'logout+jwt', 'application/at+jwt', 'dpop+jwt'].map(typ =>
          header(typ, { typ }),
        ),
      ]),
  },
  {
    id: 'I6',
    what: 'id_tokens with extensions nobody knows, unencoded, zipped, encrypted',
    attack: scene =>
      refuseIdentities(scene, [
        ...[header('crit', { crit: ['x'], x: 1 }), header('b64', { b64: false, crit: ['b64'] })],
        header('empty crit', { crit: [] }),
        [
          'encrypted',
          () =>
            `${Buffer.from('{"alg":"PBES2-HS512+A256KW","p2c":2000000000,"enc":"A256GCM"}').toString('base64url')}.a.b.c.d`,
        ],
      ]),
  },
  {
    id: 'I7',
    what: 'id_tokens that bring their own keys, or say where they lie',
    async attack(scene) {
      const { evil } = scene.ehrs
      const before = evil.connections
      const own =
        (members: Claims): IdToken =>
        claims =>
          stranger.sign(claims, { kid: stranger.kid, ...members })
      await refuseIdentities(scene, [
        ['jwk', own({ jwk: stranger.jwk })],
        ['jku', own({ jku: `${evil.url}/keys` })],
        ['x5u', own({ x5u: `${evil.url}/certificate` })],
        ['x5c', own({ x5c: ['MIIB'] })],
      ])
      scene.hold(evil.connections === before, 'the key of a stranger was fetched')
    },
  },
  {
    id: 'I8',
    what: 'thirty unknown key ids',
    async attack(scene) {
      const { b } = scene.ehrs
      await logIn(scene, { ehr: b })
      const before = b.count('keys')
      const twists = Array.from({ length: 30 }, (_, i) =>
        header(`kid ${i}`, { kid: `unknown-${i}` }),
      )
      await refuseIdentities(scene, twists, b)
      scene.hold(b.count('keys') - before <= 2, `${b.count('keys') - before} fetches of the keys`)
    },
  },
  {
    id: 'I10',
    also: ['I11'],
    what: 'key sets without end, elsewhere, of another type, of weak and symmetric keys',
    async attack(scene) {
      const { evil } = scene.ehrs
      const before = evil.connections
      const own: IdToken = (claims, signer) => signer.sign(claims)
      for (const [name, ehr] of scene.ehrs.described) {
        if (name.startsWith('keys-')) await refuseIdentities(scene, [[name, own]], ehr)
      }
      scene.hold(evil.connections === before, 'the stranger was asked for keys')
    },
  },
  {
    id: 'I12',
    what: "an id_token signed with another EHR's key",
    async attack(scene) {
      const { a, b } = scene.ehrs
      await logIn(scene, { ehr: b })
      await refuseIdentities(scene, [
        ['its key', claims => b.signer.sign(claims)],
        ['its key under our id', claims => b.signer.sign(claims, { kid: a.signer.kid })],
        ['its own token', claims => b.signer.sign({ ...claims, iss: b.url })],
      ])
    },
  },
  {
    id: 'I13',
    what: 'an id_token for another access token; a fhirUser elsewhere',
    async attack(scene) {
      await refuseIdentities(scene, [claim('at_hash', { at_hash: halfHash('another token') })])
      const before = scene.ehrs.evil.connections
      for (const fhirUser of [
        `${scene.ehrs.evil.url}/Practitioner/1`,
        'javascript:alert(1)',
        '../../x',
        { a: 1 },
      ]) {
        const idToken: IdToken = (claims, signer) => signer.sign({ ...claims, fhirUser })
        const login = await scene.begin({ grant: { idToken } })
        const reply = await login.land()
        scene.hold([303, 502].includes(reply.status), `${fhirUser}: ${describe(reply)}`)
        const told = String(login.session?.document.fhirUser ?? '')
        scene.hold(!told.startsWith('javascript:') && !told.includes('..'), `told as ${told}`)
      }
      scene.hold(scene.ehrs.evil.connections === before, 'the stranger was asked')
    },
  },
  {
    id: 'I14',
    what: 'a renewal with the id_token of another user, issuer, audience',
    async attack(scene) {
      const changes: Claims[] = [{ sub: 'another' }, { iss: scene.ehrs.b.url }, { aud: 'other' }]
      for (const change of changes) {
        const idToken: Grant['idToken'] = (claims, signer, isRenewal) =>
          signer.sign({ ...claims, ...(isRenewal && change) })
        const login = await logIn(scene, { grant: { idToken } })
        expire(login)
        const reply = await readFhir(scene, login, '/Basic/x')
        const name = JSON.stringify(change)
        scene.hold(login.grant.renewals === 1, `${name}: ${login.grant.renewals} renewals`)
        scene.hold(reply.status !== 200 && reply.status !== 500, `${name}: ${describe(reply)}`)
      }
    },
  },
]

function flip(jwt: string): string {
  const at = jwt.length - 20
  return jwt.slice(0, at) + (jwt[at] === 'A' ? 'B' : 'A') + jwt.slice(at + 1)
}
