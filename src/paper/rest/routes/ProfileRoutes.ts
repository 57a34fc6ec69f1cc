import { Effect, Either } from "effect"
import * as Decimal from "../../../domain/Decimal.ts"
import { Exchange } from "../../Exchange.ts"
import * as Refusals from "../../Refusals.ts"
import type { SignedRequest } from "../ApiRequest.ts"
import * as Parameters from "../Parameters.ts"
import { wrapped } from "../payloads/Stamped.ts"
import { signed, type Routes } from "../Route.ts"
import { symbolsForApi } from "./SymbolsForApi.ts"

/** Python's clients write `True`. */
const switchOf = (request: SignedRequest, name: string): Parameters.Read<boolean> =>
  Either.flatMap(Parameters.text(request, name), (word) => {
    const plain = word.toLowerCase()
    return plain === "true" || plain === "false"
      ? Either.right(plain === "true")
      : Either.left(Refusals.parameterWrong(name))
  })

/** Who the account is, what it pays and which pairs its key may trade. */
export const profileRoutes = Effect.gen(function* () {
  const exchange = yield* Exchange
  // Clients list this endpoint; nobody has written down its answer.
  const keyInfo = ({ account }: SignedRequest) =>
    wrapped({ accessKey: account.accessKey, permissions: [...account.permissions], ips: account.ips ?? [] })
  const noGroups = () => wrapped([])
  const refuseGroups = () => Effect.fail(Refusals.notOffered())

  const routes: Routes = {
    "GET /api/v3/tradeFee": signed(20, "SPOT_ACCOUNT_READ", (request) =>
      Effect.gen(function* () {
        const symbol = yield* Parameters.symbol(request, exchange)
        const { maker, taker } = yield* exchange.feeRates(request.account.id, symbol)
        return yield* wrapped({ makerCommission: Decimal.toNumber(maker), takerCommission: Decimal.toNumber(taker) })
      })
    ),
    "GET /api/v3/selfSymbols": signed(1, "SPOT_ACCOUNT_READ", () => symbolsForApi(exchange)),
    "GET /api/v3/uid": signed(1, "SPOT_ACCOUNT_READ", ({ account }) => Effect.succeed({ uid: account.id })),
    "GET /api/v3/kyc/status": signed(1, "SPOT_ACCOUNT_READ", () => Effect.succeed({ status: "1" })),
    "GET /api/v3/mxDeduct/enable": signed(1, "SPOT_DEAL_READ", ({ account }) =>
      Effect.flatMap(exchange.mxDeduct(account.id), (mxDeductEnable) => wrapped({ mxDeductEnable }))
    ),
    "POST /api/v3/mxDeduct/enable": signed(1, "SPOT_DEAL_WRITE", (request) =>
      Effect.flatMap(switchOf(request, "mxDeductEnable"), (mxDeductEnable) =>
        Effect.zipRight(exchange.setMxDeduct(request.account.id, mxDeductEnable), wrapped({ mxDeductEnable }))
      )
    ),
    "GET /api/v3/apiKeyInfo": signed(1, null, keyInfo),
    "POST /api/v3/apiKeyInfo": signed(1, null, keyInfo),
    // Groups against self-trades belong to masters with sub-accounts; an account here has neither.
    "GET /api/v3/strategy/group": signed(20, "SPOT_ACCOUNT_READ", noGroups),
    "POST /api/v3/strategy/group": signed(20, "SPOT_ACCOUNT_WRITE", refuseGroups),
    "DELETE /api/v3/strategy/group": signed(20, "SPOT_ACCOUNT_WRITE", refuseGroups),
    "GET /api/v3/strategy/group/uid": signed(20, "SPOT_ACCOUNT_READ", noGroups),
    "POST /api/v3/strategy/group/uid": signed(20, "SPOT_ACCOUNT_WRITE", refuseGroups),
    "DELETE /api/v3/strategy/group/uid": signed(20, "SPOT_ACCOUNT_WRITE", refuseGroups),
    "GET /api/v3/sub-account/list": signed(1, "SPOT_ACCOUNT_READ", () => Effect.succeed({ subAccounts: [] })),
    "GET /api/v3/sub-account/asset": signed(1, "SPOT_TRANSFER_READ", (request) =>
      Effect.zipRight(Parameters.text(request, "subAccount"), Effect.fail(Refusals.subAccountUnknown()))
    )
  }
  return routes
})
