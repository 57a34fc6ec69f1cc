import { assert, describe, it } from "@effect/vitest"
import { isOurs, manualOrderId, ruleOrderId } from "../../../src/domain/order/clientOrderId.ts"
import { RuleId, UserId } from "../../../src/domain/Ids.ts"

const install = { installId: "install-1", epoch: 1 }
const slot = {
  ruleId: RuleId.make("rule_01hzy3v7k2m4n6p8q0r2s4t6w8"),
  slot: "2026-03-01T09:00:00.000Z",
  kind: "entry",
  level: 0
}
const request = { userId: UserId.make("local_ann"), route: "POST /trading/orders", key: "0123456789abcdef", attempt: 0 }

describe("a client order id", () => {
  it("is the same for the same slot, and the venue accepts it", () => {
    assert.strictEqual(ruleOrderId(install, slot), ruleOrderId({ ...install }, { ...slot }))
    assert.match(ruleOrderId(install, slot), /^dp[A-Za-z0-9]{30}$/)
    assert.isTrue(isOurs(ruleOrderId(install, slot)))
    assert.isFalse(isOurs("somebodyelse"))
    assert.isFalse(isOurs(null))
  })

  it("differs when anything that names the order differs", () => {
    const ids = [
      ruleOrderId(install, slot),
      ruleOrderId({ ...install, epoch: 2 }, slot),
      ruleOrderId({ ...install, installId: "install-2" }, slot),
      ruleOrderId(install, { ...slot, level: 1 }),
      ruleOrderId(install, { ...slot, kind: "level" }),
      ruleOrderId(install, { ...slot, slot: "2026-03-02T09:00:00.000Z" }),
      manualOrderId(install, request),
      manualOrderId(install, { ...request, attempt: 1 }),
      manualOrderId(install, { ...request, userId: UserId.make("local_bob") }),
      manualOrderId(install, { ...request, key: "0123456789abcdeg" })
    ]
    assert.strictEqual(new Set(ids).size, ids.length)
  })
})
