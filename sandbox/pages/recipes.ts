// How to use the sandbox from a terminal and a configuration, as lines that can be pasted. Pure.

import type { SandboxClient } from '../authorization/clients.ts'

export interface Recipe {
  /** Anchor on the start page. */
  id: string
  title: string
  about: string
  text: string
}

export interface RecipePlaces {
  /** Of the sandbox and of the app, without a slash at the end. */
  url: string
  appUrl: string
  /** The app under each way to authenticate, Basic first. */
  clients: readonly SandboxClient[]
}

const SCOPE = 'launch launch/patient openid fhirUser profile offline_access patient/*.cruds'

/** All recipes, in the order in which one tries them. */
export function buildRecipes(places: RecipePlaces): Recipe[] {
  return [
    fromEnvironment(places),
    fromFile(places),
    ...withCurl(places),
    documents(places),
    withoutApp(places),
  ]
}

function fromEnvironment({ url, appUrl, clients: [client] }: RecipePlaces): Recipe {
  const { port } = new URL(appUrl)
  return {
    id: 'environment',
    title: 'fhirstorm in front of your app, from the environment',
    about: 'One EHR needs no file. In a checkout of fhirstorm, with npm ci done:',
    text: `test -e sandbox-keys.json || npm exec fhirstorm -- keys make --file sandbox-keys.json --client-alg ES384
export FHIRSTORM_PUBLIC_URL=${appUrl}${port === '' ? '' : ` PORT=${port}`}
export FHIRSTORM_ISS=${url}/r4
export FHIRSTORM_CLIENT_ID=${client?.clientId}
export FHIRSTORM_CLIENT_SECRET=${client?.secret}
export FHIRSTORM_SCOPE='${SCOPE}'
export FHIRSTORM_KEYS_FILE=sandbox-keys.json FHIRSTORM_VAULT=sandbox-vault.db
npm start`,
  }
}

function fromFile({ url, clients: [basic, post, keys] }: RecipePlaces): Recipe {
  return {
    id: 'file',
    title: 'The same in fhirstorm.yaml, for each client and face',
    about: 'Each entry works alone, or beside the others, with the keys made above.',
    text: `ehrs:
  - id: general
    name: General Hospital
    iss: ${url}/r4
    clientId: ${basic?.clientId}
    clientAuth: { method: client_secret_basic, secret: ${basic?.secret} }
    scope: ${SCOPE}
  - id: dstu2
    name: Old Town Clinic (DSTU2)
    iss: ${url}/dstu2
    clientId: ${post?.clientId}
    clientAuth: { method: client_secret_post, secret: ${post?.secret} }
    scope: launch launch/patient openid profile offline_access patient/*.*
    issuers: [${url}]
  - id: keys
    name: General Hospital, with keys
    iss: ${url}/faces/no-rotation/fhir
    clientId: ${keys?.clientId}
    clientAuth: { method: private_key_jwt, alg: ES384 }
    scope: ${SCOPE}
  - id: embedded
    name: General Hospital, in a frame
    iss: ${url}/faces/embedded/fhir
    clientId: ${basic?.clientId}
    clientAuth: { method: client_secret_basic, secret: ${basic?.secret} }
    scope: ${SCOPE}
    embedded: true`,
  }
}

function withCurl({ url, appUrl }: RecipePlaces): Recipe[] {
  return [
    {
      id: 'ehr-launch',
      title: 'An EHR launch with curl',
      about:
        'With auto=1 no page asks for anything, so that curl with a cookie jar comes through; auto=deny says no.',
      text: `rm -f jar
curl -sL -c jar -b jar -o /dev/null '${url}/launch-app?patient=amy-shaw&auto=1'
curl -s -b jar ${appUrl}/sessions
curl -s -b jar ${appUrl}/fhir/Patient/amy-shaw`,
    },
    {
      id: 'standalone',
      title: 'A login that begins in the app',
      about: 'The choice is put onto the authorization request.',
      text: `rm -f jar
AUTHORIZE=$(curl -s -c jar -b jar -o /dev/null -w '%{redirect_url}' '${appUrl}/login?iss=${url}/r4')
curl -sL -c jar -b jar -o /dev/null "$AUTHORIZE&patient=hiro-tanaka&auto=1"
curl -s -b jar ${appUrl}/sessions`,
    },
    {
      id: 'prepared',
      title: 'Or prepare the next login of this jar, or of this browser',
      about: 'Then nothing has to be known of the authorization request.',
      text: `rm -f jar
curl -s -c jar -b jar -o /dev/null '${url}/auto?patient=chloe-nguyen'
curl -sL -c jar -b jar -o /dev/null '${appUrl}/login?iss=${url}/r4'
curl -s -b jar ${appUrl}/sessions`,
    },
  ]
}

function documents({ appUrl }: RecipePlaces): Recipe {
  return {
    id: 'documents',
    title: 'A PDF, and a file of your own',
    about: 'With the jar of one launch for Amy Shaw: her summary, and a file for her record.',
    text: `curl -s -b jar ${appUrl}/fhir/DocumentReference
curl -s -b jar -o summary.pdf ${appUrl}/fhir/Binary/amy-shaw-summary-content
curl -s -b jar -H 'X-CSRF: 1' -H 'Content-Type: application/pdf' --data-binary @summary.pdf ${appUrl}/fhir/Binary`,
  }
}

function withoutApp({ url, appUrl, clients: [client] }: RecipePlaces): Recipe {
  return {
    id: 'tokens',
    title: 'Tokens with curl alone',
    about:
      'What an app does, step by step. It ends at the redirect URI, where nothing need be listening.',
    text: `VERIFIER=$(openssl rand -hex 32)
CHALLENGE=$(printf %s "$VERIFIER" | openssl dgst -sha256 -binary | openssl base64 -A | tr '+/' '-_' | tr -d =)
BACK=$(curl -sGL -c tokens-jar -b tokens-jar -o /dev/null -w '%{url_effective}' ${url}/oauth/authorize \\
  -d response_type=code -d client_id=${client?.clientId} \\
  -d redirect_uri=${appUrl}/redirect -d aud=${url}/r4 -d state=of-my-own \\
  --data-urlencode 'scope=${SCOPE}' \\
  -d code_challenge_method=S256 -d code_challenge="$CHALLENGE" -d patient=amy-shaw -d auto=1 || true)
CODE=$(printf %s "$BACK" | sed 's/.*[?&]code=\\([^&]*\\).*/\\1/')
curl -s ${url}/oauth/token -u '${client?.clientId}:${client?.secret}' \\
  -d grant_type=authorization_code -d code="$CODE" -d code_verifier="$VERIFIER" \\
  -d redirect_uri=${appUrl}/redirect`,
  }
}
