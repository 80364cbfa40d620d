// The three kinds of numbers that limits are, each with its default and what it is. Pure: no I/O.

import { z } from 'zod'

const MIB = 1024 * 1024

/** A number of things, from one on. */
export function count(fallback: number, max: number, is: string) {
  return z.int().min(1).max(max).default(fallback).describe(is)
}

/** A time; its default comes in milliseconds. */
export function seconds(fallbackMs: number, max: number, is: string) {
  return z
    .number()
    .min(0.1)
    .max(max)
    .default(fallbackMs / 1000)
    .describe(is)
}

/** A size in MiB; its default comes in bytes. */
export function mebibytes(fallbackBytes: number, max: number, is: string) {
  return z
    .number()
    .min(0.1)
    .max(max)
    .default(fallbackBytes / MIB)
    .describe(is)
}
