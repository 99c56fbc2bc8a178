use super::*;

const MOCK: &str = "\
format: beamline-registry
version: 1
extensions:
  - id: mock_provider
    type: provider
    subject: beamline.provider.mock.v1
    enabled: true
    timeout_ms: 30000
    retry: 1
    config:
      answers:
        - \"yes\"
        - gpt-4o
        - - 1.00
          - 1e3
        - {}
        - key: env:NAME
          note: |-
            first line

              third, indented
      api_key:
        $redacted: \"0a1b2c\"
      rate: 1.50
    metadata: {}
";

fn problems(text: &str) -> Vec<DocumentProblem> {
    match RegistryDocument::parse(text) {
        Err(Error::DocumentInvalid { problems }) => problems,
        other => panic!("{text}\n{other:?}"),
    }
}

/// A file with one extension; `fields` are more lines of it, the first of which is line 7.
fn one(fields: &str) -> String {
    format!(
        "format: beamline-registry\nversion: 1\nextensions:\n  - id: a\n    type: pre\n    subject: s\n{fields}"
    )
}

#[test]
fn what_is_written_is_read_and_written_the_same() {
    let document = RegistryDocument::parse(MOCK).unwrap();
    assert_eq!(document.to_text(DocumentFormat::Yaml).unwrap(), MOCK);
    let json = document.to_text(DocumentFormat::Json).unwrap();
    assert!(
        json.contains("1.00") && json.contains("1e3"),
        "numbers keep their spelling: {json}"
    );
    let from_json = RegistryDocument::parse(&json).unwrap();
    assert_eq!(from_json.to_text(DocumentFormat::Yaml).unwrap(), MOCK);
    assert_eq!(from_json.to_text(DocumentFormat::Json).unwrap(), json);
}

#[test]
fn order_in_the_file_does_not_matter() {
    let text = "extensions:\n  - {subject: s2, id: b, type: post}\n  - config: {z: 1, a: 2}\n    id: a\n    subject: s1\n    type: pre\nversion: 1\nformat: beamline-registry\n";
    let written = RegistryDocument::parse(text)
        .unwrap()
        .to_text(DocumentFormat::Yaml)
        .unwrap();
    assert_eq!(
        written,
        "format: beamline-registry\nversion: 1\nextensions:\n  - id: a\n    type: pre\n    subject: s1\n    config:\n      a: 2\n      z: 1\n  - id: b\n    type: post\n    subject: s2\n"
    );
}

/// The first problem of a text: its kind, line and column, and path.
fn assert_first(text: &str, code: DocumentProblemCode, place: Option<(u32, u32)>, path: &str) {
    let found = problems(text).remove(0);
    let found_place = found.place.map(|place| (place.line, place.column));
    assert_eq!(
        (found.code, found_place, found.path.as_str()),
        (code, place, path),
        "{text}\n{found}"
    );
    assert!(
        found.message.ends_with('.') && found.action.ends_with('.'),
        "{found:?}"
    );
}

#[test]
fn what_can_not_be_read_has_a_code_and_a_place() {
    use DocumentProblemCode as Code;
    assert_first("", Code::WrongFormat, None, "");
    assert_first("- a", Code::WrongFormat, Some((1, 1)), "");
    assert_first("a: [", Code::Syntax, Some((2, 1)), "");
    assert_first("{\"a\": }", Code::Syntax, Some((1, 7)), "");
    // In characters and from 1, also at the beginning of a line.
    assert_first("{\"äöü\": }", Code::Syntax, Some((1, 9)), "");
    assert_first("{\"a\": t\n}", Code::Syntax, Some((2, 1)), "");
    for (fields, code, column) in [
        ("    config: {a: 0x1f}\n", Code::Unsupported, 17),
        ("    config: {a: .5}\n", Code::Unsupported, 17),
        ("    config: &a {}\n", Code::Unsupported, 13),
        ("    config: {a: !!str 1}\n", Code::Unsupported, 17),
        ("    config: {a: 1, a: 2}\n", Code::Duplicate, 20),
        ("    config: {[a]: 1}\n", Code::Unsupported, 14),
        ("---\n", Code::Unsupported, 1),
    ] {
        assert_first(&one(fields), code, Some((7, column)), "");
    }
}

