import { number, object, objects, text } from "../Reading.ts"
import type { Check } from "../Run.ts"

/** The exchange's limits: weight in ten seconds of an address and of an account, order operations of an account in one. */
const most = { maxIpWeight: 300, maxUidWeight: 500, maxOrdersPerSecond: 12 } as const

/**
 * I9, rate: by the exchange's own counters no window was ever above a limit, no request was refused for it, and none came
 * while a ban was in force, over all restarts; and the service never said that it used more than there is.
 */
export const rate: Check = function* ({ client, exchange }) {
  const { sums } = exchange
  const counters = object(sums.value, "counters")
  for (const [name, limit] of Object.entries(most))
    if (number(counters, name) > limit)
      yield { text: `${name} reached ${number(counters, name)}, more than ${limit}`, lines: [sums] }
  for (const name of ["refusedByLimit", "refusedByBan", "bans"])
    if (number(counters, name) !== 0)
      yield { text: `the exchange counts ${number(counters, name)} ${name}`, lines: [sums] }
  const accepted = number(counters, "ordersAccepted")
  if (accepted > exchange.orders.size)
    yield { text: `the exchange counts ${accepted} orders and has ${exchange.orders.size}`, lines: [sums] }
  for (const { answer, path } of client.calls) {
    if (path !== "/status/limits" || answer?.data == null) continue
    for (const budget of objects(answer.data, "budgets"))
      if (number(budget, "used") > number(budget, "capacity"))
        yield { text: `${text(budget, "name")} is used beyond its capacity`, lines: [answer.line] }
  }
}
