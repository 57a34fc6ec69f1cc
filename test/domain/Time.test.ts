import { assert, describe, it } from "@effect/vitest"
import { Duration, Either, Schema } from "effect"
import { formatDuration, Instant, IsoDuration, parseDuration } from "../../src/domain/Time.ts"

describe("instants", () => {
  const decode = Schema.decodeUnknownEither(Instant)

  it("reads any offset and writes UTC with milliseconds", () => {
    const at = Schema.decodeUnknownSync(Instant)("2026-03-01T10:00:00+01:00")
    assert.strictEqual(Schema.encodeSync(Instant)(at), "2026-03-01T09:00:00.000Z")
  })

  it.each(["2026-03-01", "2026-03-01T10:00:00", "yesterday", "2026-13-01T00:00:00Z", ""])("refuses %j", (text) => {
    assert.isTrue(Either.isLeft(decode(text)))
  })
})

describe("durations", () => {
  it.each([
    ["PT24H", 86_400],
    ["P1D", 86_400],
    ["P1DT12H", 129_600],
    ["P2W", 1_209_600],
    ["PT0S", 0],
    ["PT90S", 90]
  ])("reads %s as %i seconds", (text, seconds) => {
    assert.strictEqual(Duration.toSeconds(Either.getOrThrow(parseDuration(text))), seconds)
  })

  it.each(["", "P", "PT", "P1M", "P1Y", "1H", "PT1.5H", "-PT1H", "P100000D"])("refuses %j", (text) => {
    assert.isTrue(Either.isLeft(parseDuration(text)))
  })

  it.prop("reads back what it wrote", [Schema.Int.pipe(Schema.between(0, 316_000_000))], ([seconds]) => {
    const text = formatDuration(Duration.seconds(seconds))
    assert.strictEqual(Duration.toSeconds(Schema.decodeUnknownSync(IsoDuration)(text)), seconds)
  })
})
