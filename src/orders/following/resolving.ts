import { Effect } from "effect"
import { CredentialVault } from "../../accounts/CredentialVault.ts"
import type { OrderId, UserId } from "../../domain/Ids.ts"
import type { ResolveOrder } from "../../domain/order/ResolveOrder.ts"
import { Ownership } from "../../store/Ownership.ts"
import { OrdersRepo } from "../OrdersRepo.ts"
import { VenueAccounts } from "../reconcile/VenueAccounts.ts"
import { toOrder } from "../record/OrderRow.ts"
import { makeFollowing } from "./following.ts"

/** What a person says of an order when the venue cannot be asked. */
export const makeResolving = Effect.gen(function* () {
  const following = yield* makeFollowing
  const ownership = yield* Ownership
  const repo = yield* OrdersRepo
  const vault = yield* CredentialVault
  const venueAccounts = yield* VenueAccounts

  return Effect.fn("Orders.resolve")(function* (userId: UserId, id: OrderId, word: ResolveOrder) {
    yield* ownership.assertOwner
    const row = yield* following.load(userId, id)
    // Without a key nobody can be asked either, but that may be over in a moment: then the ten minutes count.
    const belonging = Effect.flatMap(vault.get(userId), (credentials) => venueAccounts.belonging(row, credentials))
    const unseen = yield* Effect.match(belonging, { onSuccess: (found) => found === "other", onFailure: () => false })
    yield* repo.resolve(userId, id, word, unseen)
    return toOrder(yield* following.load(userId, id))
  })
})
