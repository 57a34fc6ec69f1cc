import { verifyWebhook } from "@clerk/backend/webhooks"
import { Context, Effect, Layer, Option, Redacted, Schema } from "effect"
import { WebhookInvalid } from "../../api/Errors.ts"
import { UserId } from "../../domain/Ids.ts"

/** What comes with a webhook besides its body. */
export interface WebhookHeaders {
  readonly id: string
  readonly timestamp: string
  readonly signature: string
}

/** A thing that happened at Clerk, of the kinds that concern this service; `at` by Clerk's clock, epoch ms. */
export type ClerkEvent =
  | { readonly type: "userDeleted"; readonly userId: UserId; readonly at: number }
  | { readonly type: "userUpdated"; readonly userId: UserId; readonly mayEnter: boolean; readonly at: number }
  | {
      readonly type: "sessionEnded"
      readonly sessionId: string
      /** Null when Clerk does not say, or nothing that could be one. */
      readonly userId: UserId | null
      readonly how: "ended" | "removed" | "revoked"
      readonly at: number
    }
  | { readonly type: "other"; readonly at: number }

/** Reads webhooks of our Clerk instance. Nobody else can make one, but anybody who has one can repeat it. */
export class ClerkWebhooks extends Context.Tag("dipper/accounts/ClerkWebhooks")<
  ClerkWebhooks,
  { readonly read: (headers: WebhookHeaders, body: string) => Effect.Effect<ClerkEvent, WebhookInvalid> }
>() {
  static readonly layer = (secret: Redacted.Redacted) => Layer.sync(ClerkWebhooks, () => make(secret))

  /** Without a secret no webhook can be proven. */
  static readonly layerNone = Layer.succeed(ClerkWebhooks, { read: () => Effect.suspend(invalid) })
}

const make = (secret: Redacted.Redacted) =>
  ClerkWebhooks.of({
    read: Effect.fn("ClerkWebhooks.read")(function* ({ id, signature, timestamp }, body) {
      const headers = { "svix-id": id, "svix-timestamp": timestamp, "svix-signature": signature }
      const event: unknown = yield* Effect.tryPromise({
        // The library wants a request as a browser makes it; its address is not looked at.
        try: () =>
          verifyWebhook(new Request("https://localhost/", { method: "POST", headers, body }), {
            signingSecret: Redacted.value(secret)
          }),
        catch: invalid
      })
      return yield* Effect.mapError(eventOf(event), invalid)
    })
  })

const occurred = { timestamp: Schema.Number }

const UserDeleted = Schema.Struct({
  ...occurred,
  type: Schema.Literal("user.deleted"),
  data: Schema.Struct({ id: UserId })
})

const UserUpdated = Schema.Struct({
  ...occurred,
  type: Schema.Literal("user.created", "user.updated"),
  data: Schema.Struct({
    id: UserId,
    banned: Schema.optional(Schema.Boolean),
    locked: Schema.optional(Schema.Boolean)
  })
})

const SessionEnded = Schema.Struct({
  ...occurred,
  type: Schema.Literal("session.ended", "session.removed", "session.revoked"),
  data: Schema.Struct({ id: Schema.String, user_id: Schema.optional(Schema.Unknown) })
})
const userIdOf = Schema.decodeUnknownOption(UserId)
const manners = { "session.ended": "ended", "session.removed": "removed", "session.revoked": "revoked" } as const

const concerning: ReadonlySet<string> = new Set(
  [UserDeleted, UserUpdated, SessionEnded].flatMap(({ fields }): ReadonlyArray<string> => fields.type.literals)
)

/** Of a kind that does not concern this service; one that does must be readable. */
const Other = Schema.Struct({ ...occurred, type: Schema.String.pipe(Schema.filter((type) => !concerning.has(type))) })

const eventOf = (event: unknown): Option.Option<ClerkEvent> =>
  Option.firstSomeOf<ClerkEvent>([
    Option.map(Schema.decodeUnknownOption(UserDeleted)(event), ({ data, timestamp: at }) => ({
      type: "userDeleted",
      userId: data.id,
      at
    })),
    Option.map(Schema.decodeUnknownOption(UserUpdated)(event), ({ data, timestamp: at }) => ({
      type: "userUpdated",
      userId: data.id,
      mayEnter: data.banned !== true && data.locked !== true,
      at
    })),
    Option.map(Schema.decodeUnknownOption(SessionEnded)(event), ({ data, timestamp: at, type }) => ({
      type: "sessionEnded",
      sessionId: data.id,
      userId: Option.getOrNull(userIdOf(data.user_id)),
      how: manners[type],
      at
    })),
    Option.map(Schema.decodeUnknownOption(Other)(event), ({ timestamp: at }) => ({ type: "other", at }))
  ])

const invalid = () => new WebhookInvalid({ message: "This is no webhook of the Clerk instance of this service." })
