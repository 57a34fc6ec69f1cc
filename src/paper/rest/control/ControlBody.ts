import { Effect, ParseResult, Schema } from "effect"
import * as Refusals from "../../Refusals.ts"
import type { ApiRequest } from "../ApiRequest.ts"

/** Reads an operator's JSON; a name it does not know is refused instead of ignored. */
export const controlBody = <A, I>(schema: Schema.Schema<A, I>, request: ApiRequest) => {
  const decode = Schema.decode(Schema.parseJson(schema), { onExcessProperty: "error" })
  return Effect.mapError(decode(request.body), (error) => {
    const [issue, ...others] = ParseResult.ArrayFormatter.formatErrorSync(error)
    if (issue === undefined) return Refusals.inputWrong("body: is wrong")
    const where = pathOf(issue)
    const messages = [issue, ...others.filter((each) => pathOf(each) === where)].map(({ message }) => message)
    return Refusals.inputWrong(`${where}: ${asOne(messages)}`)
  })
}

const pathOf = ({ path }: ParseResult.ArrayFormatterIssue): string =>
  path.length === 0 ? "body" : path.map(String).join(".")

/** A field with several legal values is wrong once for each: `Expected "1", actual "9"`, `Expected "2", actual "9"`. */
const asOne = (messages: ReadonlyArray<string>): string => {
  const wanted = messages.flatMap((message) => /^Expected (".*"|\d+), actual /.exec(message)?.[1] ?? [])
  const [first = ""] = messages
  return wanted.length < 2
    ? first
    : first.replace(/^Expected .*?, actual /, () => `Expected ${wanted.join(" | ")}, actual `)
}
