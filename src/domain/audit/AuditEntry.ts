import { Schema } from "effect"
import { UserId } from "../Ids.ts"
import { Instant } from "../Time.ts"

/** What leaves an entry in the audit trail. One registry: the table in the documentation is compared with it. */
export const auditActions = {
  authenticationFailed:
    "A credential was refused: unknown, wrong, expired, of a disabled user, or from a wrong address.",
  accessRefused: "A good credential asked for what it may not do, or without the proof of who it is that was needed.",
  sessionBegun: "A session of Clerk was seen for the first time.",
  sessionEnded: "A session of Clerk that was seen here has ended: its person signed out, or it was revoked.",
  keyCreated: "An API key was made.",
  keyRotated: "An API key got another secret.",
  keyRevoked: "An API key was revoked.",
  credentialsSet: "An exchange key was stored, in place of the one before if there was one.",
  credentialsRemoved: "The stored exchange key was removed.",
  credentialsFrozen: "An exchange key was frozen: by its owner, by the operator, or because it may withdraw.",
  credentialsUnfrozen: "A freeze of an exchange key ended.",
  ruleCreated: "A rule was made.",
  ruleImported: "A rule was read from a file, as a draft.",
  ruleUpdated: "A rule got another version.",
  ruleStateChanged: "A rule was activated, paused, resumed, completed or quarantined.",
  ruleArchived: "A rule was archived.",
  ruleRun: "A rule was fired by hand; its order, if it makes one, has an entry of its own.",
  signalTokenRotated: "A rule got another secret for its signals.",
  orderDecided: "An order was decided, and its intent stored; exactly one entry per order.",
  orderRefused: "An order was refused before it existed: by the risk checks, a limit or a halt.",
  orderResolved: "A person said what became of an order that nobody can tell of.",
  orderCancelAsked:
    "Orders were asked to be cancelled: by a person or program, for a halt, or because their rule was stopped.",
  haltChanged: "Trading was halted or released.",
  limitsChanged: "The trading limits of a user were replaced.",
  settingsChanged: "The cost basis of a user was changed.",
  userDisabled: "A user was disabled.",
  userEnabled: "A user was enabled again.",
  userDeleted: "A user was deleted; keys end with it.",
  masterKeyRotated: "Another master key seals what is stored from now on.",
  masterKeyRetired: "Master keys that nothing is sealed with any more were taken out of the ring.",
  masterKeyExported: "The master keys were printed at the command line.",
  configurationChanged: "The service started with other settings than before; secrets are masked.",
  auditBreakAccepted: "The operator knows that the trail is broken at an entry, and lets the service start."
} as const

export type AuditAction = keyof typeof auditActions

export const AuditAction = Schema.String.pipe(
  Schema.filter((text): text is AuditAction => Object.hasOwn(auditActions, text), {
    message: () => `expected one of ${Object.keys(auditActions).join(", ")}`
  })
).annotations({ identifier: "AuditAction", jsonSchema: { type: "string", enum: Object.keys(auditActions) } })

/**
 * Who did it. `credentialId` is the id of the key or session, of a rule its id; never a token. `operator`: at the command
 * line. `service`: by itself. `webhook`: Clerk. `nobody`: a request without a good credential.
 */
export const AuditActor = Schema.Struct({
  via: Schema.Literal("apiKey", "clerk", "operator", "rule", "service", "webhook", "nobody"),
  credentialId: Schema.NullOr(Schema.String)
}).annotations({ identifier: "AuditActor" })
export interface AuditActor extends Schema.Schema.Type<typeof AuditActor> {}

/** SHA-256 in lower-case hexadecimal. */
export const AuditHash = Schema.String.pipe(Schema.pattern(/^[0-9a-f]{64}$/)).annotations({ identifier: "AuditHash" })

/**
 * One line of the trail, fields in this order: its JSON without spaces is what the chain hashes. `before` and `after` are
 * hashes of the object's text; `detail` is for people. No secret is ever in it.
 */
export const AuditEntry = Schema.Struct({
  at: Instant,
  /** Whom it is about; null: the installation. */
  user: Schema.NullOr(UserId),
  by: AuditActor,
  action: AuditAction,
  objectId: Schema.NullOr(Schema.String),
  requestId: Schema.NullOr(Schema.String),
  address: Schema.NullOr(Schema.String),
  result: Schema.Literal("done", "refused"),
  before: Schema.NullOr(AuditHash),
  after: Schema.NullOr(AuditHash),
  detail: Schema.Record({ key: Schema.String, value: Schema.String })
}).annotations({ identifier: "AuditEntry" })
export interface AuditEntry extends Schema.Schema.Type<typeof AuditEntry> {}

/** As its user sees it: `seq` and `hash` are those of the user's own chain, which begins at 1 and has no holes. */
export const AuditRecord = Schema.Struct({
  seq: Schema.Int,
  ...AuditEntry.fields,
  hash: AuditHash
}).annotations({ identifier: "AuditRecord" })
export interface AuditRecord extends Schema.Schema.Type<typeof AuditRecord> {}
