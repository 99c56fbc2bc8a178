//! The registry as a file: YAML or JSON, read with places, written always the same way.
//!
//! ```yaml
//! format: beamline-registry
//! version: 1
//! extensions:
//!   - id: mock_provider
//!     type: provider
//!     subject: beamline.provider.mock.v1
//!     enabled: true
//!     timeout_ms: 30000
//!     retry: 1
//!     config:
//!       mode: echo
//!     metadata: {}
//! ```
//!
//! `id`, `type` and `subject` are required. What else is left out stays as it is, or has the registry's default
//! where the extension is new. Extensions are ordered by id and keys by name, so that two exports of the same
//! registry are the same bytes and a line that differs is a change. Numbers keep their spelling. Secrets are
//! replaced by `$redacted` and a fingerprint; read again, such a mark keeps the secret that is stored.

mod json;
mod node;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use specta::Type;

use self::node::{Kind, Node};
use crate::extensions::ExtensionType;
use crate::{Error, Result};

/// What the field `format` of a file says.
const FORMAT: &str = "beamline-registry";
/// What the field `version` of a file says.
const VERSION: &str = "1";
/// More problems than these are not told.
pub(crate) const PROBLEMS_MAX: usize = 1_000;

/// How the registry is written to a file. Either is read.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum DocumentFormat {
    /// YAML 1.2 of the kind that other programs read alike: no anchors, no tags.
    Yaml,
    /// JSON, indented.
    Json,
}

/// Extensions as a file holds them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegistryDocument {
    /// Ordered by id, each id once.
    pub(crate) extensions: Vec<DocumentExtension>,
}

/// One extension of a file. What is none stays as it is in the registry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DocumentExtension {
    pub(crate) id: String,
    pub(crate) extension_type: ExtensionType,
    pub(crate) subject: String,
    pub(crate) enabled: Option<bool>,
    pub(crate) timeout_ms: Option<i32>,
    pub(crate) retry: Option<i32>,
    /// JSON text.
    pub(crate) config: Option<String>,
    /// JSON text.
    pub(crate) metadata: Option<String>,
    pub(crate) places: Places,
}

/// Where in a file an extension and its fields are. An extension that was read from the registry has none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Places {
    /// How manieth it is in the file, from 0.
    pub(crate) position: usize,
    pub(crate) start: Option<Place>,
    pub(crate) fields: BTreeMap<&'static str, Place>,
}

/// A place in a text.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize, Type,
)]
pub struct Place {
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

/// Why a file can't be imported, and where. Values are left out where they may be secrets.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, Type)]
pub struct DocumentProblem {
    /// The kind of problem.
    pub code: DocumentProblemCode,
    /// Where in the file; none where it is about something that the file doesn't say.
    pub place: Option<Place>,
    /// The extension, where it is known.
    pub extension_id: Option<String>,
    /// The field at fault: a JSON Pointer into the file, such as `/extensions/3/timeout_ms`; empty for all of it.
    pub path: String,
    /// What is wrong: one sentence.
    pub message: String,
    /// What to do: one sentence.
    pub action: String,
}

/// Names the kind of a [`DocumentProblem`]. The spelling is part of the interface.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum DocumentProblemCode {
    /// It is larger than [`RegistryDocument::SIZE_MAX`].
    TooLarge,
    /// It is neither YAML nor JSON.
    Syntax,
    /// It is YAML of a kind that JSON has no like of: an anchor, a tag, a second document, a number such as `0x1f`.
    Unsupported,
    /// It is no file of this format, or of another version.
    WrongFormat,
    /// A field that must be there is not.
    MissingField,
    /// A field that there is not.
    UnknownField,
    /// A value of another type than the field's, or one that can't be stored.
    WrongValue,
    /// A key or an id for the second time.
    Duplicate,
    /// A rule for extensions is broken.
    RuleBroken,
    /// Another extension has the subject.
    SubjectTaken,
    /// A mark stands for a secret that the registry doesn't have there.
    SecretUnknown,
    /// A configuration breaks its schema.
    ConfigurationInvalid,
}

impl fmt::Display for DocumentProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Place { line, column }) = self.place {
            write!(formatter, "line {line}, column {column}: ")?;
        }
        formatter.write_str(&self.message)
    }
}

impl RegistryDocument {
    /// The largest file, in bytes: 32 MiB.
    pub const SIZE_MAX: usize = 32 * 1024 * 1024;

