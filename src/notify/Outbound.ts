import { Array, Context, type Duration, Effect, Either, Layer, Redacted } from "effect"
import { createSecureContext } from "node:tls"
import { isPublicAddress } from "./addresses.ts"
import { exchange, type Message, type StatusClass, Undelivered } from "./exchange.ts"
import { type Resolve, resolveName } from "./names.ts"
import { AddressRefused, type GivenBy, readTarget, type Target, userPorts } from "./Target.ts"

export interface OutboundMessage extends Message {
  /** May hold a secret, as addresses of webhooks do. */
  readonly url: Redacted.Redacted
  readonly givenBy: GivenBy
}

/**
 * The one way to send a request to an address that somebody gave. A user's address reaches the public internet only, by
 * HTTPS, whatever its name leads to and whenever; an operator's may also be of this machine.
 */
export class Outbound extends Context.Tag("dipper/notify/Outbound")<
  Outbound,
  {
    /** Says of an address whether it may be stored; the name behind it is judged at each sending. */
    readonly check: (url: Redacted.Redacted, givenBy: GivenBy) => Either.Either<void, AddressRefused>
    /**
     * Sends once, follows no redirect, and gives up after five seconds. Of one host two requests are under way at a time.
     * Fails with `AddressRefused` where nothing was sent, with `Undelivered` where it may have arrived.
     */
    readonly send: (message: OutboundMessage) => Effect.Effect<StatusClass, AddressRefused | Undelivered>
  }
>() {
  static readonly layer = Layer.effect(
    Outbound,
    Effect.suspend(() => make(usual))
  )

  static readonly layerWith = (world: Partial<World>) => Layer.effect(Outbound, make({ ...usual, ...world }))
}

/** What surrounds the client. */
export interface World {
  readonly resolve: Resolve
  /** Which addresses a user's request may reach. */
  readonly isPublic: (address: string) => boolean
  readonly ports: ReadonlySet<number>
  readonly deadline: Duration.DurationInput
  /** PEM of the only authority to trust; those that Node knows unless given. */
  readonly ca: string | undefined
}

const usual: World = {
  resolve: resolveName,
  isPublic: isPublicAddress,
  ports: userPorts,
  deadline: "5 seconds",
  ca: undefined
}

const atOnceOfOne = 2
const atOnceInAll = 32
/** Of one host: who comes then is told at once instead of after a minute. */
const waitingOfOne = 1_000

interface Turns {
  readonly permits: Effect.Semaphore
  /** Under way or waiting. */
  users: number
}

const make = Effect.fnUntraced(function* (world: World) {
  // Once for all: reading the authorities costs more than a request.
  const secureContext = createSecureContext({
    minVersion: "TLSv1.2",
    ...(world.ca === undefined ? {} : { ca: world.ca })
  })
  const inAll = yield* Effect.makeSemaphore(atOnceInAll)
  const turns = new Map<string, Turns>()

  const enter = (host: string) =>
    Effect.suspend(() => {
      const known = turns.get(host) ?? { permits: Effect.unsafeMakeSemaphore(atOnceOfOne), users: 0 }
      if (known.users >= waitingOfOne + atOnceOfOne) return busy()
      known.users++
      turns.set(host, known)
      return Effect.succeed(known)
    })

  const leave = (host: string, used: Turns) =>
    Effect.sync(() => {
      if (--used.users === 0) turns.delete(host)
    })

  const inTurn = <A, E>(host: string, work: Effect.Effect<A, E>) =>
    Effect.acquireUseRelease(
      enter(host),
      ({ permits }) => permits.withPermits(1)(inAll.withPermits(1)(work)),
      (used) => leave(host, used)
    )

  const addressesOf = Effect.fnUntraced(function* ({ host, isLiteral }: Target, givenBy: GivenBy) {
    const found = isLiteral ? [host] : yield* world.resolve(host, givenBy)
    // One bad address is enough: which one a connection takes is not ours to say.
    if (!Array.isNonEmptyReadonlyArray(found) || (givenBy === "user" && !found.every(world.isPublic))) {
      return yield* unusable()
    }
    return found
  })

  const send = Effect.fn("Outbound.send")(({ givenBy, url, ...message }: OutboundMessage) =>
    Effect.flatMap(readTarget(Redacted.value(url), givenBy, world.ports), (target) =>
      inTurn(
        target.host,
        addressesOf(target, givenBy).pipe(
          Effect.flatMap((addresses) => exchange(target, addresses, message, secureContext)),
          Effect.timeoutFail({ duration: world.deadline, onTimeout: late })
        )
      )
    )
  )

  return Outbound.of({
    check: (url, givenBy) =>
      Either.flatMap(readTarget(Redacted.value(url), givenBy, world.ports), ({ host, isLiteral }) =>
        isLiteral && givenBy === "user" && !world.isPublic(host) ? Either.left(unusable()) : Either.void
      ),
    send
  })
})

/** The same for a name without an address: who guesses names of this network learns nothing. */
const unusable = () => new AddressRefused({ message: "The host of the address has no address on the public internet." })

const late = () => new Undelivered({ reason: "timeout", message: "The host did not answer in time." })

const busy = () =>
  new Undelivered({ reason: "busy", message: "Too many requests wait for this host; send it again later." })
