import { Question } from "../../../ui/Question";

/** Asked before a registry is no longer protected. */
export function ProtectionQuestion({ onKeep, onEnd }: { onKeep: () => void; onEnd: () => void }) {
  return (
    <Question
      title="No longer protect it as production?"
      refusal="Keep it protected"
      verb="Switch protection off"
      onRefuse={onKeep}
      onConfirm={onEnd}
    >
      From then on a switch off or a deletion in this registry is done at once, unless it takes the last
      enabled extension of a type or more than 20 together. It holds when the connection is saved.
    </Question>
  );
}
