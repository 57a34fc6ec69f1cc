import { Context, Deferred, Effect, Exit, Fiber, Layer, Schema, Scope } from "effect"
import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server as NodeServer,
  type ServerResponse
} from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { Duplex } from "node:stream"
import type { Gate } from "../gate/Gate.ts"

/** Another program, or another instance, listens there. */
export class PortTaken extends Schema.TaggedError<PortTaken>()("PortTaken", {
  host: Schema.String,
  port: Schema.Int,
  setting: Schema.optionalWith(Schema.String, { default: () => "PORT" })
}) {
  override get message() {
    return `${this.setting}: ${this.port} on ${this.host} is already in use; stop the other program or choose another. Example: ${this.setting}=${this.port + 1}`
  }
}

/** The address cannot be listened on: not ours, not allowed, or a certificate that does not work. */
export class CannotListen extends Schema.TaggedError<CannotListen>()("CannotListen", {
  host: Schema.String,
  port: Schema.Int,
  problem: Schema.String
}) {
  override get message() {
    return `HOST: cannot listen on ${this.host}:${this.port}: ${this.problem}. Example: HOST=127.0.0.1`
  }
}

/** Where to listen, and how long clients may take. */
export interface Address {
  readonly host: string
  readonly port: number
  /** PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string } | null
  readonly timeouts?: Partial<Timeouts>
}

/** Who answers now. */
export interface Answers {
  readonly request: (request: IncomingMessage, response: ServerResponse) => void
  readonly clientError: (fault: Error & { readonly code?: string }, socket: Duplex) => void
  readonly connect: (request: IncomingMessage, socket: Duplex) => void
}

/** The port of the API, apart from what is served on it. */
export class Listening extends Context.Tag("dipper/http/edge/Listening")<
  Listening,
  {
    /** Accepts requests until the scope closes, which drains first. Gives the real port where 0 was asked. */
    readonly serve: (
      address: Address,
      gate: Gate,
      answers: Answers
    ) => Effect.Effect<number, PortTaken | CannotListen, Scope.Scope>
  }
>() {
  /** Closed with the scope of who serves. */
  static readonly layerOnce = Layer.succeed(Listening, {
    serve: Effect.fnUntraced(function* (address, gate, answers) {
      const port = yield* open(address, answers)
      yield* Effect.addFinalizer(() => drain(gate, port.server, port.timeouts))
      return port.number
    })
  })

  /**
   * Stays open from the first that serves until the layer ends. Between two that serve, the former one's gate says that
   * the instance is not ready: a port given back for a moment could be somebody else's when it is wanted again.
   */
  static readonly layerKept = Layer.scoped(
    Listening,
    Effect.gen(function* () {
      const whole = yield* Effect.scope
      let port: Port | null = null
      const first = Effect.fnUntraced(function* (address: Address, answers: Answers) {
        const opened = yield* open(address, answers)
        yield* Scope.addFinalizer(whole, close(opened.server))
        return opened
      }, Effect.uninterruptible)
      return Listening.of({
        serve: Effect.fnUntraced(function* (address, gate, answers) {
          const ours: Port = port ?? (yield* first(address, answers))
          port = ours
          ours.answers = answers
          yield* Effect.addFinalizer((exit) => leave(gate, ours, Exit.isInterrupted(exit)))
          return ours.number
        })
      })
    })
  )
}

interface Port {
  readonly server: NodeServer
  readonly number: number
  readonly timeouts: Timeouts
  answers: Answers
}

/** Node's own defaults would let a silent client hold a connection for minutes. */
const defaultTimeouts = {
  headersMs: 5_000,
  requestMs: 15_000,
  keepAliveMs: 10_000,
  idleMs: 30_000,
  checkEveryMs: 1_000,
  /** Stopping: how long new requests are still told so, and how long those under way may take. */
  announceMs: 300,
  drainMs: 2_000
}

type Timeouts = typeof defaultTimeouts

const open = Effect.fnUntraced(function* (address: Address, answers: Answers) {
  const timeouts = { ...defaultTimeouts, ...address.timeouts }
  const server = yield* listen(address, timeouts)
  const port: Port = { server, number: portOf(server) ?? address.port, timeouts, answers }
  const request = (incoming: IncomingMessage, response: ServerResponse) => port.answers.request(incoming, response)
  server.on("request", request).on("checkContinue", request).on("checkExpectation", request)
  server.on("clientError", (fault, socket) => port.answers.clientError(fault, socket))
  server.on("connect", (incoming, socket) => port.answers.connect(incoming, socket))
  return port
})

const portOf = (server: NodeServer): number | null => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : null
}

