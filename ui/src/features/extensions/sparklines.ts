import { createContext } from "react";
import type { HealthSparkline } from "../../bindings";

/**
 * The small charts of all extensions, by id; undefined while they are not read. A context, because rows are kept as
 * they are while only these change.
 */
export const SparklinesContext = createContext<ReadonlyMap<string, HealthSparkline> | undefined>(undefined);
