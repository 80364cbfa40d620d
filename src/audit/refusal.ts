// A sink that cannot be used as it stands: the start is refused, and nothing is changed or deleted.

/** Carries a message for the operator. */
export class AuditRefusal extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'AuditRefusal'
  }
}
