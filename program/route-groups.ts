// Plugins of routes, each of which a host can leave out. Pure.

/** Plugins of routes, each of which can be left out. */
export const routeGroups = [
  'launch',
  'callback',
  'sessions',
  'sessionEvents',
  'proxy',
  'logout',
  'backchannelLogout',
  'jwks',
  'health',
  'contract',
  'frontend',
] as const

/** One of them. */
export type RouteGroup = (typeof routeGroups)[number]
