import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import { toErrorReport } from "../../../api/command";
import { useParseUrl } from "../../../api/connections";
import type { ParsedConnectionUrl } from "../../../bindings";
import fonts from "../../../ui/fonts.module.css";
import classes from "./ConnectionForm.module.css";

/** Fills the form from a URL. What can't be read stays to be put right; what was read does not stay in sight. */
export function UrlField({ onParsed }: { onParsed: (parsed: ParsedConnectionUrl) => void }) {
  const [url, setUrl] = useState("");
  const parse = useParseUrl();
  const error = parse.error ? toErrorReport(parse.error) : null;

  function fill(text: string) {
    if (text.trim() === "") return;
    parse.mutate(text, {
      onSuccess: (parsed) => {
        setUrl("");
        parse.reset();
        onParsed(parsed);
      },
    });
  }

  return (
    <div className={classes.url}>
      <TextInput
        label="From a URL"
        description="Fills the fields below. A password in it goes to the field for passwords."
        size="xs"
        placeholder="postgres://user:password@host:5432/database?sslmode=verify-full"
        spellCheck={false}
        autoComplete="off"
        classNames={{ input: fonts.mono ?? "" }}
        value={url}
        error={error && `${error.message} ${error.action}`}
        onChange={(event) => {
          setUrl(event.currentTarget.value);
          parse.reset();
        }}
        onPaste={(event) => {
          // Pasted over nothing it is all that was meant.
          if (url !== "") return;
          event.preventDefault();
          const text = event.clipboardData.getData("text");
          setUrl(text);
          fill(text);
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          fill(url);
        }}
      />
      <Button size="xs" variant="default" loading={parse.isPending} onClick={() => fill(url)}>
        Fill in
      </Button>
    </div>
  );
}
