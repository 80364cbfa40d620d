// The resources of a sandbox, in memory, without a history: each has its current version, or was deleted.

import type { Resource } from './resource.ts'

export interface Entry {
  resource: Resource
  version: number
  lastUpdated: Date
  deleted: boolean
}

export interface Store {
  find(type: string, id: string): Entry | undefined
  /** The resources of a type that are not deleted, in the order of their making. */
  list(type: string): Resource[]
  types(): string[]
  /** Writes a resource's next version. */
  put(resource: Resource): Entry
  remove(type: string, id: string): void
  /** Keeps the state; the returned function brings it back. */
  checkpoint(): () => void
}

/** A store with these resources as first versions, written at `now`. */
export function createStore(resources: readonly Resource[], now: () => Date): Store {
  const types = new Map<string, Map<string, Entry>>()
  const entriesOf = (type: string) => {
    const entries = types.get(type) ?? new Map<string, Entry>()
    types.set(type, entries)
    return entries
  }
  const store: Store = {
    find: (type, id) => types.get(type)?.get(id),
    list: type =>
      [...(types.get(type)?.values() ?? [])].flatMap(({ deleted, resource }) =>
        deleted ? [] : [resource],
      ),
    types: () => [...types.keys()],
    put(resource) {
      const { resourceType, id } = resource
      const version = (store.find(resourceType, id)?.version ?? 0) + 1
      const lastUpdated = now()
      const entry = {
        version,
        lastUpdated,
        deleted: false,
        resource: stamp(resource, version, lastUpdated),
      }
      entriesOf(resourceType).set(id, entry)
      return entry
    },
    remove(type, id) {
      const entry = store.find(type, id)
      if (entry === undefined || entry.deleted) return
      const gone = { ...entry, version: entry.version + 1, lastUpdated: now(), deleted: true }
      entriesOf(type).set(id, gone)
    },
    checkpoint() {
      const kept = [...types].map(([type, entries]) => [type, new Map(entries)] as const)
      return () => {
        types.clear()
        for (const [type, entries] of kept) types.set(type, entries)
      }
    },
  }
  for (const resource of resources) store.put(resource)
  return store
}

function stamp(resource: Resource, version: number, lastUpdated: Date): Resource {
  const { resourceType, id, meta, ...rest } = resource
  return {
    resourceType,
    id,
    meta: { ...meta, versionId: String(version), lastUpdated: lastUpdated.toISOString() },
    ...rest,
  }
}
