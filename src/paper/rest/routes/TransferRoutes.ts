import { type Context, Effect, Either, Option } from "effect"
import { MarketClock } from "../../../MarketClock.ts"
import { Exchange } from "../../Exchange.ts"
import * as Refusals from "../../Refusals.ts"
import type { PaperTransfer, WalletType } from "../../Requests.ts"
import type { VenueRejection } from "../../VenueRejection.ts"
import type { SignedRequest } from "../ApiRequest.ts"
import * as Parameters from "../Parameters.ts"
import * as Wallet from "../payloads/Wallet.ts"
import { signed, type Routes } from "../Route.ts"
import { paged } from "./Paged.ts"

type Service = Context.Tag.Service<typeof Exchange>

const day = 86_400_000
const transfersWindow = { standard: 7 * day, reach: 180 * day }

const wallets = new Map<string, WalletType>([
  ["SPOT", "SPOT"],
  ["FUTURES", "FUTURES"]
])

/** Between the account's own wallets, and what it gave to others of this exchange. */
export const transferRoutes = Effect.gen(function* () {
  const exchange = yield* Exchange
  const marketClock = yield* MarketClock

  const routes: Routes = {
    "POST /api/v3/capital/transfer": signed(50, "SPOT_TRANSFER_WRITE", (request) =>
      Effect.gen(function* () {
        const asset = yield* Parameters.text(request, "asset")
        const amount = yield* Parameters.amount(request, "amount")
        const { from, to } = yield* direction(request)
        if (from === to) return yield* Refusals.transferNotSupported()
        const { id } = yield* exchange.transfer(request.account.id, { asset, amount, from, to })
        return { tranId: id }
      })
    ),
    "GET /api/v3/capital/transfer": signed(1, "SPOT_TRANSFER_READ", (request) =>
      Effect.gen(function* () {
        const { from, to } = yield* direction(request)
        const window = yield* Parameters.window(request, yield* marketClock.now, transfersWindow)
        const page = yield* Parameters.limit(request, 1, Number.MAX_SAFE_INTEGER, "page")
        const size = yield* Parameters.limit(request, 10, 100, "size")
        const found = (yield* exchange.transfers(request.account.id)).filter(
          (each) => each.from === from && each.to === to && each.at >= window.from && each.at <= window.to
        )
        return { rows: found.slice((page - 1) * size, page * size).map(Wallet.transferRow), total: found.length }
      })
    ),
    "GET /api/v3/capital/transfer/tranId": signed(1, "SPOT_TRANSFER_READ", (request) =>
      Effect.map(transferOf(exchange, request, "tranId"), Wallet.transfer)
    ),
    "GET /api/v3/asset/internal/transfer/record": signed(10, "SPOT_TRANSFER_READ", (request) =>
      Effect.map(transferOf(exchange, request, "transact_id"), (found) => ({
        code: 200,
        data: Wallet.transferRecord(found)
      }))
    ),
    "POST /api/v3/capital/transfer/internal": signed(1, "SPOT_WITHDRAW_WRITE", (request) => give(exchange, request)),
    "GET /api/v3/capital/transfer/internal": signed(1, "SPOT_WITHDRAW_READ", (request) =>
      Effect.gen(function* () {
        const { account } = request
        const given = (yield* exchange.withdrawals(account.id)).filter(
          (each) => each.network === Wallet.internalNetwork
        )
        return yield* paged(
          request,
          given.map((each) => Wallet.internalTransfer(account.id, each))
        )
      })
    )
  }
  return routes
})

const receivers = new Map([
  ["UID", "UID"],
  ["EMAIL", "EMAIL"],
  ["MOBILE", "MOBILE"]
])

/** To another account of this exchange. It knows accounts by number: nobody here has a mail address or a phone. */
const give = Effect.fnUntraced(function* (exchange: Service, request: SignedRequest) {
  const { account } = request
  const asset = yield* Parameters.text(request, "asset")
  const amount = yield* Parameters.amount(request, "amount")
  const kind = yield* Parameters.choice(request, "toAccountType", receivers)
  const to = yield* Parameters.text(request, "toAccount")
  const receiver = yield* exchange.accountById(to)
  if (kind !== "UID" || Option.isNone(receiver) || to === account.id) return yield* Refusals.userUnknown()
  const network = Wallet.internalNetwork
  const { id } = yield* exchange.withdraw(account.id, { asset, amount, network, address: to })
  yield* exchange.deposit(to, { asset, amount, network, address: account.id, txId: id })
  return { tranId: id }
})

/** Wallet names are upper case; the venue calls anything else illegal characters. */
const walletOf = (request: SignedRequest, name: string): Parameters.Read<WalletType> =>
  Either.flatMap(Parameters.text(request, name), (word) =>
    Either.fromNullable(wallets.get(word), () => Refusals.illegalCharacters(name))
  )

const direction = (request: SignedRequest) =>
  Either.gen(function* () {
    return { from: yield* walletOf(request, "fromAccountType"), to: yield* walletOf(request, "toAccountType") }
  })

const transferOf = (
  exchange: Service,
  request: SignedRequest,
  name: string
): Effect.Effect<PaperTransfer, VenueRejection> =>
  Effect.flatMap(Parameters.text(request, name), (id) =>
    Effect.flatMap(exchange.transfers(request.account.id), (transfers) =>
      Either.fromNullable(
        transfers.find((each) => each.id === id),
        Refusals.recordUnknown
      )
    )
  )
