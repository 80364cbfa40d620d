// oidc-provider, without its first line on the console: it takes a Node that has no long-term-support
// name yet for one that is too old. It is tested here with the Node that npm brings.

const { warn } = console
console.warn = (...words: unknown[]) => {
  if (!/Unsupported runtime/.test(String(words[0]))) warn(...words)
}
const { default: Provider, errors } = await import('oidc-provider')
console.warn = warn

export { errors, Provider }
