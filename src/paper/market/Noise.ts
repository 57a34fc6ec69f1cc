/** Randomness that is a pure function of seed and position: any part of a path can be computed without the rest. */

const mix = (value: number): number => {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** An unsigned 32-bit hash of a seed and a position. */
export const hash = (seed: number, position: number): number =>
  mix(mix(seed ^ Math.imul(position | 0, 0x9e3779b1)) ^ Math.imul(Math.floor(position / 4_294_967_296), 0x27d4eb2f)) >>>
  0

/** A seed of its own for each use of one seed. */
export const seedFor = (seed: number, name: string): number => {
  let h = mix(seed | 0)
  for (let i = 0; i < name.length; i++) h = mix(h ^ Math.imul(name.charCodeAt(i), 0x9e3779b1))
  return h
}

/** Uniform in [0, 1). */
export const uniform = (seed: number, position: number): number => hash(seed, position) / 4_294_967_296

/** Close to normal, mean 0 and deviation 1: the four bytes of a hash added up. */
const gaussian = (seed: number, position: number): number => {
  const h = hash(seed, position)
  return ((h & 255) + ((h >>> 8) & 255) + ((h >>> 16) & 255) + (h >>> 24) - 510) / 147.8
}

/** Positions between two independent points of the walk; both powers of two. About 91 days at 32 positions a minute. */
const rootLength = 2 ** 22
/** How far the walk strays from 0 at those points: it wanders for weeks, but not away for ever. */
const rootDeviation = 700
/** Positions of one block of {@link walk}. */
export const blockLength = 2_048

/**
 * A block of a random walk with deviation 1 per position: `blockLength` + 1 values from `block × blockLength` on. It is
 * built from the ends inwards (Brownian bridge), so each block costs the same wherever it lies.
 */
export const walk = (seed: number, block: number): Float64Array => {
  const first = block * blockLength
  let low = Math.floor(first / rootLength) * rootLength
  let high = low + rootLength
  let atLow = gaussian(seed, low) * rootDeviation
  let atHigh = gaussian(seed, high) * rootDeviation
  while (high - low > blockLength) {
    const middle = (low + high) / 2
    const atMiddle = bridged(seed, middle, atLow, atHigh, high - low)
    if (first < middle) [high, atHigh] = [middle, atMiddle]
    else [low, atLow] = [middle, atMiddle]
  }
  const values = new Float64Array(blockLength + 1)
  values[0] = atLow
  values[blockLength] = atHigh
  for (let span = blockLength; span > 1; span /= 2)
    for (let from = 0; from < blockLength; from += span)
      values[from + span / 2] = bridged(
        seed,
        first + from + span / 2,
        values[from] ?? 0,
        values[from + span] ?? 0,
        span
      )
  return values
}

const bridged = (seed: number, middle: number, atLow: number, atHigh: number, span: number): number =>
  (atLow + atHigh) / 2 + (gaussian(seed, middle) * Math.sqrt(span)) / 2
