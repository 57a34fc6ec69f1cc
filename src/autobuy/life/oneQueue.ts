import { Scheduler } from "effect"

/** So many turns in a row are taken before timers and sockets have theirs, as by the scheduler that fibers have by default. */
const turnsInARow = 2_048

/**
 * A scheduler whose fibers wait in one queue. By default each fiber has a queue of its own, held weakly, so that it keeps
 * to its `AsyncLocalStorage`: nobody here has one, and for a fiber as short as a look that is a third of its cost.
 */
class OneQueue extends Scheduler.MixedScheduler {
  override scheduleTask(task: Scheduler.Task, priority: number) {
    super.scheduleTask(task, priority)
  }
}

export const oneQueue = (): Scheduler.Scheduler => new OneQueue(turnsInARow)
