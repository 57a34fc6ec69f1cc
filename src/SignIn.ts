import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer, Redacted } from "effect"
import { Auth } from "./accounts/Auth.ts"
import { ClerkKeys } from "./accounts/clerk/ClerkKeys.ts"
import { ClerkSessions } from "./accounts/clerk/ClerkSessions.ts"
import { ClerkUsers } from "./accounts/clerk/ClerkUsers.ts"
import { ClerkWebhooks } from "./accounts/clerk/ClerkWebhooks.ts"
import { backendOf, fits, issuerOf } from "./accounts/clerk/publishableKey.ts"
import { rsaKeyOfPem } from "./accounts/clerk/rsaKey.ts"
import { StepUp } from "./accounts/StepUp.ts"
import { settings as all, type Settings } from "./Config.ts"
import { WrongSetting } from "./Setting.ts"

/** Who may come in: holders of our keys, and with Clerk the people of one of its instances. */

const wrong =
  ({ example, name }: { readonly name: string; readonly example: string }) =>
  (problem: string) =>
    new WrongSetting({ name, problem, example })

/** Known beforehand, or published by the instance. */
const keysOf = (issuer: string, pem: Redacted.Redacted | null) =>
  pem === null
    ? ClerkKeys.layer(`${issuer}/.well-known/jwks.json`).pipe(Layer.provide(NodeHttpClient.layerUndici))
    : rsaKeyOfPem(Redacted.value(pem)).pipe(
        Effect.mapBoth({ onSuccess: ClerkKeys.layerPinned, onFailure: wrong(all.clerkJwtKey) }),
        Layer.unwrapEffect
      )

/** Who may ask Clerk about people, and may not unless the key can be of the same instance. */
const usersOf = (issuer: string, publishableKey: string, secretKey: Redacted.Redacted | null) =>
  secretKey === null
    ? ClerkUsers.layerNone("CLERK_SECRET_KEY is not set")
    : fits(publishableKey, secretKey).pipe(
        Effect.mapBoth({
          onSuccess: () => ClerkUsers.layer({ url: backendOf(issuer), secretKey }),
          onFailure: wrong(all.clerkSecretKey)
        }),
        Layer.unwrapEffect,
        Layer.provide(NodeHttpClient.layerUndici)
      )

const withClerk = (
  publishableKey: string,
  { clerkAuthorizedParties: authorizedParties, clerkJwtKey, clerkSecretKey, clerkWebhookSecret }: Settings
) => {
  const webhooks = clerkWebhookSecret === null ? ClerkWebhooks.layerNone : ClerkWebhooks.layer(clerkWebhookSecret)
  return issuerOf(publishableKey).pipe(
    Effect.mapBoth({
      onSuccess: (issuer) =>
        Layer.mergeAll(
          Auth.layerClerk,
          StepUp.layerClerk,
          webhooks,
          usersOf(issuer, publishableKey, clerkSecretKey)
        ).pipe(
          Layer.provide(ClerkSessions.layer({ issuer, authorizedParties })),
          Layer.provide(keysOf(issuer, clerkJwtKey))
        ),
      onFailure: wrong(all.clerkPublishableKey)
    }),
    Layer.unwrapEffect
  )
}

export const signIn = (settings: Settings) =>
  settings.authMode === "local" || settings.clerkPublishableKey === null
    ? Layer.mergeAll(
        Auth.layerLocal,
        StepUp.layerLocal,
        ClerkWebhooks.layerNone,
        ClerkUsers.layerNone("nobody signs in with Clerk")
      )
    : withClerk(settings.clerkPublishableKey, settings)
