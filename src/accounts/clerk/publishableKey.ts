import { Either, Redacted } from "effect"

const pattern = /^pk_(?:test|live)_([A-Za-z0-9+/]+={0,2})$/
const publicHost = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$/
/** A stand-in for Clerk on this machine. */
const loopbackHost = /^(?:127\.0\.0\.1|localhost):\d{1,5}$/

/**
 * The front-end API of a Clerk instance, which is the issuer of its tokens and publishes its keys. A publishable key is
 * nothing but its host in base64 with a `$` behind it (Clerk's documentation, manual JWT verification).
 */
export const issuerOf = (publishableKey: string): Either.Either<string, string> => {
  const encoded = pattern.exec(publishableKey)?.[1]
  if (encoded === undefined) return Either.left("expected a key that begins with pk_test_ or pk_live_")
  const text = Buffer.from(encoded, "base64").toString("utf8")
  const host = text.endsWith("$") ? text.slice(0, -1) : ""
  if (publicHost.test(host)) return Either.right(`https://${host}`)
  if (loopbackHost.test(host)) return Either.right(`http://${host}`)
  return Either.left("the key names no host of a Clerk instance; copy it again from Clerk's dashboard")
}

/** Clerk's backend API, one for all instances; whoever stands in for Clerk on this machine stands in for it as well. */
export const backendOf = (issuer: string): string => (issuer.startsWith("http://") ? issuer : "https://api.clerk.com")

/** Keys of a development instance and of one in production do not go together. */
export const fits = (
  publishableKey: string,
  secretKey: Redacted.Redacted
): Either.Either<Redacted.Redacted, string> => {
  const kind = /^sk_(test|live)_[A-Za-z0-9_-]+$/.exec(Redacted.value(secretKey))?.[1]
  if (kind === undefined) return Either.left("expected a key that begins with sk_test_ or sk_live_")
  return publishableKey.startsWith(`pk_${kind}_`)
    ? Either.right(secretKey)
    : Either.left(
        "it is of another Clerk instance than CLERK_PUBLISHABLE_KEY: one is for development, one in production"
      )
}