const createServer = (tls: Address["tls"], timeouts: typeof defaultTimeouts): NodeServer => {
  const settings = {
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.keepAliveMs,
    connectionsCheckingInterval: timeouts.checkEveryMs,
    maxHeaderSize: 16_384,
    // Node would answer a missing Host with an empty body; the listener answers it.
    requireHostHeader: false
  }
  const server =
    tls === null
      ? createPlainServer(settings)
      : createTlsServer({ ...settings, ...tls, minVersion: "TLSv1.2", handshakeTimeout: 5_000 })
  server.maxConnections = 2_000
  server.maxRequestsPerSocket = 10_000
  return server.setTimeout(timeouts.idleMs)
}

const listen = (options: Address, timeouts: typeof defaultTimeouts) =>
  Effect.gen(function* () {
    const { host, port } = options
    const refuse = (fault: unknown) =>
      new CannotListen({ host, port, problem: fault instanceof Error ? fault.message : String(fault) })
    // A certificate or key that is none throws here.
    const server = yield* Effect.try({ try: () => createServer(options.tls, timeouts), catch: refuse })
    yield* Effect.async<void, PortTaken | CannotListen>((resume) => {
      server.once("error", (fault: NodeJS.ErrnoException) =>
        resume(Effect.fail(fault.code === "EADDRINUSE" ? new PortTaken({ host, port }) : refuse(fault)))
      )
      server.listen({ host, port }, () => resume(Effect.void))
    })
    return server
  })

/**
 * Requests are told that the service stops, those under way are finished, then connections are cut. Accepting goes on
 * for a moment: a client whose connection was just opened gets an answer and not a reset.
 */
const drain = (gate: Gate, server: NodeServer, timeouts: Timeouts) =>
  Effect.gen(function* () {
    const idle = yield* Deferred.make<void>()
    gate.drain(() => Deferred.unsafeDone(idle, Effect.void))
    yield* Effect.sleep(timeouts.announceMs)
    const closed = yield* Effect.async<void>((resume) => void server.close(() => resume(Effect.void))).pipe(Effect.fork)
    server.closeIdleConnections()
    yield* atMost(idle, timeouts.drainMs)
    server.closeAllConnections()
    yield* closed
  })

/** As `drain`, while the port stays open. */
const leave = (gate: Gate, { server, timeouts }: Port, forGood: boolean) =>
  Effect.gen(function* () {
    const idle = yield* Deferred.make<void>()
    gate.drain(() => Deferred.unsafeDone(idle, Effect.void), forGood ? "stopping" : "changing")
    // What is still under way after that would run on without what it needs.
    if (!(yield* atMost(idle, timeouts.drainMs))) server.closeAllConnections()
  })

/** In a fiber of its own: a stop by signal runs this in one that is interrupted, where any wait would end at once. */
const atMost = (idle: Deferred.Deferred<void>, ms: number) =>
  Effect.interruptible(Effect.timeoutOption(Deferred.await(idle), ms)).pipe(
    Effect.forkDaemon,
    Effect.flatMap(Fiber.await),
    Effect.map((exit) => Exit.isSuccess(exit) && exit.value._tag === "Some")
  )

const close = (server: NodeServer) =>
  Effect.async<void>((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })
