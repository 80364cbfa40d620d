// What is counted of the way to a FHIR server. Types only.

/** Events, by what became of them, and tries that came to nothing. */
export interface DeliveryCounts {
  delivered: number
  /** The server will not have them: they were put aside. */
  refused: number
  failed: number
}

export interface DeliveryFigures {
  /** What was counted since it was asked the last time, by whomever. */
  takeCounts(): DeliveryCounts
  /** Bytes of events that wait on the disk. */
  queueBytes(): number
}
