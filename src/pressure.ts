// Whether the process has so little memory left that it should take nothing more: looked at a few times a second, by
// what it holds and by how full its heap is. What is measured is passed in.

import type { PressureLimits } from './limits.ts'

/** What a process holds, in bytes. */
export interface Memory {
  resident: number
  heap: number
  /** Beyond which V8 ends the process. */
  heapLimit: number
}

/** Where memory is short; nothing where there is enough. */
export function findPressure(
  { resident, heap, heapLimit }: Memory,
  { residentBytes, heapPercent }: PressureLimits,
): 'resident memory' | 'heap' | undefined {
  if (resident > residentBytes) return 'resident memory'
  return heap * 100 > heapLimit * heapPercent ? 'heap' : undefined
}
