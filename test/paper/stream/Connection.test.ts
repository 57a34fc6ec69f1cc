import { assert, describe, it } from "@effect/vitest"
import { Connection } from "../../../src/paper/stream/Connection.ts"

const opened = 1_700_000_000_000
const hour = 3_600_000

const none = () => undefined
const socket = { readyState: 1, bufferedAmount: 0, send: none, close: none, terminate: none }
const fresh = () => new Connection(socket, { listenKey: null, account: null, now: opened })

describe("a connection is overdue", () => {
  it("30 s after it opened or gave up its last channel, whatever it says meanwhile", () => {
    const connection = fresh()
    connection.admits(opened + 25_000)
    assert.isNull(connection.overdue(opened + 29_999))
    assert.isNotNull(connection.overdue(opened + 30_000))
    connection.subscribe("a")
    assert.isNull(connection.overdue(opened + 30_000))
    connection.unsubscribe("a", opened + 40_000)
    assert.isNull(connection.overdue(opened + 69_999))
    assert.isNotNull(connection.overdue(opened + 70_000))
  })

  it("60 s after the last message when subscribed", () => {
    const connection = fresh()
    connection.subscribe("a")
    assert.isNotNull(connection.overdue(opened + 60_000))
    connection.admits(opened + 60_000)
    assert.isNull(connection.overdue(opened + 119_999))
    connection.hear(opened + 119_999)
    assert.isNull(connection.overdue(opened + 179_998))
    assert.isNotNull(connection.overdue(opened + 179_999))
  })

  it("24 hours after it opened, however busy", () => {
    const connection = fresh()
    connection.subscribe("a")
    connection.admits(opened + 24 * hour - 1)
    assert.isNull(connection.overdue(opened + 24 * hour - 1))
    assert.isNotNull(connection.overdue(opened + 24 * hour))
  })

  it("and may send a hundred messages in a second", () => {
    const connection = fresh()
    const admitted = Array.from({ length: 101 }, () => connection.admits(opened))
    assert.deepStrictEqual([admitted.filter(Boolean).length, connection.admits(opened + 1_000)], [100, true])
  })
})
