import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect } from "effect"
import { RateLimited } from "../api/Errors.ts"
import type { RuleId } from "../domain/Ids.ts"
import { SignalReceipt, type SignalRequest } from "../domain/rule/SignalRequest.ts"
import type { Signals } from "../autobuy/signal/Signals.ts"
import { written } from "./answers.ts"
import { exchangeOf } from "./edge/Listener.ts"
import { unknownExchange } from "./gate/Gate.ts"
import type { HttpGate } from "./HttpGate.ts"
import type { RefusedCredentials } from "./RefusedCredentials.ts"

const taken = written(SignalReceipt)

/** A signal has no user to be limited by before its secret is known: the listener limits its address. */
export const receiveSignal = (
  signals: Signals["Type"],
  { gate }: HttpGate["Type"],
  refusals: RefusedCredentials["Type"]
) =>
  Effect.fnUntraced(function* (ruleId: RuleId, signal: SignalRequest) {
    const request = NodeHttpServerRequest.toIncomingMessage(yield* HttpServerRequest.HttpServerRequest)
    const x = exchangeOf(request) ?? unknownExchange
    const { receipt, replayed } = yield* Effect.catchTag(
      signals.receive(ruleId, signal),
      "UNAUTHENTICATED",
      (refused) =>
        Effect.zipRight(
          refusals.note(x, { code: refused._tag, claimed: ruleId }),
          Effect.fail(gate.refused(x) ? tooMany : refused)
        )
    )
    return taken(receipt, replayed, 201)
  })

const tooMany = new RateLimited({
  message: "Too many signals from this address whose secret is wrong.",
  retryable: true,
  retryAfterSeconds: 60
})
