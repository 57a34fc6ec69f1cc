import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import { Effect, Layer } from "effect"
import { argv, kill, pid } from "node:process"
import * as Cli from "../../../src/Cli.ts"
import { FailPoints } from "../../../src/FailPoints.ts"

/** The service, killed without a word at the n-th reaching of `FAIL_AT` (`name` or `name:n`). */
const [name = "", times = "1"] = (process.env["FAIL_AT"] ?? "").split(":")
let left = Number(times)

Cli.run(argv).pipe(
  Effect.provideService(FailPoints, {
    reached: (point) =>
      point === name && --left === 0
        ? Effect.zipRight(
            Effect.sync(() => kill(pid, "SIGKILL")),
            Effect.never
          )
        : Effect.void
  }),
  Effect.provide(Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeTerminal.layer)),
  NodeRuntime.runMain()
)
