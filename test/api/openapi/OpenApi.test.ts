import * as HttpApi from "@effect/platform/HttpApi"
import { assert, describe, it } from "@effect/vitest"
import { Either, Option, Schema } from "effect"
import { Api } from "../../../src/api/Api.ts"
import { examples } from "../../../src/api/openapi/examples.ts"
import { asObject, isList, isObject, type Json, type JsonObject } from "../../../src/api/openapi/Json.ts"
import { openApi } from "../../../src/api/openapi/OpenApi.ts"

const document = openApi("1.2.3")
const named = asObject(asObject(document["components"])["schemas"])

/** Every node of the document, with its place. */
const walk = (node: Json, at: string, visit: (node: JsonObject, at: string) => void): void => {
  if (isList(node)) return node.forEach((item, i) => walk(item, `${at}/${i}`, visit))
  if (!isObject(node)) return
  visit(node, at)
  for (const [name, value] of Object.entries(node)) walk(value, `${at}/${name}`, visit)
}

const operations = Object.entries(asObject(document["paths"])).flatMap(([path, methods]) =>
  Object.entries(asObject(methods)).map(([method, operation]) => ({ path, method, operation: asObject(operation) }))
)

const refersTo = (member: Json) => String(asObject(member)["$ref"]).replace("#/components/schemas/", "")

describe("The OpenAPI document", () => {
  it("is version 3.1 and carries the version of the service", () => {
    assert.strictEqual(document["openapi"], "3.1.0")
    assert.strictEqual(asObject(document["info"])["version"], "1.2.3")
  })

  it("names each operation once, as the typed client does", () => {
    const ids = operations.map(({ operation }) => String(operation["operationId"]))
    assert.strictEqual(new Set(ids).size, ids.length)
    const methods: Array<string> = []
    HttpApi.reflect(Api, { onGroup: () => {}, onEndpoint: ({ endpoint }) => void methods.push(endpoint.name) })
    assert.sameMembers(ids, methods)
  })

  it("has a line for people on every operation", () => {
    for (const { operation } of operations) assert.match(String(operation["summary"]), /^[A-Z][a-z]+( [a-z]+)+$/)
  })

  it("tells the header that makes one paper order go wrong", () => {
    const placing = operations.find(({ operation }) => operation["operationId"] === "placeOrder")?.operation ?? {}
    assert.include(JSON.stringify(placing["parameters"]), '"x-paper-fault"')
    assert.include(JSON.stringify(document), "reject:30005")
  })

  it("shows the stream of events beside the list, and what each of its messages carries", () => {
    const listing = operations.find(({ operation }) => operation["operationId"] === "listEvents")?.operation ?? {}
    const content = asObject(asObject(asObject(listing["responses"])["200"])["content"])
    assert.sameMembers(Object.keys(content), ["application/json", "text/event-stream"])
    const stream = asObject(content["text/event-stream"])
    assert.include(String(stream["example"]), "event: snapshot\n")
    const data = asObject(asObject(stream["schema"])["x-message-data"])
    assert.deepStrictEqual(data["gap"], { $ref: "#/components/schemas/EventGap" })
    assert.property(named, "OrderChanged")
    assert.deepStrictEqual(asObject(asObject(asObject(named["OrderChanged"])["properties"])["data"]), {
      $ref: "#/components/schemas/Order"
    })
  })

  it("has a definition for every reference", () => {
    walk(document, "#", (node, at) => {
      const reference = node["$ref"]
      if (typeof reference === "string")
        assert.isTrue(Object.hasOwn(named, refersTo(node)), `${at} refers to ${reference}`)
    })
  })

  it("tells the members of every union of objects apart by their type", () => {
    let unions = 0
    walk(document, "#", (node, at) => {
      for (const keyword of ["anyOf", "oneOf"] as const) {
        const members = node[keyword]
        if (!isList(members)) continue
        const objects = members.filter((member) => {
          const target = asObject(asObject(member)["$ref"] === undefined ? member : named[refersTo(member)])
          return target["type"] === "object"
        })
        if (objects.length < 2) continue
        unions++
        const mapping = asObject(asObject(node["discriminator"])["mapping"])
        assert.strictEqual(keyword, "oneOf", at)
        assert.strictEqual(asObject(node["discriminator"])["propertyName"], "type", at)
        assert.sameMembers(
          Object.values(mapping),
          members.map((member) => asObject(member)["$ref"] ?? null),
          at
        )
      }
    })
    assert.isAbove(unions, 0)
  })

  it("names what is shared instead of repeating it", () => {
    for (const name of ["Ticker", "Symbol", "Candle", "OrderBook", "Order", "Fill", "Position", "Wallet", "Error"]) {
      assert.isTrue(Object.hasOwn(named, name), name)
    }
    const [placed] = operations.filter(({ operation }) => operation["operationId"] === "getTicker")
    assert.include(JSON.stringify(asObject(placed?.operation["responses"])["200"]), "#/components/schemas/Ticker")
  })

  it("shows the envelope, and per status the codes it may carry", () => {
    for (const { operation, path } of operations) {
      for (const [status, response] of Object.entries(asObject(operation["responses"]))) {
        const schema = asObject(asObject(asObject(asObject(response)["content"])["application/json"])["schema"])
        const success = asObject(asObject(schema["properties"])["success"])["enum"]
        assert.deepStrictEqual(success, [Number(status) < 400], `${path} ${status}`)
        if (Number(status) >= 400) assert.match(String(asObject(response)["description"]), /^`[A-Z_]+`: \S/, path)
      }
      for (const status of ["400", "404", "405", "413", "415", "429", "500", "503"]) {
        assert.property(asObject(operation["responses"]), status, path)
      }
    }
  })

  it("asks for a bearer wherever a scope is needed, and says which", () => {
    for (const { operation, path } of operations) {
      const open = operation["x-required-scope"] === undefined
      assert.strictEqual(isList(operation["security"]) && operation["security"].length === 0, open, path)
    }
  })

  it("has an example for every request body, and each example fits its schema", () => {
    HttpApi.reflect(Api, {
      onGroup: () => {},
      onEndpoint: ({ endpoint }) => {
        const example = examples[endpoint.name]
        if (Option.isSome(endpoint.payloadSchema)) {
          assert.isDefined(example?.request, `${endpoint.name} has no example`)
          const decoded = Schema.decodeUnknownEither(Schema.asSchema(endpoint.payloadSchema.value))(example?.request)
          assert.isTrue(Either.isRight(decoded), `${endpoint.name}: ${String(decoded)}`)
        }
        if (example?.response !== undefined) {
          const answer = { success: true, data: example.response }
          const decoded = Schema.decodeUnknownEither(endpoint.successSchema)(answer)
          assert.isTrue(Either.isRight(decoded), `${endpoint.name}: ${String(decoded)}`)
        }
      }
    })
  })
})
