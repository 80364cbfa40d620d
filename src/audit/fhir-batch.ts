// A batch of AuditEvents as a FHIR server takes it, and what its answer says of each. Every event has an id that it
// keeps, so that one that is sent twice is one event: by PUT that id is the server's too, by POST it is a tag that
// the server looks for first (FHIR R4 3.1.0.11, 3.1.0.8.1). Pure.

import { isRecord } from '../smart/json.ts'
import type { Fate } from './delivery.ts'
import type { QueuedEvent } from './queue-reader.ts'

/** System of the tag by which a server knows an event again. */
export const TAG_SYSTEM = 'urn:fhirstorm:audit'

/** The Bundle that is sent. */
export function buildBatch(events: readonly QueuedEvent[], method: 'PUT' | 'POST'): string {
  const entry = events.map(({ id, event }) => {
    const resource = JSON.parse(event)
    if (method === 'PUT') {
      return {
        resource: { ...resource, id },
        request: { method, url: `AuditEvent/${id}` },
      }
    }
    const tag = [...(resource.meta?.tag ?? []), { system: TAG_SYSTEM, code: id }]
    const { id: _own, ...rest } = resource
    return {
      resource: { ...rest, meta: { ...rest.meta, tag } },
      request: { method, url: 'AuditEvent', ifNoneExist: `_tag=${TAG_SYSTEM}|${id}` },
    }
  })
  return JSON.stringify({ resourceType: 'Bundle', type: 'batch', entry })
}

/** What the answer says of each event; undefined where it is no answer to so many. */
export function judgeEntries(text: string, events: number): Fate[] | undefined {
  let bundle: unknown
  try {
    bundle = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isRecord(bundle) || bundle.resourceType !== 'Bundle') return undefined
  const { entry } = bundle
  if (!Array.isArray(entry) || entry.length !== events) return undefined
  return entry.map(one => judgeStatus(readStatus(one)))
}

/** Statuses by which a server refuses a batch for what is in it, or for its size. */
export function isTooMuch(status: number): boolean {
  return status === 400 || status === 413 || status === 422
}

/** Refused is what will be refused the next time too; access and pace are another matter. */
function judgeStatus(status: number): Fate {
  if (status >= 200 && status < 300) return { is: 'taken' }
  const mayPass = status < 400 || status >= 500 || [401, 403, 408, 425, 429].includes(status)
  return { is: mayPass ? 'later' : 'refused', status }
}

function readStatus(entry: unknown): number {
  const response = isRecord(entry) ? entry.response : undefined
  const status = isRecord(response) ? response.status : undefined
  return Number(/^[1-5]\d\d(?=\D|$)/.exec(String(status))?.[0] ?? 0)
}
