// A share of something there is only so much of, such as memory or places in flight. A share may lie
// within another; besides its own limit nobody may hold more than is left over there, so that however
// greedy some are, whoever holds little still gets more. No I/O, no clock.

export interface Share {
  held: number
  readonly limit: number
  readonly within?: Share
}

/** Takes an amount; false, and nothing taken, where there is not so much left for this holder. */
export function take(share: Share, amount: number): boolean {
  if (amount > leftFor(share)) return false
  add(share, amount)
  return true
}

/** Gives back what was taken. */
export function give(share: Share, amount: number): void {
  add(share, -amount)
}

/** How much more a holder may take: up to its limit, and never more than it leaves to others. */
function leftFor({ held, limit, within }: Share): number {
  return Math.min(limit, within ? leftFor(within) : limit) - held
}

function add(share: Share, amount: number): void {
  for (let holder: Share | undefined = share; holder; holder = holder.within) holder.held += amount
}
