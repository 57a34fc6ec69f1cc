/**
 * How well the times of two kinds of answers can be told apart (Mann and Whitney): the probability that one of the second
 * kind took longer than one of the first. A half: not at all.
 */
export const longerThan = (first: ReadonlyArray<number>, second: ReadonlyArray<number>): number => {
  const all = [...first.map((time) => ({ time, isSecond: false })), ...second.map((time) => ({ time, isSecond: true }))]
  all.sort((a, b) => a.time - b.time)
  let ranks = 0
  for (let from = 0; from < all.length;) {
    let to = from
    while (to < all.length && all[to]?.time === all[from]?.time) to++
    // Those that took equally long share the middle of their ranks.
    const rank = (from + 1 + to) / 2
    for (const { isSecond } of all.slice(from, to)) if (isSecond) ranks += rank
    from = to
  }
  const [n, m] = [first.length, second.length]
  return (ranks - (m * (m + 1)) / 2) / (n * m)
}

/** How far from a half chance takes it, 19 times of 20, when there is nothing to tell apart. */
export const chance = (n: number, m: number): number => 1.96 * Math.sqrt((n + m + 1) / (12 * n * m))

/** Answers that somebody needs of both kinds together to tell them apart, 19 times of 20 with a power of 95 % (Noether). */
export const answersNeeded = (probability: number): number => (1.96 + 1.645) ** 2 / (3 * (probability - 0.5) ** 2)
