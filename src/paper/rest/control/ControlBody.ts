import { Effect, ParseResult, Schema } from "effect"
import * as Refusals from "../../Refusals.ts"
import type { ApiRequest } from "../ApiRequest.ts"

/** Reads an operator's JSON; a name it does not know is refused instead of ignored. */
export const controlBody = <A, I>(schema: Schema.Schema<A, I>, request: ApiRequest) => {
  const decode = Schema.decode(Schema.parseJson(schema), { onExcessProperty: "error" })
  return Effect.mapError(decode(request.body), (error) => {
    const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
    const where = issue === undefined || issue.path.length === 0 ? "body" : issue.path.map(String).join(".")
    return Refusals.inputWrong(`${where}: ${issue?.message ?? "is wrong"}`)
  })
}
