import { Schema } from "effect"

/** The database cannot be used by this start; the message is the one line the operator reads. */
export class StoreRefused extends Schema.TaggedError<StoreRefused>()("StoreRefused", {
  reason: Schema.Literal(
    "cannotOpen",
    "corrupt",
    "notWritable",
    "otherVenue",
    "newerDatabase",
    "changedMigration",
    "failedMigration",
    "brokenWhileUsed",
    "auditBroken"
  ),
  message: Schema.String
}) {}
