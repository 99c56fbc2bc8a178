import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { keys } from "./keys";

/** Verifies the audit log anew where its state is shown; what is under way goes on. */
export function useVerifyAgain(): () => void {
  const client = useQueryClient();
  return useCallback(() => {
    void client.invalidateQueries({ queryKey: keys.audit.verification() }, { cancelRefetch: false });
  }, [client]);
}
