import { Effect, type Scope } from "effect"
import { createServer, type RequestListener } from "node:http"

/** Answers plain HTTP on a free port of 127.0.0.1 until the scope closes; gives its address, without a path. */
export const localServer = (listener: RequestListener): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<ReturnType<typeof createServer>>((resume) => {
      const made = createServer(listener)
      made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
    }),
    (made) =>
      Effect.async<void>((resume) => {
        made.close(() => resume(Effect.void))
        made.closeAllConnections()
      })
  ).pipe(
    Effect.map((made) => {
      const address = made.address()
      return `http://127.0.0.1:${typeof address === "object" ? address?.port : undefined}`
    })
  )
