#!/usr/bin/env node
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import { Cause, Console, Effect, Exit, Layer, Predicate } from "effect"
import { argv } from "node:process"
import * as Cli from "./Cli.ts"
import { WrongOption } from "./service/operator/userOption.ts"

/** One line for what went wrong as foreseen; the whole story for a bug. */
const report = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  const failure = Cause.squash(cause)
  if (Cause.isInterruptedOnly(cause) || ValidationError.isValidationError(failure)) return Effect.void
  const foreseen = Cause.isFailure(cause) && Predicate.hasProperty(failure, "message")
  return Console.error(`dipper: ${foreseen ? String(failure.message) : Cause.pretty(cause)}`)
}

/** 0 done or stopped by signal, 1 failed or refused, 2 wrong usage. */
const exitCode = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)) return 0
  const failure = Cause.squash(exit.cause)
  return ValidationError.isValidationError(failure) ||
    failure instanceof Cli.WrongUsage ||
    failure instanceof WrongOption
    ? 2
    : 1
}

Cli.run(argv).pipe(
  Effect.tapErrorCause(report),
  Effect.provide(Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeTerminal.layer)),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    disablePrettyLogger: true,
    teardown: (exit, onExit) => onExit(exitCode(exit))
  })
)
