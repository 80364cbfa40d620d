// Plugins of routes, each of which a host can leave out. Types only.

/** Plugins of routes, each of which can be left out. */
export type RouteGroup =
  | 'launch'
  | 'callback'
  | 'sessions'
  | 'sessionEvents'
  | 'proxy'
  | 'logout'
  | 'backchannelLogout'
  | 'jwks'
  | 'health'
  | 'contract'
  | 'frontend'
