// What becomes of an EHR's answer: which headers cross (a list), what kind of content it is, whether
// its addresses are rewritten, and what that means for its length, coding, tag and ranges. Refuses
// what breaks the protocol with `upstream_broken` or `upstream_encoding` (attacks R1-R6, R17, R18,
// R21). Pure: no I/O, no clock.

import { createBoundedMap } from '../bounded-map.ts'
import { type Coding, readCodings } from '../codings.ts'
import { BrokerError } from '../errors.ts'
import { type AnsweredHeaders, passHeaders } from './answer-headers.ts'
import { isWeak, type TagHabits } from './entity-tags.ts'
import { attachment, buildContentHeaders, securityHeaders } from './inert.ts'
import { type Addresses, rewriteLinks, toOwnAddress } from './location.ts'
import {
  type DocumentKind,
  documentKind,
  encodingOf,
  inUtf8,
  isUtf8,
  parseMediaType,
} from './media-type.ts'
import { sniffedTypes } from './sniff.ts'
import { buildUpstreamPath, isBinary, parseUpstreamBase, type Target } from './target.ts'
import { showsToken, type TokenTraces } from './token-traces.ts'

export type { AnsweredHeaders } from './answer-headers.ts'

/** What one EHR's answers are judged by. */
export interface AnswerPolicy {
  /** The registered FHIR base first, then its other spellings. */
  bases: readonly string[]
  rewrite: boolean
  /** Documents up to this size are rewritten at once, and sent with their length. */
  collectBytes: number
  /** Learns what the EHR's entity tags are like. */
  tags?: TagHabits
}

/** The request that was answered. */
export interface AnsweredRequest {
  method: string
  target: Target
  /** A page of ours has the browser save it: whatever it is, it is not shown. */
  isSaved?: boolean
  /** Our FHIR base URL of the session. */
  ours: string
  /** Of the access token it was asked with: no header that shows it crosses. */
  traces: TokenTraces
  /** What the operator is to know of the answer, in fixed words. */
  note?: string
}

export interface Answer {
  status: number
  /** What the client gets, names and values in turn; without Content-Length where it changes. */
  headers: string[]
  /** The document to rewrite; undefined when the body passes as it comes. */
  document: DocumentKind | undefined
  /** The encoding that the document is brought from into UTF-8; undefined when it is in UTF-8. */
  encoding: string | undefined
  /** Where nothing says what the body is: the same answer for a document of a kind. */
  told: ((kind: DocumentKind) => Answer) | undefined
  /** What the body is coded with, in the order in which that was done; it is undone here. */
  codings: readonly Coding[]
  /** Length of a document that is small enough to be held; the head waits for its new length. */
  collectedBytes: number | undefined
  /** Events: sent at once, and silence means nothing. */
  isLive: boolean
}

interface Content {
  headers: readonly string[]
  document: DocumentKind | undefined
  /** The same where the content is somebody's file. */
  fileDocument: DocumentKind | undefined
  /** Headers of a document of this type, which is sent in UTF-8. */
  documentHeaders: readonly string[]
  /** Of a document in another charset: its encoding, `unknown` for one that nobody knows. */
  encoding: string | undefined
  isLive: boolean
}

/** A media type of an EHR is judged once, not with each answer. */
const CONTENTS_BYTES = 64 * 1024
const CONTENT_BYTES = 1024
const LENGTH = /^\d{1,15}$/
const NO_CODINGS: readonly Coding[] = []
const LEFT_OUT =
  'Location or Content-Location at another address was left out: baseAliases names further ones of the base'

