/** Diagnostics of the Effect language service that stop `npm run check`, besides those it counts as errors itself. */
const errors = [
  "anyUnknownInErrorContext",
  "catchUnfailableEffect",
  "duplicatePackage",
  "effectFnIife",
  "effectGenUsesAdapter",
  "effectInFailure",
  "effectInVoidSuccess",
  "floatingEffect",
  "genericEffectServices",
  "globalErrorInEffectCatch",
  "globalErrorInEffectFailure",
  "layerMergeAllWithDependencies",
  "lazyPromiseInEffectSync",
  "leakingRequirements",
  "missingReturnYieldStar",
  "missingStarInYieldEffectGen",
  "multipleEffectProvide",
  "overriddenSchemaConstructor",
  "returnEffectInGen",
  "runEffectInsideEffect",
  "scopeInLayerEffect",
  "tryCatchInEffectGen",
  "unknownInEffectCatch",
  "unsafeEffectTypeAssertion"
]

/** Suggestions of style: not shown by the check, so not worth the time to find them. */
const off = [
  "catchAllToMapError",
  "effectFnOpportunity",
  "effectMapFlatten",
  "effectMapVoid",
  "effectSucceedWithVoid",
  "flatMapToMap",
  "redundantSchemaTagIdentifier",
  "schemaStructWithTag",
  "schemaSyncInEffect",
  "unnecessaryEffectGen",
  "unnecessaryFailYieldableError",
  "unnecessaryPipe",
  "unnecessaryPipeChain"
]

const all = (names, severity) => names.map((name) => [name, severity])

export const effectDiagnostics = {
  diagnosticSeverity: Object.fromEntries([...all(errors, "error"), ...all(off, "off")])
}
