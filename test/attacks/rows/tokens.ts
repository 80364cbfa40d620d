// What a hostile token endpoint answers: refused without a session, and no byte of it in a header.

import { type Answer, type Document, drip, json, pour, redirect, text } from '../ehr/answer.ts'
import { headerOf } from '../outsider.ts'
import type { Row, Scene } from '../row.ts'
import { describe, each, isNoSession, logIn, readFhir } from './reading.ts'

type Twist = [name: string, token: (usual: Document) => Answer]

/** A login whose tokens come like this: a gateway's refusal, no session. */
async function refuseTokens(scene: Scene, twists: readonly Twist[], statuses = [502, 503, 504]) {
  await each(twists, async ([name, token]) => {
    const login = await scene.begin({ grant: { token } })
    const reply = await login.land()
    scene.hold(statuses.includes(reply.status), `${name}: ${describe(reply)}`)
    scene.hold(isNoSession(reply), `${name}: a session came of it`)
    scene.hold(login.grant.exchanges === 1, `${name}: ${login.grant.exchanges} token calls`)
  })
}

const changed =
  (changes: Document) =>
  (usual: Document): Document => ({ ...usual, ...changes })

/** As JSON would not be written by a library. */
const written = (change: (json: string) => string) => (usual: Document) =>
  text(change(JSON.stringify(usual)))

