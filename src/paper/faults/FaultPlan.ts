import { Either, ParseResult, Predicate, Schema } from "effect"
import { closest } from "../../domain/closest.ts"
import { catalogue } from "./Catalogue.ts"
import { Fault, selectorNames } from "./Fault.ts"
import { faultTypes, isFaultType } from "./Faults.ts"

const Json = Schema.parseJson()
const decodeFault = Schema.decodeUnknownEither(Fault)

type Read<A> = Either.Either<A, string>

/** `{"faults": [{"type": "dropAfterBooking", "count": 2}, …]}`, or one line on what is wrong with it. */
export const readFaultPlan = (text: string): Read<ReadonlyArray<Fault>> =>
  Either.gen(function* () {
    const value = yield* Either.mapLeft(Schema.decodeUnknownEither(Json)(text), () => "expected JSON")
    if (!Predicate.hasProperty(value, "faults") || !Array.isArray(value.faults))
      return yield* Either.left('expected {"faults": [{"type": …}, …]}')
    const stranger = Object.keys(value).find((name) => name !== "faults")
    if (stranger !== undefined) return yield* Either.left(`${stranger}: unknown; only "faults" is read`)
    const faults: Array<Fault> = []
    for (const [i, each] of value.faults.entries()) faults.push(yield* readFault(each, `faults[${i}]`))
    return faults
  })

const readFault = (value: unknown, path: string): Read<Fault> => {
  if (!Predicate.isRecord(value)) return Either.left(`${path}: expected an object`)
  const { type } = value
  if (typeof type !== "string") return Either.left(`${path}.type: expected one of ${faultTypes.join(", ")}`)
  if (!isFaultType(type)) return Either.left(`${path}.type: unknown "${type}"${suggestion(type, faultTypes)}`)
  const known = ["type", ...selectorNames, ...Object.keys(catalogue[type].parameters)]
  const stranger = Object.keys(value).find((name) => !known.includes(name))
  if (stranger !== undefined)
    return Either.left(`${path}.${stranger}: unknown for ${type}${suggestion(stranger, known.slice(1))}`)
  return Either.mapLeft(decodeFault(value), (error) => problemOf(error, path, catalogue[type].parameters))
}

const suggestion = (name: string, known: ReadonlyArray<string>): string => {
  const near = closest(name, known)
  return near === null ? `; known: ${known.join(", ")}` : `; did you mean "${near}"?`
}

/** The union's other members have nothing to say: the type has been recognised already. */
const problemOf = (
  error: ParseResult.ParseError,
  path: string,
  parameters: Readonly<Record<string, string>>
): string => {
  const issue = ParseResult.ArrayFormatter.formatErrorSync(error).findLast((each) => each.path.length > 0)
  if (issue === undefined) return `${path}: is not a fault`
  const [name = "", ...deeper] = issue.path.map(String)
  const expected = parameters[name] === undefined ? "" : ` (${parameters[name]})`
  return `${[path, name, ...deeper].join(".")}: ${issue.message.split("\n")[0]}${expected}`
}