#[test]
fn what_does_not_fit_has_a_code_a_place_and_a_path() {
    use DocumentProblemCode as Code;
    for (fields, code, column, path) in [
        ("    retries: 1\n", Code::UnknownField, 5, "/retries"),
        ("    retry: many\n", Code::WrongValue, 12, "/retry"),
        ("    retry: 3000000000\n", Code::WrongValue, 12, "/retry"),
        ("    enabled: yes\n", Code::WrongValue, 14, "/enabled"),
        ("    config: [1]\n", Code::WrongValue, 13, "/config"),
        (
            "    config: {a: 1e99999}\n",
            Code::WrongValue,
            17,
            "/config",
        ),
        (
            "    config: {a: \"\\0\"}\n",
            Code::WrongValue,
            17,
            "/config",
        ),
    ] {
        let path = format!("/extensions/0{path}");
        assert_first(&one(fields), code, Some((7, column)), &path);
    }
    let twice = one("  - {id: a, type: pre, subject: t}\n");
    assert_first(&twice, Code::Duplicate, Some((7, 6)), "/extensions/1/id");
    for (from, to, code, place, path) in [
        (
            "type: provider",
            "type: other",
            Code::WrongValue,
            (5, 11),
            "/extensions/0/type",
        ),
        (
            "    subject: beamline.provider.mock.v1\n",
            "",
            Code::MissingField,
            (4, 5),
            "/extensions/0/subject",
        ),
        (
            "version: 1",
            "version: 2",
            Code::WrongFormat,
            (2, 10),
            "/version",
        ),
        (
            "format: beamline-registry",
            "format: other",
            Code::WrongFormat,
            (1, 9),
            "/format",
        ),
        (
            "format: beamline-registry",
            "formats: beamline-registry",
            Code::UnknownField,
            (1, 1),
            "/formats",
        ),
    ] {
        assert_first(&MOCK.replace(from, to), code, Some(place), path);
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let text = MOCK
        .replace("retry: 1", "retry: no")
        .replace("enabled: true", "enbled: true");
    let found = problems(&text);
    assert_eq!(found.len(), 2);
    assert!(
        found
            .iter()
            .all(|problem| problem.extension_id.as_deref() == Some("mock_provider"))
    );
}

#[test]
fn a_file_that_is_nested_without_end_is_refused_and_no_crash() {
    let yaml = one(&format!("    config: {{a: {}\n", "[".repeat(200_000)));
    let json = format!("{{\"extensions\": {}", "[".repeat(200_000));
    let whole = format!("{{\"extensions\": {}{}}}", "[".repeat(120), "]".repeat(120));
    for text in [yaml, json, whole] {
        assert_eq!(problems(&text).len(), 1);
    }
}

#[test]
fn a_file_that_is_too_large_is_refused_unread() {
    let found = problems(&" ".repeat(RegistryDocument::SIZE_MAX + 1));
    assert_eq!(found[0].code, DocumentProblemCode::TooLarge);
    assert!(found[0].message.contains("33 MiB, 32"), "{}", found[0]);
}

#[test]
fn texts_that_yaml_takes_for_something_else_are_quoted() {
    for text in [
        "",
        " a",
        "a ",
        "yes",
        "NO",
        "null",
        "~",
        "1",
        "1.5",
        "-1",
        "0x1",
        "2026-01-01",
        "1:30",
        "a: b",
        "a #b",
        "a:",
        "- a",
        "? a",
        "[a",
        "{a",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "'a",
        "\"a",
        "%a",
        "@a",
        "`a",
        "a\nb ",
        "\na\nb",
        "a\n\nb\n\n",
        "a\tb",
        "a\r\nb",
        "\u{85}",
        "\u{2028}a",
        "\u{feff}a",
        "a\u{7f}",
        "日本語",
        "😀",
        "\u{202e}a",
        "<b>",
        "a\nb",
        "a\nb\n",
        "#",
        "---",
        "...",
    ] {
        let json = format!(
            "{{\"format\": \"beamline-registry\", \"version\": 1, \"extensions\": [{{\"id\": \"a\", \"type\": \"pre\", \"subject\": \"s\", \"config\": {{{0}: {0}, \"list\": [{0}, [{0}]]}}}}]}}",
            serde_json::to_string(text).unwrap()
        );
        let document = RegistryDocument::parse(&json).unwrap();
        let yaml = document.to_text(DocumentFormat::Yaml).unwrap();
        let read = RegistryDocument::parse(&yaml).unwrap_or_else(|error| panic!("{yaml}\n{error}"));
        assert_eq!(
            read.to_text(DocumentFormat::Json).unwrap(),
            document.to_text(DocumentFormat::Json).unwrap(),
            "{yaml}"
        );
    }
}

#[test]
fn a_long_file_on_one_line_is_read_in_one_go() {
    let items: Vec<String> = (0..100_000)
        .map(|n| {
            format!("{{\"id\":\"e{n}\",\"type\":\"pre\",\"subject\":\"s{n}\",\"retry\":\"no\"}}")
        })
        .collect();
    let text = format!(
        "{{\"format\":\"beamline-registry\",\"version\":1,\"extensions\":[{}]}}",
        items.join(",")
    );
    let found = problems(&text);
    assert_eq!(found.len(), PROBLEMS_MAX);
    let Place { line, column } = found[0].place.unwrap();
    assert_eq!(line, 1);
    assert!(
        text[column as usize - 1..].starts_with("\"no\""),
        "{column}"
    );
}
