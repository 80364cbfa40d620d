// Authorization requests made fit for oidc-provider, without taking anything from them: SMART asks for
// refresh tokens and new contexts without OpenID's `prompt=consent`, and may come as a POST. Pure.

/** The parameters with `consent` in their prompt, unless they ask for no page at all. */
export function withConsentPrompt(parameters: string): string {
  const parsed = new URLSearchParams(parameters)
  const prompt = parsed.get('prompt')
  if (parsed.has('request_uri') || prompt === 'none') return parameters
  if (prompt === null) return parameters === '' ? '' : `${parameters}&prompt=consent`
  const prompts = new Set([...prompt.split(' '), 'consent'])
  parsed.set('prompt', [...prompts].join(' '))
  return String(parsed)
}
