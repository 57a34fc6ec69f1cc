import { Effect, Layer, Metric, type Redacted } from "effect"
import { Outbound } from "../notify/Outbound.ts"
import { type Ailment, Vitals } from "./Vitals.ts"

/** Whoever waits for the pings alarms when they stay away, so they must come for as long as the service does its work. */
const every = "60 seconds"
const looksAgainAfter = "5 seconds"

const beats = Metric.counter("dipper_heartbeats_total", {
  description: "Pings of HEARTBEAT_URL that arrived, failed, or were withheld because the engine does not work.",
  incremental: true
})
const counted = (result: "sent" | "failed" | "withheld") => Metric.increment(Metric.tagged(beats, "result", result))

/** Pings an address of the operator while the engine works; a dead engine in a living process is silent. */
export const layer = (url: Redacted.Redacted | null) =>
  url === null ? Layer.empty : Layer.scopedDiscard(Effect.forkScoped(beating(url)))

const beating = Effect.fnUntraced(function* (url: Redacted.Redacted) {
  const outbound = yield* Outbound
  const vitals = yield* Vitals
  let ill: ReadonlyArray<Ailment> = []
  let told = ""

  /** What is still so at the second look is told, once; a start takes a moment. */
  const tell = Effect.fnUntraced(function* (now: ReadonlyArray<Ailment>) {
    const lasting = now.filter((ailment) => ill.includes(ailment)).join(", ")
    ill = now
    if (lasting === told) return
    told = lasting
    if (lasting === "") yield* Effect.logInfo("The heartbeat goes on")
    else yield* Effect.logWarning("The heartbeat is withheld: the engine does not work", { because: lasting })
  })

  // The address may hold a secret: only what became of it is told.
  const ping = outbound.send({ url, givenBy: "operator", method: "GET" }).pipe(
    Effect.filterOrFail(
      (answer) => answer === "2xx",
      (answer) => ({ message: `The host answered ${answer}.` })
    ),
    Effect.zipRight(counted("sent")),
    Effect.catchAll(({ message }) =>
      Effect.zipRight(Effect.logWarning("A heartbeat did not arrive", { why: message }), counted("failed"))
    )
  )

  while (true) {
    const ailments = yield* vitals.ailments
    yield* tell(ailments)
    yield* ailments.length === 0 ? ping : counted("withheld")
    yield* Effect.sleep(ailments.length === 0 ? every : looksAgainAfter)
  }
})
