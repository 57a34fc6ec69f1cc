import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/kit/build.ts",
    // Processes, because the libSQL client is native; two, because a small machine has two cores.
    pool: "forks",
    poolOptions: { forks: { minForks: 1, maxForks: 2 } },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    env: { DIPPER_REFERENCE: process.env["DIPPER_REFERENCE"] ?? "../shared" }
  }
})
