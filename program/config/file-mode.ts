// Who else may get at a file that the configuration names. A secret is for its owner, and at most its
// group may read it: that is what compose mounts from a file of mode 600, Kubernetes with
// `defaultMode: 0400` and `fsGroup` (0440), and systemd's credentials (0400 or 0440). What is no secret
// may be read by anybody, and changed by nobody else. Pure.

/** A secret, or something that we trust and others may know: a certificate, the configuration. */
export type FileKind = 'secret' | 'public'

/** Write by the group, and whatever others may do. */
const TOO_WIDE_FOR_SECRETS = 0o027
const WRITABLE_BY_OTHERS = 0o002

/** Why a file with this mode must not be used; undefined when it may. */
export function findModeFault(kind: FileKind, mode: number): string | undefined {
  if (kind === 'public') {
    return mode & WRITABLE_BY_OTHERS ? 'others can change it: chmod o-w' : undefined
  }
  return mode & TOO_WIDE_FOR_SECRETS ? 'others can read or change it: chmod 600' : undefined
}
