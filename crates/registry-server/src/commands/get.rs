//! `registryctl get`: one extension, whole.

use clap::Args;
use registry::extensions::ExtensionDetail;
use serde_json::value::RawValue;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::http::ExtensionBody;
use crate::output::Output;
use crate::place::Place;
use crate::terminal::{BOLD, DIM, GREEN, shown, shown_json};
use crate::words::{self, NONE};

/// Which one.
#[derive(Args, Debug)]
pub(crate) struct GetOptions {
    /// The extension
    #[arg(value_name = "ID")]
    id: String,
}

/// Shows an extension.
pub(crate) async fn run(
    options: GetOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let opened = place.open().await?;
    let detail = opened.registry.get_extension_detail(&options.id).await?;
    tell(detail, output)?;
    opened.close().await;
    Ok(Exit::Done)
}

/// Writes an extension, as it is asked for.
pub(crate) fn tell(detail: ExtensionDetail, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(&ExtensionBody::from(detail));
    }
    let extension = &detail.extension;
    let id = output.painted(&shown(&extension.id), BOLD);
    output.line(&id)?;
    let state = if extension.enabled {
        output.painted("on", GREEN)
    } else {
        "off".to_owned()
    };
    let changed = extension.last_change.as_ref().map_or_else(
        || NONE.to_owned(),
        |change| {
            format!(
                "{} {} by {}",
                words::time_or_none(change.timestamp),
                change.action.name(),
                shown(change.changed_by.as_deref().unwrap_or(NONE))
            )
        },
    );
    let facts = [
        ("type", extension.extension_type.name().to_owned()),
        ("state", state),
        ("subject", shown(&extension.subject).into_owned()),
        ("timeout_ms", extension.timeout_ms.to_string()),
        ("retry", extension.retry.to_string()),
        ("health", words::percent(extension.health_score_percent)),
        ("revision", extension.revision.to_string()),
        ("changed", changed),
    ];
    for (name, value) in facts {
        let name = output.painted(&format!("{name:<12}"), DIM);
        output.line(&format!("  {name}{value}"))?;
    }
    for (name, text) in [("config", &detail.config), ("metadata", &detail.metadata)] {
        let name = output.painted(name, DIM);
        let indented = match text {
            Some(text) => shown_json(&pretty(text)).replace('\n', "\n  "),
            None => NONE.to_owned(),
        };
        output.line(&format!("  {name} {indented}"))?;
    }
    Ok(())
}

/// JSON over several lines, numbers as they are spelled.
pub(crate) fn pretty(json: &str) -> String {
    let Ok(members) =
        serde_json::from_str::<std::collections::BTreeMap<String, Box<RawValue>>>(json)
    else {
        return json.to_owned();
    };
    serde_json::to_string_pretty(&members).unwrap_or_else(|_| json.to_owned())
}
