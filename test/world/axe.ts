// axe (Deque) in a page of a real browser: what of it people with disabilities could not use.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Result } from 'axe-core'
import type { Page } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The rules that the page breaks, each with the first element that does and why; none is well. */
export async function findViolations(page: Page): Promise<string[][]> {
  await page.evaluate(axe)
  const { violations } = await page.evaluate<{ violations: Result[] }>(
    "axe.run({ iframes: false, resultTypes: ['violations'] })",
  )
  return violations.map(({ id, nodes }) => [
    id,
    nodes[0]?.html ?? '',
    nodes[0]?.failureSummary ?? '',
  ])
}

/** How many pixels the page is wider than its window. */
export async function findOverflow(page: Page): Promise<number> {
  return await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
}
