import { type ParseResult, Predicate, Schema } from "effect"
import { closest } from "../../closest.ts"

/** A field that may be left out, which means null. */
export const orNull = <A, I>(schema: Schema.Schema<A, I>) =>
  Schema.optionalWith(Schema.NullOr(schema), { exact: true, default: () => null })

/** A field that may be left out, which means its default. */
export const withDefault = <A, I>(schema: Schema.Schema<A, I>, value: NoInfer<A>) =>
  Schema.optionalWith(schema, { exact: true, default: () => value })

export const AtLeastOne = Schema.Int.pipe(Schema.positive())

/**
 * Names what is wrong with an object's `type`, instead of a list of every union member: a type of a later version is
 * called so, an unknown one is answered with the closest known one. Other faults keep their own message and path.
 */
export const typedUnion = (what: string, available: ReadonlyArray<string>, later: ReadonlyArray<string>) => ({
  message: (issue: ParseResult.ParseIssue) => {
    const type = Predicate.hasProperty(issue.actual, "type") ? issue.actual.type : undefined
    if (typeof type === "string" && available.includes(type)) return { message: "", override: false }
    const known = `use one of: ${available.join(", ")}`
    if (typeof type !== "string") return { message: `expected ${what} with a \`type\`; ${known}`, override: true }
    if (later.includes(type))
      return { message: `\`${type}\` is not available in this version; ${known}`, override: true }
    const meant = closest(type, available)
    const hint = meant === null ? "" : `, did you mean \`${meant}\`?`
    return { message: `unknown type \`${type.slice(0, 40)}\`${hint}; ${known}`, override: true }
  }
})
