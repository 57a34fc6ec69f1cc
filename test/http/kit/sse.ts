import { type Cause, Effect, Queue } from "effect"

/** One message of a stream, or a comment, as they arrive. */
export interface Heard {
  readonly id: string | undefined
  readonly event: string | undefined
  readonly data: unknown
  readonly comment: string | undefined
}

const parse = (block: string): Heard => {
  const fields = new Map(
    block.split("\n").map((line) => {
      const colon = line.indexOf(":")
      return [line.slice(0, colon), line.slice(colon + 1).trim()] as const
    })
  )
  const data = fields.get("data")
  return {
    id: fields.get("id"),
    event: fields.get("event"),
    data: data === undefined ? undefined : JSON.parse(data),
    comment: fields.get("")
  }
}

/** Reads a stream as a browser would, without our client; the scope ends it. */
export const listen = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const heard = yield* Queue.unbounded<Heard | "end">()
    const abort = yield* Effect.acquireRelease(
      Effect.sync(() => new AbortController()),
      (controller) => Effect.sync(() => controller.abort())
    )
    const response = yield* Effect.promise(() =>
      fetch(url, { headers: { accept: "text/event-stream", ...headers }, signal: abort.signal, redirect: "error" })
    )
    const read = async () => {
      const decoder = new TextDecoder()
      let text = ""
      try {
        for await (const chunk of response.body ?? []) {
          text += decoder.decode(chunk, { stream: true })
          const blocks = text.split("\n\n")
          text = blocks.pop() ?? ""
          for (const block of blocks) if (!block.startsWith("retry:")) Queue.unsafeOffer(heard, parse(block))
        }
      } catch {
        // Cut off, by either side.
      }
      Queue.unsafeOffer(heard, "end")
    }
    if (response.ok) void read()
    else yield* Queue.offer(heard, "end")
    const next = Queue.take(heard).pipe(Effect.timeout("5 seconds"))
    /** The next message; comments are passed over. */
    const message: Effect.Effect<Heard, Cause.TimeoutException | string> = Effect.flatMap(next, (one) =>
      one === "end" ? Effect.fail("the stream ended") : one.event === undefined ? message : Effect.succeed(one)
    )
    const untilEnd: Effect.Effect<void, Cause.TimeoutException> = Effect.flatMap(next, (one) =>
      one === "end" ? Effect.void : untilEnd
    )
    return { response, next, message, untilEnd }
  })
