//! `registryctl list`: the extensions, page by page.

use clap::Args;
use registry::extensions::{
    Extension, ExtensionFilter, ExtensionListRequest, ExtensionSortColumn, ExtensionType,
};
use registry::health::HealthState;

use crate::arguments::{TYPES, word};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::http::ExtensionBody;
use crate::output::Output;
use crate::place::Place;
use crate::table::{Cell, Table};
use crate::words::{self, NONE};

const SORTS: [&str; 10] = [
    "id",
    "type",
    "subject",
    "timeout_ms",
    "retry",
    "enabled",
    "health_score_percent",
    "revision",
    "created_at",
    "updated_at",
];

/// How many are read at a time.
const PAGE_LENGTH: u16 = 1_000;

/// Which extensions.
#[derive(Args, Debug)]
pub(crate) struct ListOptions {
    /// Of one of these types, between commas
    #[arg(long = "type", value_name = "TYPES", value_delimiter = ',', value_parser = word::<ExtensionType, 4>(TYPES))]
    types: Vec<ExtensionType>,
    /// Those that are on
    #[arg(long, conflicts_with = "disabled")]
    enabled: bool,
    /// Those that are off
    #[arg(long)]
    disabled: bool,
    /// In one of these states, between commas
    #[arg(
        long,
        value_name = "STATES",
        value_delimiter = ',',
        value_parser = word::<HealthState, 4>(["failing", "degraded", "healthy", "no_data"])
    )]
    health: Vec<HealthState>,
    /// With this text in the id, the subject, the configuration or the metadata; secrets are not searched
    #[arg(long)]
    text: Option<String>,
    /// What they are ordered by; then by id
    #[arg(
        long,
        value_name = "COLUMN",
        default_value = "id",
        value_parser = word::<ExtensionSortColumn, 10>(SORTS)
    )]
    sort: ExtensionSortColumn,
    /// The order turned round
    #[arg(long)]
    descending: bool,
    /// How many at the most; all unless it is given
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

/// Lists extensions.
pub(crate) async fn run(
    options: ListOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let opened = place.open().await?;
    let mut left = options.limit.unwrap_or(u64::MAX);
    let mut request = ExtensionListRequest {
        filter: ExtensionFilter {
            types: options.types,
            enabled: match (options.enabled, options.disabled) {
                (true, _) => Some(true),
                (false, true) => Some(false),
                (false, false) => None,
            },
            health: options.health,
            text: options.text,
        },
        sort: options.sort,
        descending: options.descending,
        after: None,
        limit: PAGE_LENGTH,
    };
    let mut pages = async || -> Result<Option<Vec<Extension>>, Failure> {
        if left == 0 {
            return Ok(None);
        }
        request.limit = u16::try_from(left).unwrap_or(u16::MAX).min(PAGE_LENGTH);
        let page = opened.registry.list_extensions(&request).await?;
        left = match &page.next {
            Some(_) => left.saturating_sub(page.extensions.len() as u64),
            None => 0,
        };
        request.after = page.next;
        Ok(Some(page.extensions))
    };
    if output.is_json() {
        let mut list = output.json_list("extensions")?;
        while let Some(page) = pages().await? {
            for extension in page {
                list.item(&ExtensionBody::from(extension))?;
            }
        }
        list.end(None)?;
    } else {
        let mut table = table();
        while let Some(page) = pages().await? {
            table.write(output, page.into_iter().map(row))?;
            output.flush()?;
        }
    }
    opened.close().await;
    Ok(Exit::Done)
}

/// The columns of a list of extensions.
pub(crate) fn table() -> Table<9> {
    Table::new([
        "ID",
        "TYPE",
        "STATE",
        "SUBJECT",
        "TIMEOUT MS",
        "RETRY",
        "HEALTH",
        "REVISION",
        "CHANGED",
    ])
}

/// One of them.
pub(crate) fn row(extension: Extension) -> [Cell; 9] {
    let changed = extension.last_change.map_or_else(
        || NONE.to_owned(),
        |change| {
            format!(
                "{} by {}",
                words::time_or_none(change.timestamp),
                change.changed_by.as_deref().unwrap_or(NONE)
            )
        },
    );
    [
        extension.id.into(),
        extension.extension_type.name().into(),
        words::switch(extension.enabled),
        extension.subject.into(),
        extension.timeout_ms.to_string().into(),
        extension.retry.to_string().into(),
        words::health(extension.health),
        extension.revision.to_string().into(),
        changed.into(),
    ]
}
