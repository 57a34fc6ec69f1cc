import accounts from "./0001_accounts.ts"
import orders from "./0002_orders.ts"
import rules from "./0003_rules.ts"
import ledger from "./0004_ledger.ts"
import limits from "./0005_limits.ts"
import events from "./0006_events.ts"
import cycles from "./0007_cycles.ts"
import orderLife from "./0008_orders.ts"
import ruleLife from "./0009_rules.ts"
import access from "./0010_access.ts"
import keys from "./0011_keys.ts"
import disabledBy from "./0012_disabled_by.ts"

/** In the order of application; names never change, statements are never edited once released. */
export const migrations: Readonly<Record<string, ReadonlyArray<string>>> = {
  "0001_accounts": accounts,
  "0002_orders": orders,
  "0003_rules": rules,
  "0004_ledger": ledger,
  "0005_limits": limits,
  "0006_events": events,
  "0007_cycles": cycles,
  "0008_orders": orderLife,
  "0009_rules": ruleLife,
  "0010_access": access,
  "0011_keys": keys,
  "0012_disabled_by": disabledBy
}

/**
 * The number of the last migration that programs which do not know it cannot run on. Additions leave it alone; it is
 * raised when a column or table goes away, two versions after the code stopped using it.
 */
export const minBinary = 3
