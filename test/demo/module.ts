// The demo's modules are plain JavaScript: here they come without types.

// biome-ignore lint/suspicious/noExplicitAny: nothing is known of their types
type Untyped = Record<string, any>

/** A module of the demo, by its file name. */
export async function importDemo(name: string): Promise<Untyped> {
  return await import(new URL(`../../demo/${name}`, import.meta.url).href)
}
