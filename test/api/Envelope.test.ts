import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import { encodeSuccess, failures, isApiError, ok, renderFailure, statusOf } from "../../src/api/Envelope.ts"
import { InsufficientBalance, NotFound, registry, ValidationFailed } from "../../src/api/Errors.ts"
import { Decimal, unsafe } from "../../src/domain/Decimal.ts"

const Price = Schema.Struct({ price: Decimal })

describe("The envelope", () => {
  it("wraps a value as the contract encodes it, and the client unwraps it", () => {
    const wire = Schema.encodeSync(ok(Price))({ price: unsafe("12.50") })
    assert.deepStrictEqual(wire, { success: true, data: { price: "12.5" } })
    assert.deepStrictEqual(Schema.decodeSync(ok(Price))(wire), { price: unsafe("12.5") })
    assert.strictEqual(encodeSuccess(Price)({ price: unsafe("1") }), `{"success":true,"data":{"price":"1"}}`)
  })

  it("leaves out what the contract does not name", () => {
    const internal = { price: unsafe("1"), secret: "never" }
    assert.deepStrictEqual(Schema.encodeSync(ok(Price))(internal), { success: true, data: { price: "1" } })
  })

  it.effect("treats a value of ours that does not fit as a fault of ours, not of the request", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Schema.encodeUnknown(ok(Price))({ price: 12.5 }))
      assert.isTrue(Exit.isFailure(exit) && exit.cause._tag === "Die", String(exit))
    })
  )

  it("carries the status of each success", () => {
    assert.strictEqual(HttpApiSchema.getStatusSuccess(ok(Price)), 200)
    assert.strictEqual(HttpApiSchema.getStatusSuccess(ok(Price, 201)), 201)
  })

  it("writes a failure with its code, its facts and the request's id", () => {
    const error = new InsufficientBalance({
      message: "Not enough.",
      venue: { code: 30004, message: "Insufficient position" },
      retryable: false,
      retryAfterSeconds: 3
    })
    assert.deepStrictEqual(renderFailure(error, "req-1"), {
      status: 422,
      body: `{"success":false,"error":{"code":"INSUFFICIENT_BALANCE","message":"Not enough.","venue":{"code":30004,"message":"Insufficient position"},"retryable":false,"requestId":"req-1"}}`
    })
  })

  it("gives the client an instance of the class that the code names", () => {
    const declared = failures(NotFound, ValidationFailed)
    const error = new ValidationFailed({ message: "x", details: [{ path: "price", message: "is missing" }] })
    const decoded = Schema.decodeUnknownSync(declared)(JSON.parse(renderFailure(error, "req-1").body))
    assert.instanceOf(decoded, ValidationFailed)
    assert.deepStrictEqual(decoded.details, error.details)
  })

  it("knows every class of the registry, and nothing else", () => {
    for (const Class of registry) {
      assert.isTrue(isApiError(new Class({ message: "x" })), Class._tag)
      assert.isAtLeast(statusOf(Class), 400)
    }
    for (const other of [new Error("x"), { _tag: "NOT_FOUND" }, null, "NOT_FOUND"]) assert.isFalse(isApiError(other))
  })
})
