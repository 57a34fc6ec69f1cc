import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Schema } from "effect"
import { OrderId } from "../domain/Ids.ts"
import { SymbolName } from "../domain/Market.ts"
import { CancelledOrders } from "../domain/order/CancelledOrders.ts"
import { ClosePosition } from "../domain/order/ClosePosition.ts"
import { Fill, Order, OrderStatus } from "../domain/order/Order.ts"
import { PaperFault } from "../domain/order/PaperFault.ts"
import { OrderPreview, PlaceOrder } from "../domain/order/PlaceOrder.ts"
import { ResolveOrder } from "../domain/order/ResolveOrder.ts"
import { Position } from "../domain/Position.ts"
import { Authorization, RequiredScope } from "./Authorization.ts"
import { failures, ok } from "./Envelope.ts"
import {
  BelowMinimum,
  BudgetExceeded,
  Conflict,
  CredentialsMissing,
  CredentialsRejected,
  CredentialTooPowerful,
  CredentialUnreadable,
  ExchangeRateLimited,
  ExchangeUnavailable,
  IdempotencyInProgress,
  IdempotencyKeyRequired,
  IdempotencyKeyReused,
  InsufficientBalance,
  NotFound,
  NotOwner,
  NotReady,
  OrderRejected,
  PriceOutOfBand,
  StaleMarketData,
  SymbolNotFound,
  SymbolNotTradable,
  TradingHalted
} from "./Errors.ts"
import { getHalt, setHalt } from "./Halt.ts"
import { getTradingLimits, setTradingLimits } from "./Limits.ts"
import { idempotencyHeaders, optional, page, paging, period, query, strict } from "./Requests.ts"
import {
  createRule,
  deleteRule,
  explainRule,
  getExecution,
  getRule,
  getRulePosition,
  listExecutions,
  listRuleDecisions,
  listRuleExecutions,
  listRules,
  pauseRule,
  previewRule,
  resumeRule,
  runRule,
  updateRule
} from "./Rules.ts"
import { receiveSignal, rotateSignalToken } from "./Signals.ts"

const keyUnusable = [CredentialsMissing, CredentialsRejected, CredentialUnreadable] as const
const notNow = [ExchangeUnavailable, ExchangeRateLimited, NotOwner] as const
const orderRefused = [
  SymbolNotTradable,
  BelowMinimum,
  PriceOutOfBand,
  InsufficientBalance,
  OrderRejected,
  StaleMarketData
] as const
const keyed = [IdempotencyKeyRequired, IdempotencyInProgress, IdempotencyKeyReused] as const
/** Why an order that is asked for under a key does not come to be. */
const orderNotMade = [
  ...orderRefused,
  ...keyUnusable,
  ...notNow,
  ...keyed,
  TradingHalted,
  CredentialTooPowerful,
  BudgetExceeded,
  Conflict,
  NotReady
] as const

/** On the paper exchange an order can be told how to go wrong; another venue refuses the header. */
const orderHeaders = Schema.Struct({ ...idempotencyHeaders.fields, "x-paper-fault": optional(PaperFault) })

const byId = Schema.Struct({ id: OrderId })

/** Orders, positions, rules and what the rules did. */
export class TradingApi extends HttpApiGroup.make("trading")
  .add(
    HttpApiEndpoint.post("placeOrder", "/trading/orders")
      .setHeaders(orderHeaders)
      .setPayload(strict(PlaceOrder))
      .addSuccess(ok(Order, 201))
      .addSuccess(ok(Order, 202))
      .addError(failures(...orderNotMade))
      .annotate(RequiredScope, "trade")
  )
  .add(
    HttpApiEndpoint.post("previewOrder", "/trading/orders/preview")
      .setPayload(strict(PlaceOrder))
      .addSuccess(ok(OrderPreview))
      .addError(failures(...orderRefused, ...keyUnusable, ...notNow))
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("listOrders", "/trading/orders")
      .setUrlParams(query({ symbol: optional(SymbolName), status: optional(OrderStatus), ...period, ...paging }))
      .addSuccess(ok(page(Order)))
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("getOrder", "/trading/orders/:id")
      .setPath(byId)
      .addSuccess(ok(Order))
      .addError(failures(NotFound))
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.del("cancelOrder", "/trading/orders/:id")
      .setPath(byId)
      .addSuccess(ok(Order))
      .addError(failures(NotFound, Conflict, OrderRejected, ...keyUnusable, ...notNow))
      .annotate(RequiredScope, "trade")
  )
  .add(
    HttpApiEndpoint.del("cancelOrders", "/trading/orders")
      .setUrlParams(query({ symbol: optional(SymbolName), all: optional(Schema.Literal("true")) }))
      .addSuccess(ok(CancelledOrders))
      .addError(failures(NotOwner))
      .annotate(RequiredScope, "trade")
  )
  .add(
    HttpApiEndpoint.post("resolveOrder", "/trading/orders/:id/resolve")
      .setPath(byId)
      .setPayload(strict(ResolveOrder))
      .addSuccess(ok(Order))
      .addError(failures(NotFound, Conflict, NotOwner))
      .annotate(RequiredScope, "manage")
  )
  .add(
    HttpApiEndpoint.get("listFills", "/trading/orders/:id/fills")
      .setPath(byId)
      .addSuccess(ok(page(Fill)))
      .addError(failures(NotFound))
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("listPositions", "/trading/positions")
      .addSuccess(ok(page(Position)))
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("getPosition", "/trading/positions/:symbol")
      .setPath(Schema.Struct({ symbol: SymbolName }))
      .addSuccess(ok(Position))
      .addError(failures(NotFound))
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.post("closePosition", "/trading/positions/:symbol/close")
      .setPath(Schema.Struct({ symbol: SymbolName }))
      .setHeaders(idempotencyHeaders)
      .setPayload(strict(ClosePosition))
      .addSuccess(ok(Order, 201))
      .addSuccess(ok(Order, 202))
      .addError(failures(...orderNotMade, SymbolNotFound))
      .annotate(RequiredScope, "trade")
  )
  .add(listRules)
  .add(createRule)
  .add(previewRule)
  .add(getRule)
  .add(updateRule)
  .add(deleteRule)
  .add(pauseRule)
  .add(resumeRule)
  .add(runRule)
  .add(getRulePosition)
  .add(listRuleDecisions)
  .add(listRuleExecutions)
  .add(explainRule)
  .add(listExecutions)
  .add(getExecution)
  .add(getHalt)
  .add(setHalt)
  .add(getTradingLimits)
  .add(setTradingLimits)
  .add(rotateSignalToken)
  // Of the endpoints so far: a signal comes without a user, with the secret of its rule.
  .middlewareEndpoints(Authorization)
  .add(receiveSignal) {}
