import { Clock, Effect, Layer, Option, Schema } from "effect"
import { MexcClient } from "../mexc/MexcClient.ts"

/** The clock of this machine cannot be trusted with real money; the message is the one line the operator reads. */
export class ClockRefused extends Schema.TaggedError<ClockRefused>()("ClockRefused", { message: Schema.String }) {}

/** Off by less is what networks do. */
const warnedMs = 1_000
/** Requests are signed by the venue's clock, but tokens, certificates, leases and the days of caps go by ours. */
const refusedMs = 5_000

/** A venue that is away must not keep the service, and with it the kill switch, from starting. */
const patience = "3 seconds"

/** Compares the clock of this machine with the venue's, once, before anything trades. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const mexc = yield* MexcClient
    const told = yield* Effect.option(Effect.timeout(mexc.serverTime, patience))
    if (Option.isNone(told)) return
    const aheadMs = (yield* Clock.currentTimeMillis) - told.value
    const off = `The clock of this machine is ${Math.abs(aheadMs / 1_000).toFixed(1)} s ${aheadMs > 0 ? "ahead of" : "behind"} the exchange's`
    if (Math.abs(aheadMs) > refusedMs) {
      return yield* new ClockRefused({ message: `${off}; set it and start again. Example: timedatectl set-ntp true` })
    }
    if (Math.abs(aheadMs) > warnedMs) yield* Effect.logWarning(`${off}; above 5 s the service does not start`)
  })
)
