// The three engines that users' browsers are made of, for tests that hold the same in each.

import { hasChromium } from './chromium.ts'
import { launchChromiumEngine } from './chromium-engine.ts'
import type { Engine } from './engine.ts'
import { hasFirefox, launchFirefox } from './firefox.ts'
import { hasWebKit, launchWebKit } from './webkit.ts'

export interface EngineChoice {
  name: 'Chromium' | 'Firefox' | 'WebKit'
  /** Whether it is installed here. */
  isThere(): boolean
  launch(): Promise<Engine>
}

export const engines: readonly EngineChoice[] = [
  { name: 'Chromium', isThere: hasChromium, launch: launchChromiumEngine },
  { name: 'Firefox', isThere: hasFirefox, launch: launchFirefox },
  { name: 'WebKit', isThere: hasWebKit, launch: launchWebKit },
]
