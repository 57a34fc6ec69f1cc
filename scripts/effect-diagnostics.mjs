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

export const effectDiagnostics = {
  diagnosticSeverity: Object.fromEntries(errors.map((name) => [name, "error"]))
}
