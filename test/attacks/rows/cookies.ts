// Cookies: their attributes, forgeries, doubles, what a copied one still opens, whose data it shows.

import { headerOf, Jar, ownPage } from '../outsider.ts'
import type { Row, Scene } from '../row.ts'
import { describe, each, type LoggedIn, logIn, readFhir } from './reading.ts'

/** A read with other cookies than the session's own. */
async function readWith(scene: Scene, { session }: LoggedIn, cookie: string) {
  return await scene.outsider.ask({
    path: `${session.fhirPath}/Basic/x`,
    headers: cookie === '' ? ownPage : { ...ownPage, Cookie: cookie },
  })
}

/** Each of these Cookie headers opens nothing, and the EHR hears of none. */
async function refuseCookies(
  scene: Scene,
  login: LoggedIn,
  headers: readonly string[],
  statuses = [400, 401, 431],
): Promise<void> {
  const before = login.ehr.count('fhir')
  await each(headers, async cookie => {
    const reply = await readWith(scene, login, cookie)
    scene.hold(statuses.includes(reply.status), `${cookie.slice(0, 50)}: ${describe(reply)}`)
  })
  scene.hold(login.ehr.count('fhir') === before, 'the EHR was asked')
}

function ticketOf({ jar, session }: LoggedIn): [name: string, value: string] {
  return [session.ticketName, jar.cookies.get(session.ticketName) ?? '']
}

