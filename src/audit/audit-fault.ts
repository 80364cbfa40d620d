// What goes wrong where audit events are kept, in words of ours that may be logged.

export type AuditFaultCode =
  /** More events wait for the disk than may. */
  | 'AUDIT_BUSY'
  | 'AUDIT_CLOSED'
  /** The file that is written has no name any more, or another file has it. */
  | 'AUDIT_FILE_GONE'
  /** Nobody reads standard output. */
  | 'AUDIT_UNREAD'
  /** As much waits for the server as may. */
  | 'AUDIT_QUEUE_FULL'
  /** A line of the queue that cannot be read, or is not there. */
  | 'AUDIT_QUEUE_BROKEN'
  /** The server's answer is none to what it was sent. */
  | 'AUDIT_ANSWER'
  /** As much was refused and put aside as may. */
  | 'AUDIT_REFUSED_FULL'
  /** The authorization server gives no access. */
  | 'AUDIT_TOKEN'
  /** The server answered with a status that may pass. */
  | `AUDIT_STATUS_${number}`

/** A fault with its code; there is nothing else in it. */
export class AuditFault extends Error {
  readonly code: AuditFaultCode

  constructor(code: AuditFaultCode) {
    super(code)
    this.name = 'AuditFault'
    this.code = code
  }
}