    /// Reads a file: JSON if it begins with a brace, else YAML.
    ///
    /// # Errors
    /// [`Error::DocumentInvalid`] with each problem and its place: of the syntax the first, else all.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let invalid = |problem| Error::DocumentInvalid {
            problems: vec![problem],
        };
        if text.len() > Self::SIZE_MAX {
            return Err(invalid(DocumentProblem::new(
                DocumentProblemCode::TooLarge,
                None,
                format!(
                    "The file has {} MiB, {} are allowed.",
                    text.len().div_ceil(1024 * 1024),
                    Self::SIZE_MAX / 1024 / 1024
                ),
                "Import it in parts.",
            )));
        }
        let root = if text.trim_start().starts_with('{') {
            json::parse(text)
        } else {
            yaml::parse(text)
        }
        .map_err(invalid)?;
        let mut reader = Reader::default();
        let document = reader.document(root);
        if reader.problems.is_empty() {
            Ok(document)
        } else {
            reader.problems.truncate(PROBLEMS_MAX);
            Err(Error::DocumentInvalid {
                problems: reader.problems,
            })
        }
    }

    /// The file's text: the same for the same extensions, to the byte.
    ///
    /// # Errors
    /// [`Error::Internal`] if a configuration is no JSON, which the database rules out.
    pub fn to_text(&self, format: DocumentFormat) -> Result<String> {
        let extensions = self
            .extensions
            .iter()
            .map(DocumentExtension::node)
            .collect::<Result<Vec<_>>>()?;
        let root = Node::map([
            ("format", Node::text(FORMAT)),
            ("version", Node::of(Kind::Number(VERSION.into()))),
            ("extensions", Node::of(Kind::List(extensions))),
        ]);
        Ok(match format {
            DocumentFormat::Yaml => yaml::write(&root),
            DocumentFormat::Json => json::write_indented(&root),
        })
    }

    /// How many extensions it holds.
    pub fn len(&self) -> usize {
        self.extensions.len()
    }

    /// Whether it holds no extension.
    pub fn is_empty(&self) -> bool {
        self.extensions.is_empty()
    }
}

impl DocumentExtension {
    fn node(&self) -> Result<Node> {
        let json = |text: &String| {
            let mut node = json::parse(text).map_err(|problem| Error::Internal {
                attempted: "Writing the registry to a file",
                source: problem.to_string().into(),
            })?;
            node.sort();
            Ok(node)
        };
        let number = |number: i32| Node::of(Kind::Number(number.to_string()));
        let mut members = vec![
            ("id", Node::text(&self.id)),
            ("type", Node::text(self.extension_type.name())),
            ("subject", Node::text(&self.subject)),
        ];
        members.extend(
            self.enabled
                .map(|enabled| ("enabled", Node::of(Kind::Bool(enabled)))),
        );
        members.extend(
            self.timeout_ms
                .map(|timeout_ms| ("timeout_ms", number(timeout_ms))),
        );
        members.extend(self.retry.map(|retry| ("retry", number(retry))));
        if let Some(config) = &self.config {
            members.push(("config", json(config)?));
        }
        if let Some(metadata) = &self.metadata {
            members.push(("metadata", json(metadata)?));
        }
        Ok(Node::map(members))
    }

    /// A problem with one of its fields; with all of it if the field is empty.
    pub(crate) fn problem(
        &self,
        code: DocumentProblemCode,
        field: &str,
        message: String,
        action: &str,
    ) -> DocumentProblem {
        let name = field.split('/').next().unwrap_or_default();
        let separator = if field.is_empty() { "" } else { "/" };
        DocumentProblem {
            code,
            place: self.places.fields.get(name).copied().or(self.places.start),
            extension_id: Some(self.id.clone()),
            path: format!("/extensions/{}{separator}{field}", self.places.position),
            message,
            action: action.to_owned(),
        }
    }
}

impl DocumentProblem {
    fn new(code: DocumentProblemCode, place: Option<Place>, message: String, action: &str) -> Self {
        Self {
            code,
            place,
            extension_id: None,
            path: String::new(),
            message,
            action: action.to_owned(),
        }
    }
}

/// The fields of an extension in a file, in the order in which they are written.
const FIELDS: [&str; 8] = [
    "id",
    "type",
    "subject",
    "enabled",
    "timeout_ms",
    "retry",
    "config",
    "metadata",
];

