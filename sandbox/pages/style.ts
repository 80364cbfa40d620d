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
header > div { display: flex; flex-wrap: wrap; align-items: center; gap: 0 .75rem; min-height: 3.75rem }
a { color: var(--accent); text-underline-offset: .15em }
header a {
  color: inherit; text-decoration: none; font-weight: 650; letter-spacing: -.01em;
  white-space: nowrap;
}
header svg { display: block }
header p { margin: 0 0 0 auto; color: var(--soft); font-size: .875rem; text-align: right }
@media (max-width: 24rem) { header p { margin: 0 0 .5rem } }
main { padding-top: 2rem; padding-bottom: 4rem }
main.narrow { max-width: 34rem }
h1 { font-size: 1.6rem; line-height: 1.2; letter-spacing: -.02em; margin: 0 0 .5rem }
h2 { font-size: 1.2rem; letter-spacing: -.01em; margin: 2.75rem 0 .5rem; scroll-margin-top: 1rem }
h3 { font-size: 1rem; line-height: 1.35; margin: 0 0 .5rem; scroll-margin-top: 1rem }
.lead { color: var(--soft); margin: 0 0 1.25rem; max-width: 44rem; overflow-wrap: anywhere }
.lead strong { color: var(--ink) }
.card {
  background: var(--paper); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1.25rem; margin: 0 0 1rem;
}
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(18.5rem, 100%), 1fr)) }
.grid .card { margin: 0; display: flex; flex-direction: column; gap: .75rem }
.grid .button { padding: .45rem .7rem; font-size: .875rem }
.grid .person.card { flex-direction: row }
.grid + .card { margin-top: 1rem }
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
.scopes code { display: block; overflow-wrap: anywhere }
.chips { display: flex; flex-wrap: wrap; gap: .5rem; margin: 0 0 1rem }
.chips a {
  padding: .35rem .8rem; border: 1px solid var(--line); border-radius: 2rem; font-size: .9375rem;
  background: var(--paper); color: var(--ink); text-decoration: none;
}
.chips a:hover { border-color: var(--accent) }
.chips small { color: var(--soft) }
dl { margin: 0 }
@media (min-width: 44rem) {
  .pairs { display: grid; grid-template-columns: max-content 1fr; gap: .5rem 2rem; align-items: baseline }
  .pairs dt { margin: 0 }
  .pairs dd { margin: 0; grid-column: 2 }
}
dt { color: var(--soft); font-size: .8125rem; margin-top: .75rem }
dt:first-child { margin-top: 0 }
dd { margin: .1rem 0 0; overflow-wrap: anywhere }
dl + .note { margin: 1rem 0 0 }
.copy { color: var(--ink); user-select: all }
.recipe { margin: 0 0 1.75rem }
.recipe p { color: var(--soft); margin: 0 0 .6rem; max-width: 44rem }
summary {
  display: flex; align-items: center; gap: .75rem; padding: .9rem 1.25rem; cursor: pointer;
}
summary::before { content: "\\203a"; color: var(--accent); font-size: 1.4rem; line-height: 1 }
details[open] > summary::before { transform: rotate(90deg) }
summary::-webkit-details-marker { display: none }
summary:hover { background: var(--tint) }
summary h2 { font-size: 1rem; margin: 0; flex: 1 }
summary small { color: var(--soft) }
summary:focus-visible { outline-offset: -3px }
.face-row {
  display: flex; align-items: center; gap: 1rem; padding: .9rem 1.25rem;
  border-top: 1px solid var(--line);
}
.face-row:target { background: var(--tint) }
.face-row > div { flex: 1; min-width: 0 }
@media (max-width: 30rem) {
  .face-row { flex-direction: column; align-items: stretch; gap: .6rem }
  .face-row .button { align-self: start }
}
.face-row p { margin: .1rem 0 .25rem; overflow-wrap: anywhere }
.face-row code { display: block; overflow-wrap: anywhere }
code, pre { font: .8125rem/1.6 ui-monospace, "SF Mono", Menlo, Consolas, monospace }
code { color: var(--soft) }
pre {
  background: var(--paper); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1rem 1.25rem; overflow-x: auto; margin: 0; color: var(--ink);
}
iframe.card { width: 100%; height: 70vh; padding: 0 }
.person h1 { font-size: 1.2rem; margin: 0 }
.warn { color: var(--warn) }
`
