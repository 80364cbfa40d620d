// Public documents that are elsewhere: discovery and keys behind redirects.

import { json } from '../http/answer.ts'
import { openidPath, routes } from '../site.ts'
import { notThere } from './answers.ts'
import type { Face, Move } from './face.ts'

const SMART = '/.well-known/smart-configuration'

/** A face of one moved document. */
function moved(name: string, about: string, ...moves: Move[]): Face {
  return { name, about, moves }
}

export const redirectFaces: readonly Face[] = [
  moved('moved-smart', 'The SMART configuration behind a 302 on the same origin.', {
    from: SMART,
    status: 302,
    through: ['/discovery/smart'],
  }),
  moved('moved-smart-json', 'The SMART configuration behind a 301 to the same name with .json.', {
    from: SMART,
    status: 301,
    through: [`${SMART}.json`],
  }),
  moved('moved-smart-relative', 'The SMART configuration behind a 308 that names a path alone.', {
    from: SMART,
    status: 308,
    through: ['/discovery/smart'],
    relative: true,
  }),
  moved('moved-smart-thrice', 'The SMART configuration behind three redirects.', {
    from: SMART,
    status: 302,
    through: ['/first', '/second', '/third'],
  }),
  moved('moved-smart-far', 'The SMART configuration behind six redirects.', {
    from: SMART,
    status: 302,
    through: ['/first', '/second', '/third', '/fourth', '/fifth', '/sixth'],
  }),
  moved('moved-smart-loop', 'The SMART configuration redirects in a circle.', {
    from: SMART,
    status: 302,
    through: ['/first', SMART],
  }),
  moved('moved-smart-away', 'The SMART configuration redirects to another server.', {
    from: SMART,
    status: 302,
    through: [`https://evil.example${SMART}`],
  }),
  {
    name: 'moved-smart-sign-in',
    about: 'The SMART configuration redirects to a page to sign in at.',
    smartConfiguration: (_document, { site }) => ({
      status: 302,
      headers: { location: `${site.origin}/` },
    }),
  },
  {
    ...moved('moved-metadata', 'No SMART configuration, and metadata behind a 301 to metadata/.', {
      from: '/metadata',
      status: 301,
      through: ['/metadata/'],
    }),
    smartConfiguration: notThere,
  },
  moved('moved-keys', 'Keys behind a 307.', {
    from: routes.jwks,
    status: 307,
    through: ['/oauth/keys/current'],
  }),
  moved('moved-keys-away', 'Keys that redirect to another server.', {
    from: routes.jwks,
    status: 307,
    through: ['https://evil.example/keys'],
  }),
  {
    ...moved('moved-openid', 'Keys in an OpenID configuration behind a 302, nowhere else.', {
      from: openidPath,
      status: 302,
      through: ['/.well-known/openid'],
    }),
    smartConfiguration: document => json({ ...document, issuer: undefined, jwks_uri: undefined }),
  },
]
