// A picture for a document: soft rings, something like a scan and of nobody. Pure.

import { createRandom } from './random.ts'

const SIZE = 160

/** Grey values from 0 to 255, row by row. */
export function drawPicture(seed: string): { width: number; height: number; pixels: Buffer } {
  const random = createRandom(`${seed}/picture`)
  const rings = Array.from({ length: 5 }, () => ({
    x: SIZE * (0.3 + 0.4 * random.uniform()),
    y: SIZE * (0.3 + 0.4 * random.uniform()),
    radius: 10 + 40 * random.uniform(),
  }))
  const pixels = Buffer.alloc(SIZE * SIZE)
  for (let index = 0; index < pixels.length; index++) {
    const x = index % SIZE
    const y = Math.floor(index / SIZE)
    const light = rings.reduce((sum, ring) => {
      const distance = Math.abs(Math.hypot(x - ring.x, y - ring.y) - ring.radius)
      return sum + 150 * Math.exp(-distance / 4)
    }, 20)
    pixels[index] = Math.min(255, Math.round(light))
  }
  return { width: SIZE, height: SIZE, pixels }
}
