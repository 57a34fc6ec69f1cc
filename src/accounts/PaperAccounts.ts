import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import { Context, Effect, Layer, Redacted, Schedule } from "effect"
import { ExchangeUnavailable } from "../api/Errors.ts"
import type { Decimal } from "../domain/Decimal.ts"
import { format } from "../domain/Decimal.ts"
import type { KeyPair } from "./CredentialVault.ts"

/** Opens accounts on the paper exchange; a real venue has no such thing. */
export class PaperAccounts extends Context.Tag("dipper/accounts/PaperAccounts")<
  PaperAccounts,
  {
    /** Opening an account that exists changes nothing, not even its balances. */
    readonly open: (
      pair: KeyPair,
      balances: Readonly<Record<string, Decimal>>
    ) => Effect.Effect<void, ExchangeUnavailable>
  }
>() {
  /** Speaks to the control routes of a paper exchange. */
  static readonly layerHttp = (restUrl: string) =>
    Layer.effect(
      PaperAccounts,
      Effect.map(HttpClient.HttpClient, (client) => ({ open: openOver(client, restUrl) }))
    )

  static readonly layerNone = Layer.succeed(PaperAccounts, { open: () => Effect.void })
}

/** The exchange may still be starting beside us. */
const whileStarting = Schedule.spaced("250 millis").pipe(Schedule.intersect(Schedule.recurs(3)))

const openOver = (client: HttpClient.HttpClient, restUrl: string) =>
  Effect.fn("PaperAccounts.open")(function* (pair: KeyPair, balances: Readonly<Record<string, Decimal>>) {
    const amounts = Object.fromEntries(Object.entries(balances).map(([asset, amount]) => [asset, format(amount)]))
    yield* client
      .post(`${restUrl.replace(/\/$/, "")}/paper/v1/accounts`, {
        body: HttpBody.unsafeJson({
          accessKey: pair.accessKey,
          secretKey: Redacted.value(pair.secretKey),
          balances: amounts
        })
      })
      .pipe(
        Effect.flatMap((answer) =>
          answer.status < 300 ? Effect.void : Effect.fail(`the paper exchange answered ${answer.status}`)
        ),
        Effect.timeout("5 seconds"),
        Effect.retry(whileStarting),
        // The failure of a request carries its body, and with it the secret: it goes no further.
        Effect.catchAll((failure) =>
          Effect.zipRight(
            Effect.logWarning(
              `A paper account could not be opened: ${typeof failure === "string" ? failure : failure._tag}`
            ),
            new ExchangeUnavailable({ message: "The paper exchange does not answer; try again.", retryable: true })
          )
        )
      )
  })