export const tokenRows: readonly Row[] = [
  {
    id: 'T1',
    what: 'token answers that are no JSON object',
    attack: scene =>
      refuseTokens(scene, [
        ['HTML', () => text('<html></html>', 'text/html')],
        ['nothing', () => text('')],
        ['cut', written(json => json.slice(0, -10))],
        ['a list', () => text('[]')],
        ['UTF-16', usual => text(Buffer.from(JSON.stringify(usual), 'utf16le'))],
        ['null', () => text('null')],
      ]),
  },
  {
    id: 'T2',
    what: 'a token answer of 64 MiB',
    attack: scene => refuseTokens(scene, [['64 MiB', () => pour('{"a":1},', 'application/json')]]),
  },
  {
    id: 'T2',
    what: 'a token answer at one byte a second',
    isSlow: true,
    attack: scene => refuseTokens(scene, [['a byte a second', () => drip('application/json')]]),
  },
  {
    id: 'T3',
    what: 'a token endpoint that redirects code and secret to a stranger',
    async attack(scene) {
      const before = scene.ehrs.evil.connections
      const twists = [301, 302, 303, 307, 308].map(
        (status): Twist => [`${status}`, () => redirect(`${scene.ehrs.evil.url}/token`, status)],
      )
      await refuseTokens(scene, twists)
      scene.hold(scene.ehrs.evil.connections === before, 'the stranger was sent the request')
    },
  },
  {
    id: 'T4',
    what: 'token types that were not asked for',
    attack: scene =>
      refuseTokens(scene, [
        ...['mac', 'DPoP', ['bearer'], 'bearer\r\nx', 5].map(
          (type): Twist => [String(type), changed({ token_type: type })],
        ),
      ]),
  },
  {
    id: 'T5',
    what: 'access tokens that are none, or would end a header',
    attack: scene =>
      refuseTokens(
        scene,
        [
          undefined,
          '',
          5,
          {},
          'a b',
          'a\r\nX-Evil: 1',
          'a\nb',
          'a\0b',
          'é',
          'x'.repeat(60_000),
        ].map(
          (token): Twist => [
            JSON.stringify(token)?.slice(0, 20) ?? 'none',
            changed({ access_token: token }),
          ],
        ),
      ),
  },
  {
    id: 'T6',
    what: 'lifetimes of every kind',
    async attack(scene) {
      const lifetimes = [
        '"3600"',
        '-1',
        '0',
        '1e308',
        '1e300',
        '4102444800',
        'null',
        '"1h"',
        '1e-9',
        '[1]',
        '99999999999999999999',
      ]
      await each(lifetimes, async lifetime => {
        const token = written(json => json.replace('"expires_in":3600', `"expires_in":${lifetime}`))
        const login = await scene.begin({ grant: { token } })
        const reply = await login.land()
        scene.hold(
          reply.status === 303 || reply.status === 502,
          `expires_in ${lifetime}: ${describe(reply)}`,
        )
        if (!login.session) return
        const { session } = login
        for (let i = 0; i < 5; i++) {
          const read = await readFhir(scene, { ...login, session }, '/Basic/x')
          scene.hold(read.status === 200, `expires_in ${lifetime}: then ${describe(read)}`)
        }
        scene.hold(
          login.grant.renewals <= 1,
          `expires_in ${lifetime}: ${login.grant.renewals} renewals for 5 reads`,
        )
      })
    },
  },
  {
    id: 'T7',
    what: 'scopes that are no text',
    async attack(scene) {
      for (const scope of [5, {}, ['a']]) {
        const login = await scene.begin({ grant: { token: changed({ scope }) } })
        const reply = await login.land()
        scene.hold(
          [303, 502].includes(reply.status),
          `${JSON.stringify(scope)}: ${describe(reply)}`,
        )
        const told = login.session?.document.scope
        scene.hold(typeof told !== 'object' || told === null, 'told to the app as it came')
      }
    },
  },
  {
    id: 'T8',
    what: 'launch context with paths, markup, objects and addresses',
    async attack(scene) {
      const patients = [
        '../../x',
        '<script>alert(1)</script>',
        { a: 1 },
        'x'.repeat(100_000),
        'a/b',
        '%2e%2e',
        'a\r\nb',
      ]
      await each(patients, async patient => {
        const context = {
          ...{ patient, encounter: patient, smart_style_url: `${scene.ehrs.evil.url}/style` },
          fhirContext: [{ reference: 'javascript:x' }, 5, null],
        }
        const login = await scene.begin({ grant: { token: changed(context) } })
        const reply = await login.land()
        scene.hold(
          [303, 502].includes(reply.status),
          `${JSON.stringify(patient).slice(0, 30)}: ${describe(reply)}`,
        )
        const document = login.session?.document ?? {}
        for (const name of ['patient', 'encounter']) {
          const told = document[name]
          scene.hold(
            told === undefined || told === null,
            `${name} is told as ${JSON.stringify(told)?.slice(0, 30)}`,
          )
        }
        scene.hold(
          !JSON.stringify(document).includes('javascript:x'),
          'a script is told as a reference',
        )
      })
      scene.hold(
        !scene.ehrs.evil.heard.some(line => line.includes('/style')),
        'the style was fetched',
      )
    },
  },
  {
    id: 'T9',
    what: 'names of prototypes, and members twice, in token answers',
    async attack(scene) {
      for (const member of [
        '"__proto__":{"patient":"polluted"}',
        '"constructor":{"prototype":{"patient":"polluted"}}',
        '"toString":1',
      ]) {
        const token = written(json => json.replace('{', `{${member},`))
        const login = await scene.begin({ grant: { token } })
        const reply = await login.land()
        scene.hold([303, 502].includes(reply.status), `${member}: ${describe(reply)}`)
        scene.hold(login.session?.document.patient !== 'polluted', `${member}: became the patient`)
      }
      const other = await logIn(scene)
      scene.hold(
        other.session.document.patient === other.grant.patient,
        'the next user has another patient',
      )
    },
  },
  {
    id: 'T10',
    what: 'errors of a token endpoint, and a connection that breaks',
    async attack(scene) {
      const errors = [
        [400, 'invalid_grant'],
        [401, 'invalid_client'],
        [429, 'slow_down'],
        [500, 'server_error'],
      ] as const
      await refuseTokens(scene, [
        ...errors.map(
          ([status, error]): Twist => [
            error,
            () => json({ error, error_description: 'evil-text' }, status),
          ],
        ),
        ['reset', () => (_request, response) => response.socket?.destroy()],
      ])
    },
  },
  {
    id: 'K18',
    what: 'tickets and tokens in addresses and documents',
    async attack(scene) {
      const login = await scene.begin()
      const reply = await login.land()
      const ticket = login.session ? (login.jar.cookies.get(login.session.ticketName) ?? '') : ''
      scene.hold(login.session !== undefined && ticket !== '', 'no session')
      const told =
        headerOf(reply, 'location') + reply.text + JSON.stringify(login.session?.document)
      for (const secret of [
        ticket,
        login.grant.accessToken,
        login.grant.refreshToken,
        login.grant.code,
      ]) {
        scene.hold(!told.includes(secret), `${secret.slice(0, 8)}… is told`)
      }
    },
  },
]
