import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Either, FastCheck, Schema } from "effect"
import { decodeFrame, encodeFrame, PushFrame } from "../../../src/mexc/wire/Stream.ts"

const frames = Arbitrary.make(PushFrame)
const isDefault = (value: unknown) => value === "" || value === 0 || value === false

/** What is on the wire: nothing that has its default. */
const sent = (frame: unknown): unknown =>
  JSON.parse(JSON.stringify(frame, (_, value: unknown) => (isDefault(value) ? undefined : value)))

describe("reading frames without their Schema", () => {
  it.prop("gives what the Schema gives", [frames], ([frame]) => {
    const read = Either.getOrThrow(decodeFrame(encodeFrame(frame)))
    assert.deepStrictEqual(read, Schema.decodeUnknownSync(PushFrame)(sent(frame)))
  })

  const damage = FastCheck.array(FastCheck.tuple(FastCheck.nat(), FastCheck.nat(255)), { minLength: 1, maxLength: 4 })
  const isFrame = Schema.is(PushFrame)

  it.prop(
    "refuses damaged bytes, or gives a frame in which every field has its type",
    [frames, damage],
    ([frame, changes]) => {
      const bytes = encodeFrame(frame)
      for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte
      const read = decodeFrame(bytes)
      assert.isTrue(Either.isLeft(read) || isFrame(read.right))
    },
    { fastCheck: { numRuns: 1_000 } }
  )

  it("tells an empty optional text from a missing one, and refuses a time that no number holds", () => {
    const symbol = Uint8Array.of(0x1a, 0x00)
    assert.strictEqual(Either.getOrThrow(decodeFrame(symbol)).symbol, "")
    const sendTime = Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)
    assert.isTrue(Either.isLeft(decodeFrame(sendTime)))
  })
})
