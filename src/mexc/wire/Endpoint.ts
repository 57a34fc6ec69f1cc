import { Context, Either, Layer } from "effect"

/** Where a venue answers. Live, paper and tests differ in this only. */
export class MexcEndpoint extends Context.Tag("dipper/mexc/MexcEndpoint")<
  MexcEndpoint,
  {
    /** Origin of the REST API without trailing slash; every path starts `/api/v3`. */
    readonly rest: string
    /** Full WebSocket address, `…/ws`. */
    readonly stream: string
    /** Host of `rest`, for the venue stamp and `/status`. */
    readonly host: string
  }
>() {
  static readonly make = (rest: string, stream: string): Context.Tag.Service<typeof MexcEndpoint> => ({
    rest: rest.endsWith("/") ? rest.slice(0, -1) : rest,
    stream,
    host: Either.getOrElse(
      Either.try(() => new URL(rest).host),
      () => rest
    )
  })

  static readonly layer = (rest: string, stream: string) => Layer.succeed(MexcEndpoint, MexcEndpoint.make(rest, stream))
}
