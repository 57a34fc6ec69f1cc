import bench from "./vitest.bench.config.ts"

/** What many clients at once do to the service: printed, not asserted. Not merged, which would run the benchmarks too. */
export default { ...bench, test: { ...bench.test, include: ["test/load/**/*.load.ts"] } }
