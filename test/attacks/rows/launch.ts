// Launches: the issuer as a key, hostile descriptions, where a login may come back to.

import { headerOf, Jar, navigation } from '../outsider.ts'
import { NOWHERE } from '../register.ts'
import type { Row, Scene } from '../row.ts'
import { describe, each, isRefused, logIn, readFhir } from './reading.ts'

const INTERNAL = [
  ...[
    'http://169.254.169.254/latest',
    'http://10.0.0.1/fhir',
    'http://127.1/fhir',
    'http://0/fhir',
  ],
  ...['http://[::1]/fhir', 'http://[::ffff:7f00:1]/fhir', 'http://[64:ff9b::7f00:1]/fhir'],
  ...[
    'http://100.64.0.1/fhir',
    'http://192.0.0.1/fhir',
    'http://255.255.255.255/',
    'http://224.0.0.1/',
  ],
]

const NUMERIC = [
  ...['http://2130706433/fhir', 'http://0x7f.1/fhir', 'http://0177.0.0.1/fhir'],
  'http://①②⑦.⓪.⓪.①/fhir',
]

async function refuseIssuers(scene: Scene, issuers: readonly string[]): Promise<void> {
  const { outsider, target, hold, ehrs } = scene
  const before = ehrs.evil.connections
  await each(issuers, async iss => {
    const path = `${target.prefix}/launch?iss=${encodeURIComponent(iss)}&launch=x`
    const reply = await outsider.ask({ path, headers: navigation })
    hold(reply.status === 400, `iss=${iss}: ${describe(reply)}`)
    hold(!reply.headers.has('set-cookie'), `iss=${iss}: a cookie was set`)
  })
  hold(ehrs.evil.connections === before, 'the issuer named was connected to')
}

/** A login at an EHR that describes itself wrongly: refused as a gateway does, and nothing goes astray. */
async function refuseDescribed(scene: Scene, names: readonly string[], statuses = [502, 504]) {
  const { outsider, target, hold, ehrs } = scene
  const before = ehrs.evil.connections
  await each(names, async name => {
    const path = `${target.prefix}/login?ehr=attack-${name}`
    const reply = await outsider.ask({ path, headers: navigation })
    hold(statuses.includes(reply.status), `${name}: ${describe(reply)}`)
  })
  hold(ehrs.evil.connections === before, 'an address outside of the registration was connected to')
}

function spellings(iss: string): string[] {
  const { protocol, host, pathname } = new URL(iss)
  return [
    ...[`${protocol}//${host}@evil.example${pathname}`, `${protocol}//user@${host}${pathname}`],
    ...[
      `${iss}#x`,
      `${iss}?x`,
      `${iss}/../evil`,
      `${iss}/%2e`,
      `${iss}//`,
      `${iss};x`,
      `${iss}.evil`,
    ],
    ...[`${protocol}//${host}.evil.example${pathname}`, `${iss}\t`, ` ${iss}`, `${iss}\0`],
    ...[`${protocol}//${host.replace('127', '%31%32%37')}${pathname}x`, iss.toUpperCase()],
    `${protocol}\\\\${host}${pathname}`,
  ]
}

