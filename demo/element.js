// Elements of the page, built without HTML text: nothing that comes from an EHR can become markup, and
// no style or script is ever inline.

/**
 * A new element. Attributes that are undefined or false are left out, true ones are empty, functions
 * named `on…` become listeners. Children are nodes or texts; undefined and false ones are left out.
 */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value)
    else node.setAttribute(key, value === true ? '' : value)
  }
  node.append(...children.flat().filter(child => child !== undefined && child !== false))
  return node
}

/** A list of terms and what they are; pairs whose description is undefined are left out. */
export function descriptions(pairs, attributes = {}) {
  const told = pairs.filter(([, description]) => description !== undefined)
  return element(
    'dl',
    attributes,
    told.map(([term, description]) =>
      element('div', {}, element('dt', {}, term), element('dd', {}, description)),
    ),
  )
}

/** A box that scrolls, by the keyboard too. */
export function buildScroll(label, ...children) {
  return element(
    'div',
    { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': label },
    ...children,
  )
}