export const cookieRows: readonly Row[] = [
  {
    id: 'K1',
    what: 'attributes of every cookie that is set or cleared',
    async attack(scene) {
      const { hold, outsider, target } = scene
      const login = await scene.begin()
      const landed = await login.land()
      const over = await outsider.ask({
        ...{ method: 'POST', path: '~/logout', cookies: login.jar.cookies },
        headers: { ...ownPage, Origin: target.origin },
      })
      const lines = [login.begun, landed, over].flatMap(
        ({ headers }) => headers.get('set-cookie') ?? [],
      )
      hold(lines.length >= 3, `${lines.length} cookies in a login and a logout`)
      for (const line of lines) {
        const [name = ''] = line.split('=')
        hold(/;\s*HttpOnly/i.test(line), `${name} can be read by scripts`)
        hold(
          /;\s*SameSite=(?:Strict|Lax)/i.test(line) || /;\s*Partitioned/i.test(line),
          `${name} has no SameSite`,
        )
        hold(
          /;\s*Path=\/(?:;|$)/i.test(line) && !/;\s*Domain=/i.test(line),
          `${name} has another place: ${line.replace(/=[^;]*/, '')}`,
        )
        if (target.isSecure)
          hold(/^__Host-/.test(name) && /;\s*Secure/i.test(line), `${name} is not bound to https`)
      }
    },
  },
  {
    id: 'K2',
    what: 'a ticket with a character changed, cut, longer, in another coding',
    async attack(scene) {
      const login = await logIn(scene)
      const [name, value] = ticketOf(login)
      const step = Math.max(1, Math.floor(value.length / 24))
      const flipped = Array.from({ length: value.length / step }, (_, i) => {
        const at = i * step
        return value.slice(0, at) + (value[at] === 'x' ? 'y' : 'x') + value.slice(at + 1)
      })
      const changed = [
        ...flipped,
        value.slice(0, -1),
        value.slice(1),
        `${value}A`,
        `A${value}`,
        value.toUpperCase(),
      ]
      await refuseCookies(
        scene,
        login,
        changed.map(text => `${name}=${text}`),
      )
    },
  },
  {
    id: 'K3',
    what: 'other texts that decode to the same ticket',
    async attack(scene) {
      const login = await logIn(scene)
      const [name, value] = ticketOf(login)
      const encoded = `%${value.charCodeAt(0).toString(16)}${value.slice(1)}`
      const texts = [
        `${value}!!!`,
        `${value};junk`,
        `"${value}"`,
        encoded,
        `${value}=`,
        `${value}==`,
        `!${value}`,
        value.replace(/-/g, '+').replace(/_/g, '/'),
      ]
      const others = texts.filter(text => text !== value && text !== `${value};junk`)
      await refuseCookies(
        scene,
        login,
        others.map(text => `${name}=${text}`),
      )
    },
  },
  {
    id: 'K4',
    what: 'a launch cookie or another session’s ticket under the name of a ticket',
    async attack(scene) {
      const login = await logIn(scene)
      const [name] = ticketOf(login)
      const begun = await scene.begin()
      const other = await logIn(scene)
      const values = [...begun.jar.cookies.values(), ...other.jar.cookies.values()]
      await refuseCookies(
        scene,
        login,
        values.map(value => `${name}=${value}`),
      )
    },
  },
  {
    id: 'K5',
    what: 'a copied ticket after the logout',
    async attack(scene) {
      const login = await logIn(scene)
      const [name, value] = ticketOf(login)
      const over = await scene.outsider.ask({
        ...{ method: 'DELETE', path: login.session.path, cookies: login.jar.cookies },
        headers: { ...ownPage, Origin: scene.target.origin },
      })
      scene.hold(over.status === 200 || over.status === 204, `logout: ${describe(over)}`)
      await refuseCookies(scene, login, [`${name}=${value}`])
    },
  },
  {
    id: 'K8',
    what: 'two tickets of one name',
    async attack(scene) {
      const login = await logIn(scene)
      const [name, value] = ticketOf(login)
      await refuseCookies(scene, login, [
        ...[`${name}=evil; ${name}=${value}`, `${name}=${value}; ${name}=evil`],
        ...[`${name}=${value}; ${name}=${value}`, `${name}=; ${name}=${value}`],
      ])
    },
  },
  {
    id: 'K9',
    what: 'names that look like the ticket’s',
    async attack(scene) {
      const login = await logIn(scene)
      const [name, value] = ticketOf(login)
      const first = `%${name.charCodeAt(0).toString(16)}${name.slice(1)}`
      const names = [
        first,
        `\u00a0${name}`,
        name.toUpperCase(),
        `"${name}"`,
        `=${name}`,
        `x${name}`,
        `${name}x`,
        `$Version=1; $${name}`,
      ]
      await refuseCookies(
        scene,
        login,
        names.filter(each => each !== name).map(each => `${each}=${value}`),
      )
    },
  },
  {
    id: 'K10',
    what: 'a Cookie header of 16 KiB, of 500 cookies, with names of prototypes',
    async attack(scene) {
      const login = await logIn(scene)
      const many = Array.from({ length: 500 }, (_, i) => `a${i}=b`).join('; ')
      const headers = [
        `a=${'x'.repeat(15_000)}`,
        `a=${'x'.repeat(64_000)}`,
        many,
        '__proto__=x; constructor=y',
        ';'.repeat(10_000),
        '='.repeat(10_000),
      ]
      await refuseCookies(scene, login, headers)
    },
  },
  {
    id: 'K12',
    what: 'twenty logins in one browser',
    async attack(scene) {
      const jar = new Jar()
      const logins: LoggedIn[] = []
      for (let i = 0; i < 20; i++) logins.push(await logIn(scene, { jar }))
      const header = [...jar.cookies].map(pair => pair.join('=')).join('; ')
      scene.hold(header.length < 8_192, `${header.length} bytes of cookies`)
      const reply = await readFhir(scene, logins.at(-1) as LoggedIn, '/Basic/x')
      scene.hold(reply.status === 200, `the last login: ${describe(reply)}`)
    },
  },
  {
    id: 'K20',
    what: 'the same host over plain http later',
    needs: 'tls',
    async attack(scene) {
      const login = await scene.begin()
      scene.hold(
        /max-age=[1-9]/.test(headerOf(login.begun, 'strict-transport-security')),
        'no HSTS',
      )
    },
  },
  {
    id: 'K13',
    what: 'two patients in one browser, and the one’s address with the other’s ticket',
    async attack(scene) {
      const jar = new Jar()
      const first = await logIn(scene, { jar, grant: { sub: 'one-user' } })
      const second = await logIn(scene, { jar, grant: { sub: 'one-user' } })
      const [one, two] = [first.grant.patient, second.grant.patient]
      const shown = await Promise.all([
        readFhir(scene, first, `/Patient/${one}`),
        readFhir(scene, second, `/Patient/${two}`),
      ])
      for (const [i, [own, other]] of [
        [one, two],
        [two, one],
      ].entries()) {
        const text = shown[i]?.text ?? ''
        scene.hold(
          text.includes(own ?? '') && !text.includes(other ?? ''),
          `tab ${i}: ${text.slice(0, 60)}`,
        )
      }
      const third = await logIn(scene)
      const [name, value] = ticketOf(second)
      await refuseCookies(scene, third, [`${name}=${value}`], [401])
    },
  },
  {
    id: 'K14',
    what: 'session ids that are guessed, and those that are over',
    async attack(scene) {
      const login = await logIn(scene)
      const ids = [
        '1',
        'x',
        'A'.repeat(22),
        '0'.repeat(32),
        '%00',
        login.session.id.slice(0, -1),
        `${login.session.id}x`,
      ]
      const replies = await Promise.all(
        ids.map(id =>
          scene.outsider.ask({
            path: `~/sessions/${id}`,
            headers: ownPage,
            cookies: login.jar.cookies,
          }),
        ),
      )
      for (const [i, reply] of replies.entries()) {
        scene.hold([400, 401, 404].includes(reply.status), `${ids[i]}: ${describe(reply)}`)
      }
      const stranger = await scene.outsider.ask({ path: login.session.path, headers: ownPage })
      const absent = await scene.outsider.ask({
        path: `~/sessions/${'A'.repeat(22)}`,
        headers: ownPage,
      })
      const plain = (text: string) => text.replace(/"requestId":"[^"]*"/, '')
      scene.hold(
        stranger.status === 401 && plain(stranger.text) === plain(absent.text),
        'a session that exists answers otherwise',
      )
      const bits = login.session.id.length * Math.log2(62)
      scene.hold(bits >= 100, `ids of ${Math.round(bits)} bits at most`)
    },
  },
  {
    id: 'K16',
    what: 'cookies and caches on FHIR and session answers',
    async attack(scene) {
      const login = await logIn(scene)
      login.ehr.fhir.set('/Basic/cached', (_request, response) => {
        response.writeHead(304, { etag: 'W/"1"', 'cache-control': 'public, max-age=9999' }).end()
      })
      const replies = [
        await readFhir(scene, login, `/Patient/${login.grant.patient}`),
        await readFhir(scene, login, '/Basic/cached', { headers: { 'If-None-Match': 'W/"1"' } }),
        await scene.outsider.ask({
          path: login.session.path,
          headers: ownPage,
          cookies: login.jar.cookies,
        }),
      ]
      for (const reply of replies) {
        scene.hold(
          headerOf(reply, 'cache-control').includes('no-store'),
          `${reply.status}: may be stored`,
        )
        scene.hold(
          /cookie|\*/i.test(headerOf(reply, 'vary')),
          `${reply.status}: does not vary by cookie`,
        )
      }
      for (const reply of replies.slice(0, 2)) {
        scene.hold(!reply.headers.has('set-cookie'), `${reply.status}: sets a cookie`)
      }
    },
  },
]
