import { Either } from "effect"
import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto"

/** Shorter ones can be factored. */
const shortestBits = 2_048

/** A public key that verifies RS256 and nothing else: without `alg` a key verifies RS384 and RS512 as well. */
export interface RsaKey extends JsonWebKey {
  readonly kty: "RSA"
  readonly alg: "RS256"
  readonly n: string
  readonly e: string
}

const fromKeyObject = (key: KeyObject): Either.Either<RsaKey, string> => {
  if (key.asymmetricKeyType !== "rsa") return Either.left("it is no RSA key")
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (bits < shortestBits) return Either.left(`it has ${bits} bits; ${shortestBits} at least are safe`)
  const { e, n } = key.export({ format: "jwk" })
  return n === undefined || e === undefined
    ? Either.left("it is no RSA key")
    : Either.right({ kty: "RSA", alg: "RS256", n, e })
}

const read = (make: () => KeyObject, otherwise: string): Either.Either<RsaKey, string> =>
  Either.flatMap(Either.try({ try: make, catch: () => otherwise }), fromKeyObject)

/** A PEM as Clerk's dashboard shows it; in an environment variable its line breaks may be written `\n`. */
export const rsaKeyOfPem = (pem: string): Either.Either<RsaKey, string> => {
  const text = pem.replaceAll("\\n", "\n")
  if (!text.includes("-----BEGIN PUBLIC KEY-----"))
    return Either.left("expected a PEM that begins with -----BEGIN PUBLIC KEY-----")
  return read(() => createPublicKey(text), "the PEM cannot be read as a public key")
}

export const rsaKeyOfJwk = (n: string, e: string): Either.Either<RsaKey, string> =>
  read(() => createPublicKey({ key: { kty: "RSA", n, e }, format: "jwk" }), "it cannot be read as a public key")
