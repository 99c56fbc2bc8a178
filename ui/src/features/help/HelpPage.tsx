import { useLocation, useNavigate, useParams } from "@tanstack/react-router";
import { firstDocument } from "./contents";
import { Help } from "./Help";

/** The Help as a page, whose address names the document and the heading. */
export function HelpPage() {
  const { document = firstDocument } = useParams({ strict: false }) as { document?: string };
  const heading = useLocation({ select: ({ hash }) => hash });
  const navigate = useNavigate();
  return (
    <Help
      place={{ document, heading }}
      onGo={({ document, heading }) =>
        void navigate({ to: "/help/$document", params: { document }, hash: heading })
      }
    />
  );
}
