import type { ParseResult } from "effect"

const deepest = 12

/**
 * Where a value does not fit, such as `executedQty` or `0.price`. Only names: the values themselves may be somebody's
 * account, and may be nested without end.
 */
export const problemPath = ({ issue }: ParseResult.ParseError): string => {
  const path: Array<string> = []
  let current: ParseResult.ParseIssue | undefined = issue
  for (let depth = 0; current !== undefined && depth < deepest; depth++) {
    switch (current._tag) {
      case "Pointer":
        path.push(...[current.path].flat().map(String))
        current = current.issue
        break
      case "Composite":
        current = [current.issues].flat()[0]
        break
      case "Transformation":
      case "Refinement":
        current = current.issue
        break
      default:
        current = undefined
    }
  }
  return path.length === 0 ? "the whole" : path.join(".").slice(0, 80)
}
