import { defineConfig } from "vitest/config"

/** Benchmarks print ratios against a baseline of the same run; they assert nothing about time. */
export default defineConfig({
  test: {
    include: ["test/bench/**/*.bench.ts"],
    globalSetup: "test/kit/build.ts",
    pool: "forks",
    poolOptions: { forks: { singleFork: true } },
    fileParallelism: false,
    testTimeout: 300_000,
    disableConsoleIntercept: true
  }
})
