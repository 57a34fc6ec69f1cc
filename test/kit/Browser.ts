import { Deferred, Effect, Schema } from "effect"
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { WebSocket } from "ws"
import { temporaryFolder } from "./Process.ts"

/** A Chromium of this machine; suites that need it are skipped where it is absent. */
const program = process.env["CHROMIUM"] ?? "/usr/bin/chromium"
export const hasBrowser = existsSync(program)

export class BrowserFailed extends Schema.TaggedError<BrowserFailed>()("BrowserFailed", { message: Schema.String }) {}

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-port=0"
]

/** What it says of itself: the answer to a command, or an event of a page. */
const Incoming = Schema.parseJson(
  Schema.Struct({
    id: Schema.optional(Schema.Int),
    result: Schema.optional(Schema.Unknown),
    error: Schema.optional(Schema.Struct({ message: Schema.String })),
    method: Schema.optional(Schema.String),
    params: Schema.optional(Schema.Unknown)
  })
)
const decodeIncoming = Schema.decodeUnknownSync(Incoming)

const Headers = Schema.Record({ key: Schema.String, value: Schema.String })
const Requested = Schema.Struct({ request: Schema.Struct({ url: Schema.String, method: Schema.String }) })
const Sent = Schema.Struct({ headers: Headers })
const Logged = Schema.Struct({
  entry: Schema.Struct({ level: Schema.String, text: Schema.String, url: Schema.optional(Schema.String) })
})
const Printed = Schema.Struct({ type: Schema.String })
const Evaluated = Schema.Struct({
  result: Schema.Struct({ value: Schema.optional(Schema.Unknown) }),
  exceptionDetails: Schema.optional(
    Schema.Struct({
      text: Schema.String,
      exception: Schema.optional(Schema.Struct({ description: Schema.optional(Schema.String) }))
    })
  )
})

/** Starts it with an empty profile; gives the address of its tools. The scope ends it with all its children. */
const launch = (extra: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const profile = yield* temporaryFolder
    const address = yield* Deferred.make<string, BrowserFailed>()
    const ended = yield* Deferred.make<void>()
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        const child = spawn(program, [...flags, ...extra, `--user-data-dir=${profile}`, "about:blank"], {
          detached: true,
          stdio: ["ignore", "ignore", "pipe"]
        })
        let text = ""
        child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk
          const url = /DevTools listening on (ws:\S+)\s/.exec(text)?.[1]
          if (url !== undefined) Deferred.unsafeDone(address, Effect.succeed(url))
        })
        // Its children hold the pipe as well: closed means that nobody writes the profile any more.
        child.once("close", () => {
          Deferred.unsafeDone(address, Effect.fail(new BrowserFailed({ message: `ended early: ${text}` })))
          Deferred.unsafeDone(ended, Effect.void)
        })
        return child
      }),
      ({ pid }) =>
        Effect.zipRight(
          Effect.try(() => (pid === undefined ? false : process.kill(-pid, "SIGKILL"))).pipe(Effect.ignore),
          Deferred.await(ended)
        )
    )
    return yield* Deferred.await(address).pipe(
      Effect.timeoutFail({
        duration: "20 seconds",
        onTimeout: () => new BrowserFailed({ message: "did not start in 20 s" })
      })
    )
  })

/** Opens the connection of one page's tools. */
const connect = (url: string) =>
  Effect.acquireRelease(
    Effect.async<WebSocket, BrowserFailed>((resume) => {
      const socket = new WebSocket(url, { perMessageDeflate: false })
      socket.once("open", () => resume(Effect.succeed(socket)))
      socket.on("error", ({ message }) => resume(Effect.fail(new BrowserFailed({ message }))))
    }),
    (socket) => Effect.sync(() => socket.terminate())
  )

const Targets = Schema.Array(Schema.Struct({ type: Schema.String, webSocketDebuggerUrl: Schema.String }))

/** The one page of a Chromium of its own, and what it asked for and complained of. */
export const browserPage = (...extra: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { host } = new URL(yield* launch(extra))
    const targets = yield* Effect.promise(() => fetch(`http://${host}/json/list`).then((response) => response.json()))
    const target = Schema.decodeUnknownSync(Targets)(targets).find(({ type }) => type === "page")
    const socket = yield* connect(target?.webSocketDebuggerUrl ?? "")

    const waiting = new Map<number, (answer: Effect.Effect<unknown, BrowserFailed>) => void>()
    const requests: Array<{ readonly url: string; readonly method: string }> = []
    /** Headers as they went out, cookies included, in the order of sending. */
    const sent: Array<Readonly<Record<string, string>>> = []
    const complaints: Array<string> = []
    let loaded: () => void = () => undefined

    const happened = (method: string, params: unknown) => {
      if (method === "Page.loadEventFired") loaded()
      if (method === "Network.requestWillBeSent") requests.push(Schema.decodeUnknownSync(Requested)(params).request)
      if (method === "Network.requestWillBeSentExtraInfo") sent.push(Schema.decodeUnknownSync(Sent)(params).headers)
      if (method === "Runtime.exceptionThrown") complaints.push(JSON.stringify(params))
      if (method === "Runtime.consoleAPICalled" && Schema.decodeUnknownSync(Printed)(params).type === "error")
        complaints.push(JSON.stringify(params))
      if (method === "Log.entryAdded") {
        const { level, text, url } = Schema.decodeUnknownSync(Logged)(params).entry
        if (level === "error" || level === "warning") complaints.push(`${text} ${url ?? ""}`.trim())
      }
    }

    socket.on("message", (data) => {
      const { error, id, method, params, result } = decodeIncoming(String(data))
      if (method !== undefined) return happened(method, params)
      const answer = id === undefined ? undefined : waiting.get(id)
      answer?.(error === undefined ? Effect.succeed(result) : Effect.fail(new BrowserFailed(error)))
    })

    let last = 0
    const command = (method: string, params: object = {}) =>
      Effect.async<unknown, BrowserFailed>((resume) => {
        const id = ++last
        waiting.set(id, resume)
        socket.send(JSON.stringify({ id, method, params }))
      }).pipe(
        Effect.timeoutFail({
          duration: "20 seconds",
          onTimeout: () => new BrowserFailed({ message: `no answer to ${method} in 20 s` })
        })
      )

    yield* Effect.forEach(["Page", "Runtime", "Network", "Log"], (domain) => command(`${domain}.enable`))

    return {
      requests,
      sent,
      complaints,
      /** Opens an address and waits until the page and what it loads is there. */
      open: (url: string) =>
        Effect.gen(function* () {
          const done = yield* Deferred.make<void>()
          loaded = () => Deferred.unsafeDone(done, Effect.void)
          yield* command("Page.navigate", { url })
          yield* Deferred.await(done)
        }),
      /** The value of an expression, or of its promise, in the page; fails with what it throws. */
      run: (expression: string) =>
        Effect.flatMap(
          command("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true, userGesture: true }),
          (answer) => {
            const { exceptionDetails: thrown, result } = Schema.decodeUnknownSync(Evaluated)(answer)
            return thrown === undefined
              ? Effect.succeed(result.value)
              : Effect.fail(new BrowserFailed({ message: thrown.exception?.description ?? thrown.text }))
          }
        )
    }
  })