/** Makes the judge of one EHR's answers. */
export function createAnswerJudge(policy: AnswerPolicy) {
  const bases = policy.bases.map(parseUpstreamBase)
  const contents = createBoundedMap<Content>(CONTENTS_BYTES, () => CONTENT_BYTES)
  const nothing: Content = {
    headers: [...securityHeaders, ...buildContentHeaders(undefined)],
    documentHeaders: [],
    ...{ document: undefined, fileDocument: undefined, encoding: undefined, isLive: false },
  }

  return { judge }

  /** Judges the head of an answer. */
  function judge(asked: AnsweredRequest, status: number, headers: AnsweredHeaders): Answer {
    if (status < 200 || status > 599) throw new BrokerError('upstream_broken', { detail: 'status' })
    const hasBody = asked.method !== 'HEAD' && status !== 204 && status !== 304
    const content = readContentType(headers['content-type'], asked)
    const document = chooseDocument(asked, status, content)
    const encoding = document && content.encoding
    if (encoding === 'unknown' && hasBody) throw new BrokerError('upstream_charset')
    const told = document ? content.documentHeaders : content.headers
    const passed = content === nothing && !hasBody ? securityHeaders : told
    const answer: Answer = {
      ...{ status, headers: passed.slice(), document, encoding },
      ...{ told: undefined, codings: NO_CODINGS, collectedBytes: undefined },
      isLive: content.isLive,
    }
    const isFile = asked.isSaved && status < 300
    if (isFile && !answer.headers.includes('attachment')) answer.headers.push(...attachment)
    const codings = readCodings(headers['content-encoding'])
    if (codings === undefined) throw new BrokerError('upstream_encoding')
    if (policy.rewrite) answer.codings = hasBody ? codings : NO_CODINGS
    else if (codings.length > 0) answer.headers.push('content-encoding', codings.join(', '))
    const isRewritten = document !== undefined
    // What has no content of its own tells the tag of what would have been rewritten.
    const isTagWeak =
      isRewritten || (policy.rewrite && content === nothing && !isBinary(asked.target))
    const how = { isRewritten, isTagWeak, traces: asked.traces }
    const tag = passHeaders(answer.headers, headers, how)
    if (tag !== undefined && (isTagWeak || isWeak(tag))) policy.tags?.note(asked, tag)
    passAddresses(answer, headers, asked)
    const isDecoded = (policy.rewrite && codings.length > 0) || encoding !== undefined
    const isMeant = !isDecoded && (hasBody || asked.method === 'HEAD')
    judgeLength(answer, headers['content-length'], isMeant)
    if (asked.method === 'HEAD') answer.collectedBytes = undefined
    const isReadable = policy.rewrite || codings.length === 0
    if (content === nothing && hasBody && isReadable && status !== 206 && !isBinary(asked.target)) {
      answer.told = kind => {
        const type = { 'content-type': sniffedTypes[kind] }
        return { ...judge(asked, status, { ...headers, ...type }), collectedBytes: undefined }
      }
    }
    return answer
  }

  function judgeLength(
    answer: Answer,
    sent: string | string[] | undefined,
    isMeant: boolean,
  ): void {
    if (!isMeant || typeof sent !== 'string' || !LENGTH.test(sent)) return
    if (answer.document === undefined) answer.headers.push('content-length', sent)
    else if (Number(sent) <= policy.collectBytes) answer.collectedBytes = Number(sent)
  }

  // A part of a document cannot be rewritten: other addresses have other lengths.
  function chooseDocument({ target }: AnsweredRequest, status: number, content: Content) {
    if (!policy.rewrite || status === 206) return undefined
    return isBinary(target) ? content.fileDocument : content.document
  }

  // A header that shows the token is as good as none.
  function readContentType(sent: string | string[] | undefined, { traces }: AnsweredRequest) {
    const whole = typeof sent === 'object' ? sent.join(', ') : sent
    if (whole === undefined || showsToken(whole, traces)) return nothing
    const known = contents.get(whole)
    if (known) return known
    const content = readContent(whole) ?? nothing
    contents.set(whole, content)
    return content
  }

  function passAddresses(answer: Answer, headers: AnsweredHeaders, asked: AnsweredRequest): void {
    const { location, 'content-location': contentLocation, link } = headers
    if (location === undefined && contentLocation === undefined && link === undefined) return
    const [base = { origin: '', path: '' }] = bases
    const path = buildUpstreamPath(base, asked.target)
    const addresses: Addresses = { bases, asked: base.origin + path, ours: asked.ours }
    const own = typeof location === 'string' ? toOwnAddress(location, addresses) : undefined
    const shown = hide(own, asked)
    const isRedirect = answer.status >= 300 && answer.status < 400 && answer.status !== 304
    if (location !== undefined && shown === undefined && isRedirect) {
      throw new BrokerError('upstream_elsewhere', {
        detail: 'a redirect to another address: baseAliases names further ones of the base',
      })
    }
    push(answer, 'location', shown)
    const content = typeof contentLocation === 'string' ? contentLocation : ''
    const shownContent = content === '' ? undefined : hide(toOwnAddress(content, addresses), asked)
    // Of what was only begun this is the one way to its end; of all else the content itself has come.
    if (answer.status === 202 && content !== '' && shownContent === undefined) {
      throw new BrokerError('upstream_elsewhere', {
        detail: 'its progress is at another address: baseAliases names further ones of the base',
      })
    }
    push(answer, 'content-location', shownContent)
    const isLeftOut = location !== undefined && shown === undefined
    if (isLeftOut || (content !== '' && shownContent === undefined)) asked.note = LEFT_OUT
    if (link !== undefined) push(answer, 'link', hide(rewriteLinks(String(link), addresses), asked))
  }
}

function hide(value: string | undefined, { traces }: AnsweredRequest): string | undefined {
  return value === undefined || showsToken(value, traces) ? undefined : value
}

function readContent(sent: string): Content | undefined {
  const type = parseMediaType(sent)
  if (type === undefined) return undefined
  return {
    headers: [...securityHeaders, ...buildContentHeaders(type)],
    document: documentKind(type, false),
    fileDocument: documentKind(type, true),
    documentHeaders: [
      ...securityHeaders,
      ...buildContentHeaders(isUtf8(type) ? type : inUtf8(type)),
    ],
    encoding: isUtf8(type) ? undefined : (encodingOf(type.charset ?? '') ?? 'unknown'),
    isLive: type.name === 'text/event-stream',
  }
}

function push(answer: Answer, name: string, value: string | undefined): void {
  if (value !== undefined) answer.headers.push(name, value)
}
