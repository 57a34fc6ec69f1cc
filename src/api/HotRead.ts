import { Context } from "effect"

/**
 * Annotation of an endpoint that is asked far more often than others: the listener answers it from what is in memory, past
 * the API builder. The contract is the same either way.
 */
export class HotRead extends Context.Tag("dipper/api/HotRead")<HotRead, true>() {}
