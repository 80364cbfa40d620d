// Entity tags of versions: weak ones, as FHIR has them, or strong ones where a face compares bytes
// (RFC 9110 8.8.3). Pure.

import type { Site } from '../faces/face.ts'

/** The tag of a version. */
export function buildTag({ face }: Site, version: number): string {
  return face.strongTags ? `"${version}"` : `W/"${version}"`
}

/** Whether a list of tags, as in If-Match and If-None-Match, names a version. */
export function namesVersion({ face }: Site, tags: string, version: number): boolean {
  return tags.split(',').some(item => {
    const tag = item.trim()
    return (face.strongTags ? tag : tag.replace(/^W\//, '')) === `"${version}"`
  })
}