export const launchRows: readonly Row[] = [
  {
    id: 'L1',
    what: 'an issuer that nobody registered',
    attack: scene =>
      refuseIssuers(scene, [`${scene.ehrs.evil.url}/fhir`, 'https://evil.example/fhir']),
  },
  {
    id: 'L2',
    also: ['L5'],
    what: 'addresses of networks and metadata services as issuer',
    attack: scene => refuseIssuers(scene, INTERNAL),
  },
  {
    id: 'L3',
    what: 'numeric and Unicode spellings of loopback as issuer',
    attack: scene => refuseIssuers(scene, NUMERIC),
  },
  {
    id: 'L6',
    what: 'a description that redirects to a stranger',
    attack: scene => refuseDescribed(scene, ['redirected']),
  },
  {
    id: 'L7',
    what: 'a description without end, or 100,000 levels deep',
    attack: scene => refuseDescribed(scene, ['huge', 'deep']),
  },
  {
    id: 'L8',
    what: 'a description at one byte a second',
    isSlow: true,
    attack: scene => refuseDescribed(scene, ['slow'], [504]),
  },
  {
    id: 'L9',
    what: 'descriptions of other types, and with names of prototypes',
    async attack(scene) {
      await refuseDescribed(scene, ['html', 'list', 'numbers'])
      const polluting = scene.ehrs.described.get('polluting')
      if (polluting) await scene.begin({ ehr: polluting }).catch(() => undefined)
      const login = await logIn(scene)
      scene.hold(
        (await readFhir(scene, login, '/Basic/x')).status === 200,
        'nobody is served any more',
      )
    },
  },
  {
    id: 'L10',
    what: 'a token endpoint over plain http, elsewhere',
    attack: scene => refuseDescribed(scene, ['plain-http']),
  },
  {
    id: 'L11',
    what: 'look-alikes of a registered issuer',
    attack: scene => refuseIssuers(scene, spellings(scene.ehrs.a.iss)),
  },
  {
    id: 'L12',
    what: 'an issuer that begins with a registered one',
    attack: scene =>
      refuseIssuers(scene, [
        `${scene.ehrs.a.iss}2`,
        `${scene.ehrs.a.iss}/x`,
        `${scene.ehrs.a.url}.evil.example/fhir`,
      ]),
  },
  {
    id: 'L14',
    what: 'parameters twice, in brackets, very long, with control characters',
    async attack({ outsider, target, ehrs, hold }) {
      const iss = encodeURIComponent(ehrs.a.iss)
      const queries = [
        ...[
          `iss=${iss}&iss=${iss}&launch=x`,
          `iss=${iss}&launch=x&launch=y`,
          `iss[]=${iss}&launch=x`,
        ],
        ...[
          `iss=${iss}&launch=${'x'.repeat(8_193)}`,
          `iss=${iss}&launch=a%00b`,
          `iss=${iss}&launch=a%0d%0ab`,
        ],
        ...['launch=x', `iss=${iss}&launch=`, `iss=&launch=x`],
      ]
      await each(queries, async query => {
        const reply = await outsider.ask({
          path: `${target.prefix}/launch?${query}`,
          headers: navigation,
        })
        hold(reply.status === 400, `?${query.slice(0, 60)}: ${describe(reply)}`)
      })
    },
  },
  {
    id: 'L16',
    what: 'thirty logins at once at an EHR that was never asked',
    async attack({ outsider, target, ehrs, hold }) {
      const crowd = ehrs.described.get('crowd')
      const path = `${target.prefix}/login?ehr=attack-crowd`
      const replies = await Promise.all(
        Array.from({ length: 30 }, () => outsider.ask({ path, headers: navigation })),
      )
      for (const reply of replies) hold(reply.status === 302, describe(reply))
      const asked = crowd?.count('discovery', '/.well-known/smart') ?? 0
      hold(asked <= 1, `the EHR was asked ${asked} times`)
    },
  },
  {
    id: 'L17',
    what: 'a token endpoint or a key set at a stranger',
    attack: scene => refuseDescribed(scene, ['moved', 'foreign-keys']),
  },
  {
    id: 'L18',
    what: 'authorization endpoints as script, data, with a user, elsewhere, or with our parameters set',
    async attack(scene) {
      await refuseDescribed(scene, ['script', 'data', 'userinfo', 'moved-authorization'])
      const { outsider, target, hold, ehrs } = scene
      const alone = await outsider.ask({
        path: `${target.prefix}/login?ehr=attack-scheme-alone`,
        headers: navigation,
      })
      hold(
        !headerOf(alone, 'location').startsWith(ehrs.evil.url.replace('//', '')),
        `a scheme without slashes: ${headerOf(alone, 'location')}`,
      )
      const path = `${target.prefix}/login?ehr=attack-preset`
      const reply = await outsider.ask({ path, headers: navigation })
      const location = headerOf(reply, 'location')
      const asked = new URL(location || '/', target.url).searchParams
      for (const name of ['redirect_uri', 'client_id', 'state']) {
        const values = asked.getAll(name)
        const isOurs = values.length === 1 && !values[0]?.includes('evil')
        hold(isRefused(reply) || isOurs, `${name} is ${values.join(' and ').slice(0, 60)}`)
      }
    },
  },
  {
    id: 'L20',
    what: 'an EHR that offers no S256',
    attack: scene => refuseDescribed(scene, ['unproved']),
  },
  {
    id: 'L21',
    what: 'a launch by another site while somebody reads',
    async attack(scene) {
      const { hold, ehrs } = scene
      const first = await logIn(scene)
      const before = new Map(first.jar.cookies)
      const begun = await scene.begin({ jar: first.jar, isLaunch: true })
      for (const [name, value] of before)
        hold(first.jar.cookies.get(name) === value, `${name} was changed by a launch`)
      const { patient } = first.grant
      hold(
        (await readFhir(scene, first, `/Patient/${patient}`)).text.includes(patient),
        'the session was lost',
      )
      await begun.land()
      const after = await readFhir(scene, first, `/Patient/${patient}`)
      const shows = after.status === 401 || after.text.includes(patient)
      hold(
        shows && !after.text.includes(begun.grant.patient),
        `the old tab shows ${after.text.slice(0, 60)}`,
      )
      hold(
        ehrs.a.count('fhir', `/Patient/${begun.grant.patient}`) === 0,
        'the other patient was asked for',
      )
    },
  },
  {
    id: 'L22',
    what: 'a dozen launches in one browser',
    async attack(scene) {
      const jar = new Jar()
      for (let i = 0; i < 12; i++) await scene.begin({ jar })
      const header = [...jar.cookies].map(pair => pair.join('=')).join('; ')
      scene.hold(header.length < 4096, `${header.length} bytes of cookies`)
      scene.hold(jar.cookies.size <= 6, `${jar.cookies.size} cookies of launches`)
    },
  },
  {
    id: 'L23',
    also: ['C14'],
    what: 'ways to come back to a stranger',
    async attack(scene) {
      const places = [
        ...[
          '//evil.example',
          '/\\evil.example',
          '/%09/evil.example',
          '/%5cevil.example',
          'https:evil.example',
        ],
        ...[
          '/..//evil.example',
          'javascript:alert(1)',
          '/\r\nSet-Cookie:a=b',
          'https://evil.example/',
        ],
        ...[
          '\\\\evil.example',
          '/\t/evil.example',
          '///evil.example',
          `${scene.target.origin}@evil.example/`,
        ],
        ...[`${scene.target.origin}.evil.example/`, '/%0d%0aX: y', 'data:text/html,x'],
      ]
      await each(places, async place => {
        const login = await scene
          .begin({ query: `&return_to=${encodeURIComponent(place)}` })
          .catch(() => undefined)
        // Refused at once is as good.
        const reply = await login?.land()
        if (!reply) return scene.hold(true, '')
        const location = headerOf(reply, 'location')
        const url = new URL(location || '/', scene.target.url)
        const isOwn = url.origin === scene.target.origin && !url.pathname.startsWith('//')
        scene.hold(isOwn && !reply.headers.has('x'), `return_to=${place} leads to ${location}`)
      })
    },
  },
  {
    id: 'L24',
    what: 'launches and their refusals in a frame of another site',
    async attack({ outsider, target, hold }) {
      const paths = [
        '/login?ehr=attack-a',
        '/launch?iss=x&launch=x',
        '/redirect/attack-a?code=x&state=x',
        '/login?ehr=x',
      ]
      for (const path of paths) {
        const reply = await outsider.ask({ path: target.prefix + path, headers: navigation })
        const policy = headerOf(reply, 'content-security-policy')
        hold(/frame-ancestors (?!\*)/.test(policy), `${path}: ${policy || 'no policy'}`)
      }
    },
  },
  {
    id: 'PS1',
    what: 'an EHR whose name does not resolve',
    async attack(scene) {
      const { outsider, target, hold } = scene
      const path = `${target.prefix}/login?ehr=${NOWHERE.id}`
      for (let i = 0; i < 3; i++) {
        const reply = await outsider.ask({ path, headers: navigation })
        hold([502, 503, 504].includes(reply.status), describe(reply))
      }
      const login = await logIn(scene)
      hold((await readFhir(scene, login, '/Basic/x')).status === 200, 'others are not served')
    },
  },
]
