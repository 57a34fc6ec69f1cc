/** Wall time of the run: moved on together with the clocks of the service and the exchange. */
let offset = 0

export const now = (): number => Date.now() + offset
export const moveOn = (ms: number): void => {
  offset += ms
}
export const movedOn = (): number => offset

export const sleep = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, Math.max(0, ms)))

/** Asks every `everyMs` until it holds; false when it did not in time. */
export const until = async (
  holds: () => boolean | Promise<boolean>,
  withinMs: number,
  everyMs = 100
): Promise<boolean> => {
  const end = Date.now() + withinMs
  while (!(await holds())) {
    if (Date.now() > end) return false
    await sleep(everyMs)
  }
  return true
}
