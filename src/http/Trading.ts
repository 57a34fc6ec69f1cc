import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { Effect } from "effect"
import { Api } from "../api/Api.ts"
import { CurrentUser } from "../api/Authorization.ts"
import { wholePage } from "../api/Requests.ts"
import { Execution } from "../domain/order/Execution.ts"
import { Order } from "../domain/order/Order.ts"
import { Rule } from "../domain/Rule.ts"
import { RuleRecords } from "../autobuy/RuleRecords.ts"
import { Rules } from "../autobuy/Rules.ts"
import { Signals } from "../autobuy/signal/Signals.ts"
import { Halts } from "../orders/limits/Halts.ts"
import { TradingLimits } from "../orders/limits/TradingLimits.ts"
import { Orders } from "../orders/Orders.ts"
import { Books } from "../portfolio/Books.ts"
import { Closing } from "../service/Closing.ts"
import { Halting } from "../service/Halting.ts"
import { Limiting } from "../service/Limiting.ts"
import { paged, withETag, written } from "./answers.ts"
import { asUser } from "./Authentication.ts"
import { HttpGate } from "./HttpGate.ts"
import { RefusedCredentials } from "./RefusedCredentials.ts"
import { requestKey } from "./input/requestKey.ts"
import { receiveSignal } from "./signalling.ts"

const orderMade = written(Order)
const ruleMade = written(Rule)
/** Nobody can say yet what became of it. */
const orderStatus = ({ status }: Order) => (status === "unknown" || status === "pending" ? 202 : 201)
const executionMade = written(Execution)

export const layer = HttpApiBuilder.group(Api, "trading", (handlers) =>
  Effect.gen(function* () {
    const orders = yield* Orders
    const books = yield* Books
    const rules = yield* Rules
    const records = yield* RuleRecords
    const halts = yield* Halts
    const closing = yield* Closing
    const halting = yield* Halting
    const limits = yield* TradingLimits
    const limiting = yield* Limiting
    const signals = yield* Signals
    const takeSignal = receiveSignal(signals, yield* HttpGate, yield* RefusedCredentials)
    return handlers
      .handle("placeOrder", (asked) =>
        asUser((userId) =>
          Effect.gen(function* () {
            const paperFault = asked.headers["x-paper-fault"]
            const { credentialId, via } = yield* CurrentUser
            const { order, replayed } = yield* orders.place(
              userId,
              {
                ...asked.payload,
                ...(paperFault === undefined ? {} : { paperFault }),
                ...(via === "apiKey" ? { keyId: credentialId } : {})
              },
              yield* requestKey(asked)
            )
            return orderMade(order, replayed, orderStatus(order))
          })
        )
      )
      .handle("previewOrder", ({ payload }) => asUser((userId) => orders.preview(userId, payload)))
      .handle("listOrders", ({ urlParams }) => asUser((userId) => orders.list(userId, paged(urlParams))))
      .handle("getOrder", ({ path }) => asUser((userId) => orders.get(userId, path.id)))
      .handle("cancelOrder", ({ path }) => asUser((userId) => orders.cancel(userId, path.id)))
      .handle("cancelOrders", ({ urlParams }) => asUser((userId) => orders.cancelOpen(userId, urlParams)))
      .handle("resolveOrder", ({ path, payload }) => asUser((userId) => orders.resolve(userId, path.id, payload)))
      .handle("listFills", ({ path }) => asUser((userId) => Effect.map(orders.fills(userId, path.id), wholePage)))
      .handle("listPositions", () => asUser((userId) => Effect.map(books.positions(userId), wholePage)))
      .handle("getPosition", ({ path }) => asUser((userId) => books.position(userId, path.symbol)))
      .handle("closePosition", (asked) =>
        asUser((userId) =>
          Effect.gen(function* () {
            const { credentialId, via } = yield* CurrentUser
            const body = { ...asked.payload, ...(via === "apiKey" ? { keyId: credentialId } : {}) }
            const { order, replayed } = yield* closing.close(userId, asked.path.symbol, body, yield* requestKey(asked))
            return orderMade(order, replayed, orderStatus(order))
          })
        )
      )
      .handle("listRules", ({ urlParams }) => asUser((userId) => rules.list(userId, paged(urlParams))))
      .handle("createRule", (asked) =>
        asUser((userId) =>
          Effect.gen(function* () {
            const { replayed, rule } = yield* rules.create(userId, asked.payload, yield* requestKey(asked))
            return ruleMade(yield* withETag(rule), replayed, 201)
          })
        )
      )
      .handle("previewRule", ({ payload }) => asUser((userId) => rules.preview(userId, payload)))
      .handle("getRule", ({ path }) => asUser((userId) => Effect.flatMap(rules.get(userId, path.id), withETag)))
      .handle("updateRule", (asked) =>
        asUser((userId) =>
          Effect.gen(function* () {
            const { headers, path, payload } = asked
            const key = yield* requestKey(asked)
            const { replayed, rule } = yield* rules.update(userId, path.id, payload, headers["if-match"], key)
            return ruleMade(yield* withETag(rule), replayed, 200)
          })
        )
      )
      .handle("deleteRule", ({ path, urlParams }) => asUser((userId) => rules.archive(userId, path.id, urlParams.lots)))
      .handle("pauseRule", ({ path }) => asUser((userId) => Effect.flatMap(rules.pause(userId, path.id), withETag)))
      .handle("resumeRule", ({ path }) => asUser((userId) => Effect.flatMap(rules.resume(userId, path.id), withETag)))
      .handle("runRule", ({ headers, path }) =>
        asUser((userId) =>
          Effect.gen(function* () {
            const key = { idempotencyKey: headers["idempotency-key"] }
            const { execution, replayed } = yield* rules.run(userId, path.id, key)
            return executionMade(execution, replayed, 201)
          })
        )
      )
      .handle("getRulePosition", ({ path }) => asUser((userId) => records.position(userId, path.id)))
      .handle("listRuleDecisions", ({ path, urlParams }) =>
        asUser((userId) => records.decisionsOf(userId, path.id, paged(urlParams)))
      )
      .handle("listRuleExecutions", ({ path, urlParams }) =>
        asUser((userId) => records.executionsOf(userId, path.id, paged(urlParams)))
      )
      .handle("explainRule", ({ path, urlParams }) =>
        asUser((userId) => records.explain(userId, path.id, urlParams.at))
      )
      .handle("listExecutions", ({ urlParams }) => asUser((userId) => records.executions(userId, paged(urlParams))))
      .handle("getHalt", () => asUser(halts.state))
      .handle("setHalt", ({ payload }) => Effect.flatMap(CurrentUser, (caller) => halting.change(caller, payload)))
      .handle("getTradingLimits", () => asUser(limits.inForce))
      .handle("setTradingLimits", ({ payload }) =>
        Effect.flatMap(CurrentUser, (caller) => limiting.change(caller, payload))
      )
      .handle("rotateSignalToken", ({ path }) => asUser((userId) => signals.rotate(userId, path.id)))
      .handle("receiveSignal", ({ path, payload }) => takeSignal(path.ruleId, payload))
      .handle("getExecution", ({ path }) => asUser((userId) => records.execution(userId, path.id)))
  })
)
