//! The registry to a file and back: the same bytes.

use serde_json::Value;

use crate::support::Shell;

/// Values that a careless reader or writer would change.
const ODD: &str = r##"{
    "numbers": [1.00, 0.1000, -0.0, 123456789012345678901234567890, 1e30, 1E-7, 0.30000000000000004],
    "texts": ["", " ", "yes", "null", "0x1f", "2026-01-01", "a: b", "- a", "# a", "*a", "!a", "'", "\"", "\\",
              "line\nline\n\n", "tab\t", "\r", "\u007f", "\u0085", "\u009b2J", "\u2028", "\u202e", "\ufeff", "\ufffd",
              "größer", "例え", "👩‍👩‍👧", "e\u0301", "\ud83d\ude00"],
    "": {"": null},
    "ключ": {"a/b": 1, "a~b": 2, "a b": 3, "a:b": [[], {}, [[]]], "\u0007": true},
    "nested": {"a": {"b": {"c": {"d": [{"e": []}]}}}},
    "reference": {"api_key": "env:OPENAI_KEY", "token": "vault:kv/openai#key"}
}"##;

async fn odd() -> Shell {
    let shell = Shell::new().await;
    let config = shell.file("odd.json", ODD);
    for (id, arguments) in [
        (
            "odd.1",
            &["--disabled", "--timeout-ms", "600000", "--retry", "10"][..],
        ),
        ("2048", &["--timeout-ms", "1", "--retry", "0"]),
        ("null", &[]),
        ("yes", &[]),
        ("A", &[]),
        ("a", &[]),
    ] {
        let subject = format!("odd.{id}");
        let create = [
            "create",
            id,
            "--type",
            "post",
            "--subject",
            &subject,
            "--config",
            &config,
            "--metadata",
            &config,
        ];
        shell.run(&[&create[..], arguments].concat()).with(0);
    }
    shell
}

async fn empty() -> Shell {
    let shell = Shell::new().await;
    shell.database.execute("DELETE FROM extensions").await;
    shell
}

#[tokio::test]
async fn export_and_apply_to_an_empty_registry_give_the_same_bytes() {
    let source = odd().await;
    for (format, other) in [("yaml", "json"), ("json", "yaml")] {
        let exported = source.run(&["export", "--format", format]).with(0).out;
        let target = empty().await;
        let path = target.file(&format!("registry.{format}"), &exported);
        target.run(&["apply", "--file", &path, "--yes"]).with(0);
        assert_eq!(
            target.run(&["export", "--format", format]).with(0).out,
            exported
        );
        let in_other = ["export", "--format", other];
        assert_eq!(
            target.run(&in_other).with(0).out,
            source.run(&in_other).with(0).out
        );
        let again = target
            .run(&["plan", "--file", &path, "--json"])
            .with(0)
            .json();
        assert_eq!(
            (&again["unchanged_count"], &again["changes"]),
            (&12.into(), &Value::Array(Vec::new()))
        );
    }
    let stored = "SELECT config ->> 'numbers' FROM extensions WHERE id = 'a'";
    let stored = source.database.value(stored).await;
    assert!(
        stored.starts_with("[1.00, 0.1000, ") && stored.contains("123456789012345678901234567890"),
        "{stored}"
    );
}

#[tokio::test]
async fn an_export_is_a_file_of_its_name_whole_or_not_at_all() {
    let shell = Shell::new().await;
    let path = shell.path("registry.json");
    let told = shell
        .run(&["export", "pii_guard", "-o", &path, "--json"])
        .with(0)
        .json();
    assert_eq!(told["extension_count"], 1);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with('{'), "by its name: {text}");
    assert_eq!(
        text,
        shell
            .run(&["export", "pii_guard", "--format", "json"])
            .with(0)
            .out
    );
    let words = shell
        .run(&["export", "--format", "yaml", "-o", &path])
        .with(0);
    assert!(
        words.out.starts_with("Wrote 6 extensions to "),
        "{}",
        words.out
    );
    assert!(
        std::fs::read_to_string(&path)
            .unwrap()
            .starts_with("format: ")
    );
    shell.run(&["export", "nobody", "-o", &path]).with(66);
    assert!(
        std::fs::read_to_string(&path)
            .unwrap()
            .starts_with("format: "),
        "the old one stays"
    );
    assert_eq!(
        shell.files(),
        ["registry.json"],
        "nothing is left beside it"
    );
}

#[tokio::test]
async fn a_secret_is_no_part_of_a_file_and_is_asked_for_where_it_is_not_known() {
    let source = Shell::new().await;
    source.create_with("one", r#"{"api_key": "planted-secret", "model": "a"}"#);
    let exported = source.run(&["export", "one"]).with(0).out;
    assert!(
        !exported.contains("planted") && exported.contains("$redacted"),
        "{exported}"
    );
    let path = source.file("one.yaml", &exported.replace("model: a", "model: b"));
    let plan = source.run(&["plan", "--file", &path]).with(2);
    assert!(
        plan.out.contains("+ /config/model: \"b\"") && !plan.out.contains("api_key"),
        "{}",
        plan.out
    );
    source.run(&["apply", "--file", &path, "--yes"]).with(0);
    let stored = "SELECT config ->> 'api_key' FROM extensions WHERE id = 'one'";
    assert_eq!(
        source.database.value(stored).await,
        "planted-secret",
        "a mark keeps it"
    );

    let target = empty().await;
    let refused = target
        .run(&["plan", "--file", &path, "--json"])
        .with(1)
        .json();
    assert_eq!(refused["problems"][0]["code"], "secret_unknown");
    let line = exported
        .lines()
        .position(|line| line.trim() == "config:")
        .unwrap()
        + 1;
    assert_eq!(refused["problems"][0]["place"]["line"], line);
    let told = target.run(&["plan", "--file", &path]).with(1);
    assert!(
        told.out.starts_with(&format!("{path}:{line}:")),
        "{}",
        told.out
    );
    target.run(&["apply", "--file", &path, "--yes"]).with(1);
    assert_eq!(
        target.run(&["list", "--json"]).json()["extensions"],
        Value::Array(Vec::new())
    );
}
