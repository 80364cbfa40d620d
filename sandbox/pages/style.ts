// The look of the sandbox's pages: one sheet, no outside resource, light and dark.

export const style = `
:root {
  color-scheme: light dark;
  --ink: #16232e; --soft: #5b6b78; --line: #dde4ea; --paper: #fff; --ground: #f3f6f8;
  --accent: #0b6e6e; --accent-ink: #fff; --tint: #e5f2f1; --warn: #a33b2a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6edf2; --soft: #97a8b5; --line: #2b3945; --paper: #18232c; --ground: #101920;
    --accent: #4fc3bd; --accent-ink: #08211f; --tint: #17343a; --warn: #f09b8b;
  }
}
* { box-sizing: border-box }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
header { background: var(--paper); border-bottom: 1px solid var(--line) }
header > div, main { max-width: 64rem; margin: 0 auto; padding: 0 1.25rem }
header > div { display: flex; align-items: center; gap: .75rem; min-height: 3.75rem }
a { color: var(--accent); text-underline-offset: .15em }
header a {
  color: inherit; text-decoration: none; font-weight: 650; letter-spacing: -.01em;
  white-space: nowrap;
}
header svg { display: block }
header p { margin: 0 0 0 auto; color: var(--soft); font-size: .875rem; text-align: right }
main { padding-top: 2rem; padding-bottom: 4rem }
main.narrow { max-width: 34rem }
h1 { font-size: 1.6rem; line-height: 1.2; letter-spacing: -.02em; margin: 0 0 .5rem }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .75rem }
.lead { color: var(--soft); margin: 0 0 1.5rem; max-width: 44rem }
.lead strong { color: var(--ink) }
.card {
  background: var(--paper); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1.25rem; margin: 0 0 1rem;
}
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(18.5rem, 1fr)) }
.grid .card { margin: 0; display: flex; flex-direction: column; gap: .75rem }
.person { display: flex; gap: .75rem; align-items: center }
.person strong { display: block; line-height: 1.3 }
.person small, .note { color: var(--soft); font-size: .875rem }
.face {
  flex: none; width: 2.75rem; height: 2.75rem; border-radius: 50%; display: grid;
  place-items: center; background: var(--tint); color: var(--accent); font-weight: 650;
}
.problems { margin: 0; color: var(--soft); font-size: .875rem; flex: 1 }
.actions { display: flex; flex-wrap: wrap; gap: .5rem }
.actions form { display: contents }
.button, button {
  font: inherit; font-weight: 600; font-size: .9375rem; cursor: pointer; text-decoration: none;
  border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .9rem; min-height: 2.6rem;
  background: var(--paper); color: var(--ink); display: inline-flex; align-items: center;
}
.button:hover, button:hover { border-color: var(--accent) }
.button.main, button.main {
  background: var(--accent); border-color: var(--accent); color: var(--accent-ink);
}
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
a.row {
  display: flex; align-items: center; gap: .75rem; padding: .75rem 1rem; color: inherit;
  text-decoration: none; border-top: 1px solid var(--line);
}
a.row:first-child { border-top: 0 }
a.row:hover { background: var(--tint) }
a.row::after { content: "\\203a"; margin-left: auto; color: var(--soft); font-size: 1.4rem }
.list { padding: 0; overflow: hidden }
.scopes { list-style: none; margin: 0 0 1.25rem; padding: 0 }
.scopes label { display: flex; gap: .7rem; padding: .55rem 0; border-top: 1px solid var(--line) }
.scopes li:first-child label { border-top: 0 }
.scopes input { flex: none; width: 1.1rem; height: 1.1rem; margin: .2rem 0 0; accent-color: var(--accent) }
.scopes code { display: block }
code, pre {
  font: .8125rem/1.6 ui-monospace, "SF Mono", Menlo, Consolas, monospace; color: var(--soft);
}
pre {
  background: var(--paper); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1rem 1.25rem; overflow-x: auto; margin: 0 0 1rem;
}
iframe.card { width: 100%; height: 70vh; padding: 0 }
table { border-collapse: collapse; width: 100%; font-size: .875rem }
td, th { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0 }
tr + tr td { border-top: 1px solid var(--line) }
td:first-child { white-space: nowrap; width: 1%; padding-right: 1.5rem }
.scroll { overflow-x: auto }
.warn { color: var(--warn) }
`
