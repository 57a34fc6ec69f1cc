import { type Duration, Effect, TestClock } from "effect"

/** Lets everything run that can run at this instant of the test clock. */
export const settleDown = Effect.suspend(() =>
  Effect.repeatN(
    Effect.async<void>((resume) => {
      setImmediate(() => resume(Effect.void))
    }),
    20
  )
)

export const passTime = (duration: Duration.DurationInput) => Effect.zipRight(TestClock.adjust(duration), settleDown)
