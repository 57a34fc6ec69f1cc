import { Context, Deferred, Effect, Exit, FiberSet, Layer, Option, Schema, Scope, Stream } from "effect"
import { createPrivateKey, X509Certificate } from "node:crypto"
import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server as NodeServer,
  type ServerResponse
} from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { Server as TlsServer } from "node:tls"
import { waitAtMost } from "../../Waiting.ts"
import type { Gate } from "../gate/Gate.ts"
import { countsRefused, followConnections } from "./connections.ts"

/** Another program, or another instance, listens there. */
export class PortTaken extends Schema.TaggedError<PortTaken>()("PortTaken", {
  setting: Schema.String,
  host: Schema.String,
  port: Schema.Int
}) {
  override get message() {
    return `${this.setting}: ${this.port} on ${this.host} is already in use; stop the other program or choose another. Example: ${this.setting}=${this.port + 1}`
  }
}

/** The address cannot be listened on: not ours, or not allowed. */
export class CannotListen extends Schema.TaggedError<CannotListen>()("CannotListen", {
  host: Schema.String,
  port: Schema.Int,
  problem: Schema.String
}) {
  override get message() {
    return `HOST: cannot listen on ${this.host}:${this.port}: ${this.problem}. Example: HOST=127.0.0.1`
  }
}

/** PEM texts, and those that take their place while the port is open. */
export interface Certificate {
  readonly cert: string
  readonly key: string
  readonly renewals?: Stream.Stream<{ readonly cert: string; readonly key: string }>
}

/** The files are there, and what is in them is no certificate, no key, or the key of another certificate. */
export class BadCertificate extends Schema.TaggedError<BadCertificate>()("BadCertificate", { problem: Schema.String }) {
  override get message() {
    return `TLS_CERT_FILE: the certificate and the key of TLS_KEY_FILE do not work together: ${this.problem}. Example: TLS_CERT_FILE=/etc/dipper/tls.pem`
  }
}

/** Where to listen, and how long clients may take. */
export interface Address {
  readonly host: string
  readonly port: number
  /** The setting that the port came from. */
  readonly setting?: string
  readonly tls: Certificate | null
  readonly maxConnections?: number
  /** Reverse proxies in front: who connects is one of them. */
  readonly trustProxy?: number
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
    ) => Effect.Effect<number, PortTaken | CannotListen | BadCertificate, Scope.Scope>
  }
>() {
  /** Closed with the scope of who serves. */
  static readonly layerOnce = Layer.succeed(Listening, {
    serve: (address, gate, answers) => servePort(address, gate, answers)
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
        const opened = yield* Scope.extend(open(address, answers), whole)
        yield* Scope.addFinalizer(whole, close(opened))
        return opened
      }, Effect.uninterruptible)
      return Listening.of({
        serve: Effect.fnUntraced(function* (address, gate, answers) {
          const kept = port
          const ours: Port = kept ?? (yield* first(address, answers))
          port = ours
          ours.answers = answers
          // Read anew by who serves now, while nobody followed it.
          if (kept !== null && address.tls !== null) yield* useCertificate(ours.server, address.tls)
          yield* followCertificate(ours.server, address.tls)
          yield* Effect.addFinalizer((exit) => leave(gate, ours, Exit.isInterrupted(exit)))
          return ours.number
        })
      })
    })
  )
}

/** A port of its own, from now until the scope closes. */
export const servePort = Effect.fnUntraced(function* (address: Address, gate: Gate, answers: Answers) {
  const port = yield* open(address, answers)
  yield* followCertificate(port.server, address.tls)
  yield* Effect.addFinalizer(() => drain(gate, port))
  return port.number
})

interface Port {
  readonly server: NodeServer
  readonly number: number
  readonly timeouts: Timeouts
  /** Ends every connection. */
  readonly cut: () => void
  answers: Answers
}

/** Node's own defaults would let a silent client hold a connection for minutes. */
const defaultTimeouts = {
  headersMs: 5_000,
  requestMs: 15_000,
  keepAliveMs: 10_000,
  /** A request whose handler says nothing for so long is given up. */
  idleMs: 30_000,
  /** A client that takes nothing of its answer for so long is cut off. */
  stalledMs: 15_000,
  handshakeMs: 5_000,
  /** Who is answered without having made a request has so long to read it. */
  lingerMs: 1_000,
  checkEveryMs: 1_000,
  /** Stopping: how long new requests are still told so, and how long those under way may take. */
  announceMs: 300,
  drainMs: 2_000
}

type Timeouts = typeof defaultTimeouts

const defaultConnections = 2_000

const open = Effect.fnUntraced(function* (address: Address, answers: Answers) {
  const timeouts = { ...defaultTimeouts, ...address.timeouts }
  const server = yield* listen(address, timeouts)
  yield* countsRefused
  const cut = followConnections(server, connectionsPerAddress(address))
  const fork = yield* FiberSet.makeRuntime<never>()
  // Node leaves our half of it open: whoever goes on sending would keep the other, and its place, for ever.
  const hangUp = (socket: Duplex) => {
    if (socket.destroyed) return
    const destroy = Effect.sync(() => socket.destroy())
    fork(Effect.delay(destroy, timeouts.lingerMs))
  }
  const port: Port = { server, number: portOf(server) ?? address.port, timeouts, cut, answers }
  const waiting = giveUp(server, timeouts)
  const request = (incoming: IncomingMessage, response: ServerResponse) => {
    waiting(response)
    port.answers.request(incoming, response)
  }
  server.on("request", request).on("checkContinue", request).on("checkExpectation", request)
  server.on("clientError", (fault, socket) => {
    port.answers.clientError(fault, socket)
    hangUp(socket)
  })
  // Whoever speaks no TLS cannot be answered, and would wait for our goodbye for ever.
  server.on("tlsClientError", (_, socket: Socket) => socket.destroy())
  server.on("connect", (incoming, socket) => {
    port.answers.connect(incoming, socket)
    hangUp(socket)
  })
  return port
})

