import { useNavigate } from "@tanstack/react-router";
import { useAllowed } from "../api/access";
import { toErrorReport } from "../api/command";
import { useFillWithSampleTraffic } from "../api/health";
import { notifyDone, notifyFailure } from "../ui/notify";

/** Fills an empty registry with made-up calls and shows them; elsewhere the database refuses it, and this says why. */
export function useSampleTraffic(): () => void {
  const navigate = useNavigate();
  const fill = useFillWithSampleTraffic();
  const { limits: forbidden } = useAllowed();
  return () => {
    if (forbidden !== null) return notifyDone(forbidden, { stays: true });
    if (fill.isPending) return;
    fill.mutate(undefined, {
      onSuccess: () => {
        notifyDone("Filled the registry with made-up calls of the last 7 days");
        void navigate({ to: "/health" });
      },
      onError: (thrown) => notifyFailure("Could not fill in sample traffic", toErrorReport(thrown)),
    });
  };
}
