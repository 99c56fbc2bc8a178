import { skipToken, useMutation, useQuery } from "@tanstack/react-query";
import { commands, type DocumentFormat, type RegistryPlan } from "../bindings";
import { unwrap } from "./command";
import { type Answer, note } from "./extensions";
import { keys } from "./keys";
import { rememberOwn } from "./ownRequests";

/** Writes extensions to a new file in the folder for downloads: those with these ids, or all. */
export function useExportRegistry() {
  return useMutation({
    mutationFn: ({ ids, format }: { ids: readonly string[] | null; format: DocumentFormat }) =>
      unwrap(commands.exportRegistry(ids === null ? null : [...ids], format)),
    meta: { invalidates: [] },
  });
}

/** One extension as a file would hold it, as YAML. */
export function useExtensionDocument(id: string) {
  return useQuery({
    queryKey: keys.extensions.document(id),
    queryFn: () => unwrap(commands.extensionDocument(id, "yaml")),
  });
}

/** A file that somebody chose. The number tells it from another of the same name. */
export type ChosenFile = { number: number; name: string; text: string };

/** What a file would change. It is made once and says at which revision; `refetch` makes it anew. */
export function useImportPlan(file: ChosenFile | null, prune: boolean) {
  return useQuery({
    queryKey: keys.importPlan(file?.number ?? null, prune),
    queryFn: file ? () => unwrap(commands.planImport(file.text, prune)) : skipToken,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    // The preview stays while another one of the same file is made: what is typed beside it must not go.
    placeholderData: (previous, query) => (query?.queryKey[1] === file?.number ? previous : undefined),
  });
}

type ApplyVariables = {
  file: ChosenFile;
  plan: RegistryPlan;
  prune: boolean;
  requestId: string;
  answer: Answer;
};

/** Makes the registry what the file says, as the plan that was looked at: all of it or nothing. */
export function useApplyImport() {
  return useMutation({
    mutationFn: ({ file, plan, prune, requestId, answer }: ApplyVariables) =>
      unwrap(
        commands.applyImport(
          file.text,
          { seen_revision: plan.revision, prune },
          { ...note(answer), request_id: rememberOwn(requestId) },
        ),
      ),
    meta: { invalidates: [keys.extensions.all, keys.audit.all, keys.health.all] },
  });
}
