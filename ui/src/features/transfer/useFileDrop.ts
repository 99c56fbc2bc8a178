import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { toErrorReport } from "../../api/command";
import { notifyFailure } from "../../ui/notify";
import { chooseFile } from "./chosenFile";

/** Takes a file that is dropped anywhere on the window to the import's preview; answers whether one is over it. */
export function useFileDrop(): boolean {
  const navigate = useNavigate();
  const [isOver, setIsOver] = useState(false);
  useEffect(() => {
    const hasFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    function over(event: DragEvent) {
      if (!hasFile(event)) return;
      event.preventDefault();
      setIsOver(true);
    }
    function leave(event: DragEvent) {
      // Not the way from one element to the next.
      if (event.relatedTarget === null) setIsOver(false);
    }
    function drop(event: DragEvent) {
      setIsOver(false);
      const file = event.dataTransfer?.files[0];
      if (!file) return;
      event.preventDefault();
      // What is typed in a dialog must not go with the page under it.
      if (document.querySelector("[role=dialog]")) return;
      chooseFile(file)
        .then(() => navigate({ to: "/import" }))
        .catch((thrown: unknown) => notifyFailure(`Could not read ${file.name}`, toErrorReport(thrown)));
    }
    window.addEventListener("dragover", over);
    window.addEventListener("dragleave", leave);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragover", over);
      window.removeEventListener("dragleave", leave);
      window.removeEventListener("drop", drop);
    };
  }, [navigate]);
  return isOver;
}
