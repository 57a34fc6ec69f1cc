import { Either } from "effect"
import type { ApiRequest } from "../ApiRequest.ts"
import * as Parameters from "../Parameters.ts"

const standard = 20
const most = 200

/** One page of a list, wrapped as the wallet's lists are. */
export const paged = <A>(request: ApiRequest, rows: ReadonlyArray<A>) =>
  Either.gen(function* () {
    const page = yield* Parameters.limit(request, 1, Number.MAX_SAFE_INTEGER, "page")
    const limit = yield* Parameters.limit(request, standard, most)
    return {
      data: rows.slice((page - 1) * limit, page * limit),
      totalRecords: rows.length,
      page,
      totalPageNum: Math.ceil(rows.length / limit)
    }
  })
