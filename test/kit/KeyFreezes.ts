import { Layer } from "effect"
import { KeyFreezes } from "../../src/accounts/KeyFreezes.ts"
import { MarketClock } from "../../src/MarketClock.ts"
import { Events } from "../../src/store/Events.ts"

/** Freezes and what is told of them, over a database. */
export const freezes = KeyFreezes.layer.pipe(Layer.provideMerge(Events.layer), Layer.provide(MarketClock.layer))
