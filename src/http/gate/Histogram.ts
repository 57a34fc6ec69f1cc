import type { Route } from "./Routes.ts"

const boundsMs = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000] as const
const classes = 5
const width = boundsMs.length + 1

/** Count and duration of answers per route, in flat arrays: recording one costs no allocation. */
export class Histogram {
  /** The last row is for requests that met no route. */
  readonly #names: ReadonlyArray<readonly [method: string, path: string]>
  readonly #counts: Float64Array
  readonly #buckets: Float64Array
  readonly #sumsMs: Float64Array

  constructor(routes: ReadonlyArray<Route>) {
    this.#names = [...routes.map((route) => [route.method, route.path] as const), ["", "none"] as const]
    this.#counts = new Float64Array(this.#names.length * classes)
    this.#buckets = new Float64Array(this.#names.length * width)
    this.#sumsMs = new Float64Array(this.#names.length)
  }

  record(route: Route | null, status: number, ms: number): void {
    const row = route === null ? this.#names.length - 1 : route.id
    const bound = boundsMs.findIndex((limit) => ms <= limit)
    const count = row * classes + Math.min(classes, Math.max(1, Math.trunc(status / 100))) - 1
    const bucket = row * width + (bound === -1 ? boundsMs.length : bound)
    this.#counts[count] = (this.#counts[count] ?? 0) + 1
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
    this.#sumsMs[row] = (this.#sumsMs[row] ?? 0) + ms
  }

  /** Prometheus text of the routes that were asked at least once. */
  print(): ReadonlyArray<string> {
    const requests = [
      "# HELP dipper_http_requests_total Answers by route and status class.",
      "# TYPE dipper_http_requests_total counter"
    ]
    const durations = [
      "# HELP dipper_http_request_seconds Time from the head of a request to the end of its answer, by route.",
      "# TYPE dipper_http_request_seconds histogram"
    ]
    this.#names.forEach(([method, path], row) => {
      const labels = `method="${method}",route="${path}"`
      let total = 0
      for (let status = 1; status <= classes; status++) {
        const count = this.#counts[row * classes + status - 1] ?? 0
        total += count
        if (count > 0) requests.push(`dipper_http_requests_total{${labels},status="${status}xx"} ${count}`)
      }
      if (total === 0) return
      let below = 0
      boundsMs.forEach((bound, i) => {
        below += this.#buckets[row * width + i] ?? 0
        durations.push(`dipper_http_request_seconds_bucket{${labels},le="${bound / 1_000}"} ${below}`)
      })
      durations.push(`dipper_http_request_seconds_bucket{${labels},le="+Inf"} ${total}`)
      durations.push(`dipper_http_request_seconds_sum{${labels}} ${(this.#sumsMs[row] ?? 0) / 1_000}`)
      durations.push(`dipper_http_request_seconds_count{${labels}} ${total}`)
    })
    return [...requests, ...durations]
  }
}
