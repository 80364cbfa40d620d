// What went wrong, in words that can be shown: from a problem document of fhirstorm, or from an
// OperationOutcome, whose origin Proxy-Status tells (RFC 9209).

export class Fault extends Error {
  /** `source` is who refused: 'fhirstorm', 'the EHR' or 'the network'; 0 is no answer at all. */
  constructor(message, { status = 0, code, source }) {
    super(message)
    this.name = 'Fault'
    this.status = status
    this.code = code
    this.source = source
  }

  /** True when fhirstorm says that there is no session any more. */
  get endsSession() {
    return this.source === 'fhirstorm' && this.status === 401
  }
}

/** The fault that an answer tells of. */
export async function readFault(response) {
  const { status, headers } = response
  const body = await response.json().catch(() => undefined)
  const issue = body?.issue?.[0]
  const isOurs = headers.get('proxy-status')?.startsWith('fhirstorm') ?? false
  const message = body?.title ?? issue?.details?.text ?? issue?.diagnostics
  return new Fault(message ?? `The answer was ${status} without further words.`, {
    status,
    code: body?.code ?? issue?.details?.coding?.[0]?.code ?? issue?.code,
    source: isOurs ? 'fhirstorm' : 'the EHR',
  })
}

/** Fetches, and throws a Fault for every answer that is no success, and for none at all. */
export async function fetchOrFault(url, options) {
  const response = await fetch(url, options).catch(() => {
    throw new Fault('fhirstorm does not answer.', { source: 'the network' })
  })
  if (!response.ok) throw await readFault(response)
  return response
}
