import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric, MetricBoundaries } from "effect"
import { printCounted, printFamily } from "../../../src/http/metrics/exposition.ts"
import { parse } from "./kit/prometheus.ts"

const read = (lines: ReadonlyArray<string>) => parse([...lines, ""].join("\n"))

describe("The text of the metrics", () => {
  it("escapes what labels and explanations may hold", () => {
    const label = 'a "quoted" \\ path\nand a line'
    const family = { name: "dipper_odd", type: "gauge", help: "first\nsecond \\", samples: [] } as const
    const parsed = read(printFamily({ ...family, samples: [{ labels: { of: label }, value: 1 }] }))
    assert.strictEqual(parsed.get("dipper_odd")?.samples[0]?.labels["of"], label)
  })

  it.each([0, -1.5, 1e21, 1e-7, Infinity, -Infinity, NaN])("tells %d as a scraper reads it", (value) => {
    const family = { name: "dipper_odd", type: "gauge", help: "x", samples: [{ labels: {}, value }] } as const
    assert.deepStrictEqual(read(printFamily(family)).get("dipper_odd")?.samples[0]?.value, value)
  })

  it("leaves out what is not known", () => {
    assert.deepStrictEqual(printFamily({ name: "dipper_odd", type: "gauge", help: "x", samples: [] }), [])
  })

  it.effect("has every counter, gauge and histogram of the service as one family each", () =>
    Effect.gen(function* () {
      const counter = Metric.counter("dipper_test_total", { description: "A test." })
      yield* Metric.increment(Metric.tagged(counter, "kind", "b"))
      yield* Metric.incrementBy(Metric.tagged(counter, "kind", "a"), 2)
      const histogram = Metric.histogram("dipper_test_seconds", MetricBoundaries.fromIterable([0.1, 1]), "A test.")
      for (const value of [0.05, 0.5, 5]) yield* Metric.update(histogram, value)
      const families = read(printCounted())
      assert.deepStrictEqual(
        families
          .get("dipper_test_total")
          ?.samples.map(({ labels, value }) => [labels["kind"], value])
          .sort(),
        [
          ["a", 2],
          ["b", 1]
        ]
      )
      assert.deepStrictEqual(
        families.get("dipper_test_seconds")?.samples.map(({ labels, value }) => [labels["le"], value]),
        [
          ["0.1", 1],
          ["1", 2],
          ["+Inf", 3],
          [undefined, 5.55],
          [undefined, 3]
        ]
      )
    })
  )
})
