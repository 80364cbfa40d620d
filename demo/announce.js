// What is said to those who do not see that the page has changed: one live region, always in the page.

/** Says a sentence, politely: after whatever is being said. */
export function announce(text) {
  document.querySelector('#announcer').textContent = text
}
