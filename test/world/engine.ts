// What tests ask of a browser engine, whichever it is: tabs, addresses, clicks, and expressions in a page.
// One meaning for every driver, so that one test runs in each.

export interface Engine {
  name: string
  /** A tab of the same browser: all share their cookies. */
  open(): Promise<Tab>
  close(): Promise<void>
}

export interface Tab {
  /** Goes to an address and waits until it has loaded. */
  goto(url: string): Promise<void>
  /** The value of an expression in the page, a promise's included. */
  evaluate<T>(expression: string): Promise<T>
  /** The same in the first frame of the page, of whatever origin. */
  evaluateInFrame<T>(expression: string): Promise<T>
  /** Clicks the first element of a CSS selector as a user does, with the pointer. */
  click(selector: string): Promise<void>
  screenshot(): Promise<Buffer>
  close(): Promise<void>
}

/**
 * Waits until an expression in the page is true, or in its first frame; navigations on the way are none of
 * its business.
 */
export async function until(tab: Tab, expression: string, where = 'page'): Promise<void> {
  let last: unknown
  const ask = where === 'frame' ? tab.evaluateInFrame : tab.evaluate
  for (let tries = 0; tries < 300; tries++) {
    const found = await ask<boolean>(`(async () => Boolean(await (${expression})))()`).catch(
      error => {
        last = error
        return false
      },
    )
    if (found) return
    await new Promise(done => setTimeout(done, 50))
  }
  const page = await tab.evaluate<string>('location.href + "\\n" + document.body.innerText')
  throw new Error(`it never became true: ${expression}\n${page}`, { cause: last })
}

/** Clicks an element as soon as it is there. */
export async function clickOn(tab: Tab, selector: string): Promise<void> {
  await until(tab, `document.querySelector(${JSON.stringify(selector)})`)
  await tab.click(selector)
}

/** An expression that is true once a page shows a text. */
export const says = (text: string) => `document.body.innerText.includes(${JSON.stringify(text)})`
