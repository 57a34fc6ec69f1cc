import { Schema } from "effect"

/** The exchange refuses a call the way the venue does: a number to decide on and a text to show. */
export class VenueRejection extends Schema.TaggedError<VenueRejection>()("VenueRejection", {
  code: Schema.Int,
  text: Schema.String,
  status: Schema.optionalWith(Schema.Int, { default: () => 400 })
}) {
  override get message() {
    return `${this.code}: ${this.text}`
  }
}
