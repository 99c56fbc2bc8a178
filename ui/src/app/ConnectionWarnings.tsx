import type { OpenConnection } from "../bindings";
import { pollingWords, tlsConsequences } from "../ui/connectionWords";
import { IconClockExclamation, IconEye, IconLockOpen } from "../ui/icons";
import { StatusWord } from "../ui/StatusWord";

/** What about the connection is not as one would expect: each a word, with the consequence on hover. */
export function ConnectionWarnings({ connection }: { connection: OpenConnection }) {
  const { is_tls_weak, tls_mode, read_only_reason, can_listen } = connection;
  return (
    <>
      {is_tls_weak && tls_mode !== null && (
        <span title={`${tls_mode}. ${tlsConsequences[tls_mode] ?? ""}`}>
          <StatusWord icon={IconLockOpen} tone="warn">
            {tls_mode === "disable" ? "not encrypted" : "weak TLS"}
          </StatusWord>
        </span>
      )}
      {read_only_reason !== null && (
        <span title={read_only_reason}>
          <StatusWord icon={IconEye} tone="warn">
            read-only
          </StatusWord>
        </span>
      )}
      {!can_listen && (
        <span title={pollingWords}>
          <StatusWord icon={IconClockExclamation} tone="quiet">
            polled
          </StatusWord>
        </span>
      )}
    </>
  );
}