/// Makes a document of a tree and collects everything that is wrong with it.
#[derive(Default)]
struct Reader {
    problems: Vec<DocumentProblem>,
}

impl Reader {
    fn tell(
        &mut self,
        code: DocumentProblemCode,
        place: Place,
        path: &str,
        message: String,
        action: &str,
    ) {
        let mut problem = DocumentProblem::new(code, Some(place), message, action);
        path.clone_into(&mut problem.path);
        self.problems.push(problem);
    }

    fn document(&mut self, root: Node) -> RegistryDocument {
        let place = root.place;
        let Kind::Map(members) = root.kind else {
            self.tell(
                DocumentProblemCode::WrongFormat,
                place,
                "",
                "The file is no registry: it doesn't begin with fields.".into(),
                "Begin it with \"format: beamline-registry\", as an export does.",
            );
            return RegistryDocument::default();
        };
        let mut format = None;
        let mut version = None;
        let mut extensions = None;
        for (key, value) in members {
            match key.text.as_str() {
                "format" => format = Some(value),
                "version" => version = Some(value),
                "extensions" => extensions = Some(value),
                unknown => self.tell(
                    DocumentProblemCode::UnknownField,
                    key.place,
                    &format!("/{unknown}"),
                    format!("The file has no field {unknown:?}."),
                    "Remove it; the fields are format, version and extensions.",
                ),
            }
        }
        self.header("format", FORMAT, place, format.as_ref());
        self.header("version", VERSION, place, version.as_ref());
        let items = match extensions {
            None => {
                self.missing(place, "/extensions", "The file has no extensions.");
                Vec::new()
            }
            Some(Node {
                kind: Kind::List(items),
                ..
            }) => items,
            Some(other) => {
                self.wrong(
                    other.place,
                    "/extensions",
                    "extensions is no list.".into(),
                    "Write a list, each item with a dash.",
                );
                Vec::new()
            }
        };
        let mut read = Vec::with_capacity(items.len());
        let mut ids = BTreeSet::new();
        for (position, item) in items.into_iter().enumerate() {
            let known = self.problems.len();
            if let Some(extension) = self.extension(position, item) {
                if !ids.insert(extension.id.clone()) {
                    self.problems.push(extension.problem(
                        DocumentProblemCode::Duplicate,
                        "id",
                        format!("{:?} is in the file twice.", extension.id),
                        "Remove one of them.",
                    ));
                }
                for problem in &mut self.problems[known..] {
                    problem.extension_id = Some(extension.id.clone());
                }
                read.push(extension);
            }
        }
        read.sort_by(|left, right| left.id.cmp(&right.id));
        RegistryDocument { extensions: read }
    }

    fn header(&mut self, name: &str, expected: &str, root: Place, found: Option<&Node>) {
        let path = format!("/{name}");
        match found {
            None => self.missing(root, &path, &format!("The file doesn't say its {name}.")),
            Some(Node { kind: Kind::Text(text) | Kind::Number(text), .. }) if text == expected => {}
            Some(other) => self.tell(
                DocumentProblemCode::WrongFormat,
                other.place,
                &path,
                format!("The {name} of the file is another than {expected}, which this program reads."),
                "Export it from the registry of this program, or install the program that it is from.",
            ),
        }
    }

