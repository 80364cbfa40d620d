// Discovery by metadata alone, in the shapes met in the field (smart.md section 2, LD-01 to LD-12).

import { buildOauthUris, OAUTH_URIS } from '../fhir/capability-statement.ts'
import { toXml } from '../fhir/xml.ts'
import { text } from '../http/answer.ts'
import { fhirJson, notThere, oauthError, pageForPeople } from './answers.ts'
import type { Call, Document, Face, Site } from './face.ts'

type Extension = Document & { url: string }

/** A face without a SMART configuration whose `security` has these extensions. */
function extended(name: string, about: string, build: (site: Site) => Extension[]): Face {
  return {
    name,
    about,
    smartConfiguration: notThere,
    metadata: (document, { site }) =>
      fhirJson(withSecurity(document, { cors: true, extension: build(site) })),
  }
}

/** A face without a SMART configuration whose statement is changed as a whole. */
function changed(
  name: string,
  about: string,
  change: (document: Document, call: Call) => Document,
): Face {
  return {
    name,
    about,
    smartConfiguration: notThere,
    metadata: (document, call) => fhirJson(change(document, call)),
  }
}

function withSecurity(document: Document, security: unknown): Document {
  const [server] = document.rest as Document[]
  return { ...document, rest: [{ ...server, security }] }
}

/** Endpoints that no client may use, in an extension that is not SMART's or not the server's. */
function decoy(url: string): Extension {
  return {
    url,
    extension: [
      { url: 'authorize', valueUri: 'https://decoy.example/authorize' },
      { url: 'token', valueUri: 'https://decoy.example/token' },
    ],
  }
}

const WRONG_PARENT = 'http://DSTU2/fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'

const shapes: readonly Face[] = [
  extended('ld-01', 'LD-01: token before authorize.', site => {
    const { url, extension } = buildOauthUris(site)
    return [{ url, extension: extension.toReversed() }]
  }),
  extended('ld-02', 'LD-02: the old flat form, oauth-uris#authorize.', ({ endpoints }) => [
    { url: `${OAUTH_URIS}#authorize`, valueUri: endpoints.authorize },
    { url: `${OAUTH_URIS}#token`, valueUri: endpoints.token },
  ]),
  extended('ld-03', "LD-03: athenahealth's wrong parent URL first, the right one second.", site => [
    decoy(WRONG_PARENT),
    buildOauthUris(site),
  ]),
  extended('ld-03-wrong-only', 'LD-03: the wrong parent URL alone.', site => [
    { ...buildOauthUris(site), url: WRONG_PARENT },
  ]),
  extended('ld-04', "LD-04: Soarian's own extension, with children of the same names.", site => [
    decoy('http://soarian.example/SoarianIdLinking-uris'),
    buildOauthUris(site),
  ]),
  changed('ld-05', 'LD-05: no security at all.', ({ rest, ...document }) => {
    const [{ security: _, ...server } = {}] = rest as Document[]
    return { ...document, rest: [server] }
  }),
  changed('ld-05-null', 'LD-05: security is null.', document => withSecurity(document, null)),
  changed('ld-05-cors', 'LD-05: security with cors alone.', document =>
    withSecurity(document, { cors: true }),
  ),
  changed(
    'ld-09',
    'LD-09: several rest entries, the first of them a client.',
    (document, { site }) => {
      const client = { mode: 'client', security: { extension: [decoy(OAUTH_URIS)] } }
      const plain = withSecurity(document, { extension: [buildOauthUris(site)] })
      return { ...document, rest: [client, ...(plain.rest as Document[])] }
    },
  ),
  changed('ld-10', 'LD-10: a statement of half a megabyte.', document => ({
    ...document,
    description: 'All that this server can do. '.repeat(17_500),
  })),
  extended('ld-11', "LD-11: SMART 1.0's capabilities as extensions.", site => [
    buildOauthUris(site),
    ...['launch-ehr', 'launch-standalone', 'client-confidential-symmetric'].map(valueCode => ({
      url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/capabilities',
      valueCode,
    })),
  ]),
  extended('ld-12-patient', "LD-12: the patients' persona of one EHR.", site => [
    buildOauthUris(site),
  ]),
  extended('ld-12-provider', "LD-12: the clinicians' persona of the same EHR.", site => [
    buildOauthUris(site),
  ]),
]

const manners: readonly Face[] = [
  {
    name: 'ld-06-401',
    about: 'LD-06: older than the well-known file, which answers 401.',
    smartConfiguration: () => oauthError(401, 'unauthorized'),
  },
  {
    name: 'ld-06-html',
    about: 'LD-06: older than the well-known file, which answers with a page.',
    smartConfiguration: () => pageForPeople(),
  },
  {
    name: 'ld-07',
    about: 'LD-07: metadata in XML unless JSON is asked for.',
    smartConfiguration: notThere,
    metadata: (document, { headers, query }) =>
      /json/.test(query.get('_format') ?? headers.accept ?? '')
        ? fhirJson(document)
        : text(toXml(document), { type: 'application/fhir+xml; charset=utf-8' }),
  },
  {
    name: 'ld-07-format',
    about: 'LD-07: metadata in XML unless _format=json says otherwise.',
    smartConfiguration: notThere,
    metadata: (document, { query }) =>
      /json/.test(query.get('_format') ?? '')
        ? fhirJson(document)
        : text(toXml(document), { type: 'application/fhir+xml; charset=utf-8' }),
  },
  {
    name: 'ld-08',
    about: 'LD-08: an Accept with a charset is refused.',
    smartConfiguration: notThere,
    metadata: (document, { headers }) =>
      headers.accept?.includes('charset') ? { ...notThere(), status: 406 } : fhirJson(document),
  },
]

export const legacyFaces: readonly Face[] = [...shapes, ...manners]
