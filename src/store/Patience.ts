import { Context, type Duration, Layer } from "effect"

/**
 * How long work on the database waits for another process's lock. By default longer than any transaction of ours, and shorter
 * than the patience of a client.
 */
export class Patience extends Context.Reference<Patience>()("dipper/store/Patience", {
  defaultValue: (): Duration.DurationInput => "3 seconds"
}) {
  /** Of a command beside a server: on a busy machine one that writes without a pause leaves few gaps, and nobody's request waits. */
  static readonly layerCommand = Layer.succeed(Patience, "20 seconds")
}
