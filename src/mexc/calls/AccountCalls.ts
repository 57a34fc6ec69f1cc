import { Effect, Schema } from "effect"
import { type FeeRates, SymbolName } from "../../domain/Market.ts"
import type { VenueBalance } from "../../domain/order/Order.ts"
import type { Credentials } from "../Credentials.ts"
import { toFeeRates } from "../map/AccountMapping.ts"
import type { Transport } from "../Transport.ts"
import type { VenueFailure } from "../VenueFailure.ts"
import * as Rest from "../wire/rest/RestAccount.ts"
import { SymbolList } from "../wire/rest/RestMarket.ts"
import type { Listing, RowReader } from "./Listing.ts"

type Asked<A> = Effect.Effect<A, VenueFailure>

export type KycLevel = "none" | "primary" | "advanced" | "institutional" | "unrecognised"

const kycLevels = new Map<string, KycLevel>([
  ["1", "none"],
  ["2", "primary"],
  ["3", "advanced"],
  ["4", "institutional"]
])

/** The signed endpoints about an account as it is. */
export interface AccountCalls {
  /** What the list does not name is zero, if the list is complete. */
  readonly balances: (credentials: Credentials) => Asked<Listing<VenueBalance>>
  /** What the venue really takes of this account for a pair; weight 20. */
  readonly feeRates: (credentials: Credentials, symbol: SymbolName) => Asked<FeeRates>
  /** Pairs this key may trade. */
  readonly selfSymbols: (credentials: Credentials) => Asked<ReadonlyArray<SymbolName>>
  readonly uid: (credentials: Credentials) => Asked<string>
  readonly kycLevel: (credentials: Credentials) => Asked<KycLevel>
  /** Whether fees are taken in MX. */
  readonly mxDeduct: (credentials: Credentials) => Asked<boolean>
  readonly setMxDeduct: (credentials: Credentials, on: boolean) => Asked<boolean>
}

const isSymbol = Schema.is(SymbolName)

export const makeAccountCalls = ({ call }: Transport, { listing, unknown }: RowReader): AccountCalls => {
  const account = { class: "account" } as const

  const balances = Effect.fn("MexcClient.balances")((credentials: Credentials) =>
    call({ ...account, endpoint: "GET /account", credentials, answer: Rest.Account }).pipe(
      Effect.flatMap(({ balances: rows }) => listing("GET /account", Rest.readBalances(rows)))
    )
  )

  return {
    balances,
    feeRates: Effect.fn("MexcClient.feeRates")((credentials, symbol) =>
      Effect.map(
        call({
          ...account,
          endpoint: "GET /tradeFee",
          parameters: [["symbol", symbol]],
          credentials,
          answer: Rest.TradeFee
        }),
        toFeeRates
      )
    ),
    selfSymbols: Effect.fn("MexcClient.selfSymbols")((credentials) =>
      Effect.map(call({ ...account, endpoint: "GET /selfSymbols", credentials, answer: SymbolList }), ({ data }) =>
        data.filter(isSymbol)
      )
    ),
    uid: Effect.fn("MexcClient.uid")((credentials) =>
      Effect.map(call({ ...account, endpoint: "GET /uid", credentials, answer: Rest.Uid }), ({ uid }) => uid)
    ),
    kycLevel: Effect.fn("MexcClient.kycLevel")((credentials) =>
      Effect.flatMap(
        call({ ...account, endpoint: "GET /kyc/status", credentials, answer: Rest.KycStatus }),
        ({ status }) => {
          const level = kycLevels.get(status) ?? "unrecognised"
          return Effect.as(unknown("GET /kyc/status", level === "unrecognised" ? [`status "${status}"`] : []), level)
        }
      )
    ),
    mxDeduct: Effect.fn("MexcClient.mxDeduct")((credentials) =>
      Effect.map(
        call({ ...account, endpoint: "GET /mxDeduct/enable", credentials, answer: Rest.MxDeduct }),
        ({ data }) => data.mxDeductEnable
      )
    ),
    setMxDeduct: Effect.fn("MexcClient.setMxDeduct")((credentials, on) =>
      Effect.map(
        call({
          ...account,
          endpoint: "POST /mxDeduct/enable",
          parameters: [["mxDeductEnable", `${on}`]],
          credentials,
          answer: Rest.MxDeduct
        }),
        ({ data }) => data.mxDeductEnable
      )
    )
  }
}
