/** What the benchmark uses of it; the package brings no types. */
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
  interface Options {
    readonly url: string
    readonly connections: number
    readonly duration: number
    readonly headers: Readonly<Record<string, string>>
  }
  export default function autocannon(options: Options): Promise<Result>
}