    fn extension(&mut self, position: usize, item: Node) -> Option<DocumentExtension> {
        let base = format!("/extensions/{position}");
        let start = item.place;
        let Kind::Map(members) = item.kind else {
            self.wrong(
                start,
                &base,
                "An extension is no set of fields.".into(),
                "Write id, type, subject and so on.",
            );
            return None;
        };
        let mut found: BTreeMap<&'static str, Node> = BTreeMap::new();
        let mut places = Places {
            position,
            start: Some(start),
            fields: BTreeMap::new(),
        };
        for (key, value) in members {
            match FIELDS.iter().find(|field| **field == key.text) {
                Some(field) => {
                    places.fields.insert(*field, key.place);
                    found.insert(*field, value);
                }
                None => self.tell(
                    DocumentProblemCode::UnknownField,
                    key.place,
                    &format!("{base}/{}", key.text),
                    format!("An extension has no field {:?}.", key.text),
                    "Remove it; the fields are id, type, subject, enabled, timeout_ms, retry, config and metadata.",
                ),
            }
        }
        for field in ["id", "type", "subject"] {
            if !found.contains_key(field) {
                self.missing(
                    start,
                    &format!("{base}/{field}"),
                    &format!("The extension has no {field}."),
                );
            }
        }
        let id = found
            .remove("id")
            .and_then(|node| self.text(&base, "id", node));
        let extension_type = found
            .remove("type")
            .and_then(|node| self.extension_type(&base, node));
        let subject = found
            .remove("subject")
            .and_then(|node| self.text(&base, "subject", node));
        let enabled = found
            .remove("enabled")
            .and_then(|node| self.switch(&base, &node));
        let timeout_ms = found
            .remove("timeout_ms")
            .and_then(|node| self.whole_number(&base, "timeout_ms", &node));
        let retry = found
            .remove("retry")
            .and_then(|node| self.whole_number(&base, "retry", &node));
        let config = found
            .remove("config")
            .and_then(|node| self.object(&base, "config", &node));
        let metadata = found
            .remove("metadata")
            .and_then(|node| self.object(&base, "metadata", &node));
        Some(DocumentExtension {
            id: id?,
            extension_type: extension_type?,
            subject: subject?,
            enabled,
            timeout_ms,
            retry,
            config,
            metadata,
            places,
        })
    }

    fn text(&mut self, base: &str, field: &str, node: Node) -> Option<String> {
        match node.kind {
            Kind::Text(text) => match node::unstorable_text(&text) {
                None => Some(text),
                Some(why) => {
                    self.wrong(
                        node.place,
                        &format!("{base}/{field}"),
                        format!("{field} {why}."),
                        "Remove it.",
                    );
                    None
                }
            },
            // A name of digits alone, such as 2048, needs no quotes.
            Kind::Number(text) => Some(text),
            _ => {
                self.wrong(
                    node.place,
                    &format!("{base}/{field}"),
                    format!("{field} is no text."),
                    "Write a text; put it in quotes if need be.",
                );
                None
            }
        }
    }

    fn extension_type(&mut self, base: &str, node: Node) -> Option<ExtensionType> {
        let place = node.place;
        let name = self.text(base, "type", node)?;
        let known = ExtensionType::try_from(name.as_str()).ok();
        if known.is_none() {
            self.wrong(
                place,
                &format!("{base}/type"),
                format!("There is no type {name:?}."),
                "Choose pre, validator, post or provider.",
            );
        }
        known
    }

    fn switch(&mut self, base: &str, node: &Node) -> Option<bool> {
        if let Kind::Bool(enabled) = node.kind {
            return Some(enabled);
        }
        self.wrong(
            node.place,
            &format!("{base}/enabled"),
            "enabled is neither true nor false.".into(),
            "Write true or false, without quotes.",
        );
        None
    }

    fn whole_number(&mut self, base: &str, field: &str, node: &Node) -> Option<i32> {
        let number = match &node.kind {
            Kind::Number(text) => text.parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.wrong(
                node.place,
                &format!("{base}/{field}"),
                format!("{field} is no whole number, or too large."),
                "Write digits alone, without quotes.",
            );
        }
        number
    }

    /// JSON text; a null is one of an older writer, and stays where it is.
    fn object(&mut self, base: &str, field: &str, node: &Node) -> Option<String> {
        if !matches!(node.kind, Kind::Map(_) | Kind::Null) {
            self.wrong(
                node.place,
                &format!("{base}/{field}"),
                format!("{field} is no set of keys and values."),
                "Write keys and values, or {} for none.",
            );
            return None;
        }
        if let Some((place, why)) = node.unstorable() {
            self.wrong(
                place,
                &format!("{base}/{field}"),
                format!("{field} holds what the registry can't store: it {why}."),
                "Change it at that place.",
            );
            return None;
        }
        Some(json::write(node))
    }

    fn missing(&mut self, place: Place, path: &str, message: &str) {
        self.tell(
            DocumentProblemCode::MissingField,
            place,
            path,
            message.to_owned(),
            "Add it.",
        );
    }

    fn wrong(&mut self, place: Place, path: &str, message: String, action: &str) {
        self.tell(
            DocumentProblemCode::WrongValue,
            place,
            path,
            message,
            action,
        );
    }
}

#[cfg(test)]
mod tests;
