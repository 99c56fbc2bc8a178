import { useDatabase } from "../../api/database";
import { Fact, Facts } from "../../ui/Facts";
import { Identifier } from "../../ui/Identifier";
import { Section } from "./Section";

export function DatabaseSection() {
  const status = useDatabase().progress?.status;
  if (status?.state !== "ready") return null;
  return (
    <Section title="Database">
      <Facts>
        <Fact name="Server">PostgreSQL {status.server_version}, embedded</Fact>
        <Fact name="Started by">{status.shared ? "another window of yours, shared" : "this window"}</Fact>
        <Fact name="Database">
          <Identifier label="database" value={status.database} />
        </Fact>
        <Fact name="Login">
          <Identifier label="login" value={status.login} />
        </Fact>
        <Fact name="OS user">
          <Identifier label="OS user" value={status.os_user} />
        </Fact>
        <Fact name="Data directory">
          <Identifier label="data directory" value={status.data_directory} />
        </Fact>
      </Facts>
    </Section>
  );
}