/**
 * Half of all connections, so that no address takes them all and the people behind one find enough. Behind proxies of
 * ours the peers are these, each with the connections of everybody: how many a client has is theirs to limit.
 */
const connectionsPerAddress = ({ maxConnections = defaultConnections, trustProxy = 0 }: Address): number =>
  trustProxy > 0 ? Number.POSITIVE_INFINITY : Math.ceil(maxConnections / 2)

/**
 * Cuts off who takes nothing of what it asked for, and what has been silent for too long. Node counts the silence of a
 * connection in both directions, and starts anew with every byte that the client takes.
 */
const giveUp = (server: NodeServer, { idleMs, stalledMs }: Timeouts) => {
  const waiting = new WeakSet<Socket>()
  server.setTimeout(stalledMs, (socket) => {
    // Nothing to take yet: our handler is at work.
    const isOurs = waiting.delete(socket) && socket.writableLength === 0 && idleMs > stalledMs
    if (isOurs) socket.setTimeout(idleMs - stalledMs)
    else socket.destroy()
  })
  return (response: ServerResponse) => {
    const { socket } = response
    if (socket === null) return
    waiting.add(socket)
    response.once("close", () => waiting.delete(socket))
  }
}

/** A broken one, as while its files are being replaced, changes nothing. */
const useCertificate = (server: NodeServer, { cert, key }: Certificate) =>
  Effect.try(() => {
    if (server instanceof TlsServer) server.setSecureContext({ ...matching({ cert, key }), minVersion })
  }).pipe(
    Effect.zipRight(Effect.logInfo("A new certificate is in use")),
    Effect.catchAll((fault) =>
      Effect.logWarning("The new certificate cannot be used; the one before serves on", String(fault.error))
    )
  )

const followCertificate = (server: NodeServer, certificate: Certificate | null) =>
  Stream.runForEach(certificate?.renewals ?? Stream.empty, (renewed) => useCertificate(server, renewed)).pipe(
    Effect.forkScoped
  )

const minVersion = "TLSv1.2"

/** Node takes an empty key for none, and then fails each handshake instead of the start. */
const matching = ({ cert, key }: Certificate): { readonly cert: string; readonly key: string } => {
  if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return { cert, key }
  throw new TypeError("the key belongs to another certificate")
}

const portOf = (server: NodeServer): number | null => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : null
}

const createServer = ({ maxConnections, tls }: Address, timeouts: Timeouts): NodeServer => {
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
      : createTlsServer({
          ...settings,
          ...matching(tls),
          minVersion,
          handshakeTimeout: timeouts.handshakeMs
        })
  server.maxConnections = maxConnections ?? defaultConnections
  server.maxRequestsPerSocket = 10_000
  return server
}

const problemOf = (fault: unknown) => (fault instanceof Error ? fault.message : String(fault))

/**
 * Connections that may wait to be accepted; the system allows fewer. Node's 511 are too few for a crowd that comes within one
 * turn of the event loop: whoever does not fit tries again after one, three and seven seconds.
 */
const backlog = 4_096

const listen = (options: Address, timeouts: Timeouts) =>
  Effect.gen(function* () {
    const { host, port, setting = "PORT" } = options
    const refuse = (fault: unknown) => new CannotListen({ host, port, problem: problemOf(fault) })
    const server = yield* Effect.try({
      try: () => createServer(options, timeouts),
      catch: (fault) => new BadCertificate({ problem: problemOf(fault) })
    })
    yield* Effect.async<void, PortTaken | CannotListen>((resume) => {
      server.once("error", (fault: NodeJS.ErrnoException) =>
        resume(Effect.fail(fault.code === "EADDRINUSE" ? new PortTaken({ setting, host, port }) : refuse(fault)))
      )
      server.listen({ host, port, backlog }, () => resume(Effect.void))
    })
    return server
  })

/**
 * Requests are told that the service stops, those under way are finished, then connections are cut. Accepting goes on
 * for a moment: a client whose connection was just opened gets an answer and not a reset.
 */
const drain = (gate: Gate, { cut, server, timeouts }: Port) =>
  Effect.gen(function* () {
    const idle = yield* Deferred.make<void>()
    gate.drain(() => Deferred.unsafeDone(idle, Effect.void))
    yield* Effect.sleep(timeouts.announceMs)
    const closed = yield* Effect.async<void>((resume) => void server.close(() => resume(Effect.void))).pipe(Effect.fork)
    server.closeIdleConnections()
    yield* waitAtMost(Deferred.await(idle), timeouts.drainMs)
    cut()
    yield* closed
  })

/** As `drain`, while the port stays open. */
const leave = (gate: Gate, { cut, timeouts }: Port, forGood: boolean) =>
  Effect.gen(function* () {
    const idle = yield* Deferred.make<void>()
    gate.drain(() => Deferred.unsafeDone(idle, Effect.void), forGood ? "stopping" : "changing")
    // What is still under way after that would run on without what it needs.
    if (Option.isNone(yield* waitAtMost(Deferred.await(idle), timeouts.drainMs))) cut()
  })

const close = ({ cut, server }: Port) =>
  Effect.async<void>((resume) => {
    server.close(() => resume(Effect.void))
    cut()
  })
