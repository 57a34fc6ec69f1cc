import { Context } from "effect"

/** What is stamped into the database at first start and says for ever whose it is. */
export class Meta extends Context.Tag("dipper/store/Meta")<
  Meta,
  {
    /** `paper`, or the host of the venue. */
    readonly venue: string
    /** Random; part of every client order id, so that two installs on one exchange account never collide. */
    readonly installId: string
    /** Raised by a restore, so that orders after it never reuse the ids of those before. */
    readonly epoch: number
  }
>() {}
