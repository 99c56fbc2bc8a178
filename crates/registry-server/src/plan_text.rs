//! A plan as it is written: for people as a difference by extension and field, for programs as JSON.

use registry::differences::FieldChange;
use registry::document::{DocumentProblem, Place};
use registry::plan::{PlannedChange, RegistryPlan};
use registry::time_travel::DifferenceKind;
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use crate::failure::Failure;
use crate::http::FieldChangeBody;
use crate::output::Output;
use crate::terminal::{BOLD, DIM, GREEN, RED, YELLOW, shown, shown_lines};
use crate::words::count;

/// A plan as JSON has it. Without a revision, the file could not be read and nothing was compared.
#[derive(Serialize)]
pub(crate) struct PlanBody {
    /// The registry's revision that it was made at.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<i64>,
    /// Whether extensions that are not in the file are deleted.
    prune: bool,
    /// Each extension that would change, ordered by id.
    changes: Vec<PlannedChangeBody>,
    /// How many extensions of the file are in the registry as they are there.
    unchanged_count: u32,
    /// How many are in the registry and not in the file.
    only_in_registry_count: u32,
    /// Why it can't be applied.
    problems: Vec<DocumentProblem>,
}

#[derive(Serialize)]
struct PlannedChangeBody {
    extension_id: String,
    kind: DifferenceKind,
    /// What differs, ordered by path; all fields if it is created or deleted.
    changes: Vec<FieldChangeBody>,
    /// Where it is in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Place>,
}

impl PlanBody {
    /// A plan.
    pub(crate) fn of(plan: RegistryPlan, prune: bool) -> Self {
        let change = |change: PlannedChange| PlannedChangeBody {
            extension_id: change.extension_id,
            kind: change.kind,
            changes: change
                .changes
                .into_iter()
                .map(FieldChangeBody::from)
                .collect(),
            place: change.place,
        };
        Self {
            revision: Some(plan.revision),
            prune,
            changes: plan.changes.into_iter().map(change).collect(),
            unchanged_count: plan.unchanged_count,
            only_in_registry_count: plan.only_in_registry_count,
            problems: plan.problems,
        }
    }

    /// That there is none, because the file can't be read as a registry.
    pub(crate) fn of_problems(problems: Vec<DocumentProblem>, prune: bool) -> Self {
        Self {
            revision: None,
            prune,
            changes: Vec::new(),
            unchanged_count: 0,
            only_in_registry_count: 0,
            problems,
        }
    }
}

/// Writes what is wrong with a file, as compilers do: `FILE:LINE:COLUMN: what`.
pub(crate) fn tell_problems(
    file: &str,
    problems: &[DocumentProblem],
    output: &mut Output,
) -> Result<(), Failure> {
    for problem in problems {
        let place = problem
            .place
            .map(|Place { line, column }| format!(":{line}:{column}"))
            .unwrap_or_default();
        let place = output.painted(&format!("{}{place}", shown(file)), BOLD);
        let word = output.painted("error", RED);
        output.line(&format!("{place}: {word}: {}", shown(&problem.message)))?;
        let action = output.painted(&shown(&problem.action), DIM);
        output.line(&format!("  {action}"))?;
    }
    Ok(())
}

/// Writes what a plan would change.
pub(crate) fn tell_plan(
    plan: &RegistryPlan,
    prune: bool,
    output: &mut Output,
) -> Result<(), Failure> {
    for change in &plan.changes {
        let (mark, style) = match change.kind {
            DifferenceKind::Created => ("+", GREEN),
            DifferenceKind::Changed => ("~", YELLOW),
            DifferenceKind::Deleted => ("-", RED),
        };
        let title = format!("{mark} {}", shown(&change.extension_id));
        let title = output.painted(&title, style);
        output.line(&title)?;
        for field in &change.changes {
            tell_field(field, output)?;
        }
    }
    let of = |kind| {
        plan.changes
            .iter()
            .filter(|change| change.kind == kind)
            .count()
    };
    let only_there = match plan.only_in_registry_count {
        0 => String::new(),
        _ if prune => String::new(),
        kept => format!("; {kept} only in the registry, which --prune would delete"),
    };
    output.line(&format!(
        "Plan at revision {}: {} to create, {} to change, {} to delete, {} unchanged{only_there}.",
        plan.revision,
        of(DifferenceKind::Created),
        of(DifferenceKind::Changed),
        of(DifferenceKind::Deleted),
        plan.unchanged_count,
    ))?;
    if !plan.problems.is_empty() {
        let problems = count(plan.problems.len() as u64, "problem", "problems");
        output.line(&format!("It can't be applied: the file has {problems}."))?;
    }
    Ok(())
}

/// A field: its lines before, and its lines after.
fn tell_field(field: &FieldChange, output: &mut Output) -> Result<(), Failure> {
    let path = shown(&field.path);
    let lines = |value: &Option<String>| value.as_deref().map(readable);
    let (before, after) = (lines(&field.before), lines(&field.after));
    let one_line =
        |value: &Option<String>| value.as_deref().is_none_or(|text| !text.contains('\n'));
    if one_line(&before) && one_line(&after) {
        for (value, mark, style) in [(before, "-", RED), (after, "+", GREEN)] {
            if let Some(value) = value {
                let line = output.painted(&format!("{mark} {path}: {value}"), style);
                output.line(&format!("    {line}"))?;
            }
        }
        return Ok(());
    }
    output.line(&format!("      {path}:"))?;
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let difference = TextDiff::from_lines(before.as_str(), after.as_str());
    for hunk in difference.grouped_ops(3).iter().flatten() {
        for change in difference.iter_changes(hunk) {
            let text = change.value().trim_end_matches('\n');
            let line = match change.tag() {
                ChangeTag::Delete => output.painted(&format!("- {text}"), RED),
                ChangeTag::Insert => output.painted(&format!("+ {text}"), GREEN),
                ChangeTag::Equal => format!("  {text}"),
            };
            output.line(&format!("    {line}"))?;
        }
    }
    Ok(())
}

/// A value as it reads best: a text of several lines as these lines, all else as JSON.
fn readable(json: &str) -> String {
    match serde_json::from_str::<String>(json) {
        Ok(text) if text.contains('\n') => shown_lines(&text).into_owned(),
        _ => shown(json).into_owned(),
    }
}
