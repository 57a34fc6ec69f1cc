/** What the benchmarks use of it; the package brings no types. */
declare module "autocannon" {
  interface Result {
    /** Seconds. */
    readonly duration: number
    readonly "2xx": number
    readonly non2xx: number
    readonly errors: number
    readonly timeouts: number
    /** Milliseconds. */
    readonly latency: { readonly p50: number; readonly p99: number; readonly p99_9: number; readonly max: number }
  }
  interface Asked {
    readonly method: string
    readonly path: string
    readonly setupRequest: (request: Record<string, unknown>) => Record<string, unknown>
    readonly onResponse: (
      status: number,
      body: string,
      context: unknown,
      headers: Readonly<Record<string, string>>
    ) => void
  }
  interface Options {
    readonly url: string
    readonly connections: number
    /** Seconds. */
    readonly duration: number
    readonly overallRate?: number
    readonly headers?: Readonly<Record<string, string>>
    readonly requests?: ReadonlyArray<Asked>
  }
  export interface Instance extends Promise<Result> {
    on(event: "response", listener: (client: unknown, status: number, bytes: number, ms: number) => void): this
    on(event: "reqError", listener: (fault: Error) => void): this
  }
  export default function autocannon(options: Options): Promise<Result>
  export default function autocannon(options: Options, done: (fault: Error | null) => void): Instance
}
