//! Where the registry is: `DATABASE_URL`.

use registry::connection::{Servers, parse_url};
use registry::{Registry, migrations};

use crate::failure::Failure;

const VARIABLE: &str = "DATABASE_URL";

/// The servers that `DATABASE_URL` names. It is in the environment because the command line can be read by everybody on
/// the machine.
pub(crate) fn servers() -> Result<Servers, Failure> {
    let url = std::env::var(VARIABLE).map_err(|_| {
        Failure::new(
            format!("{VARIABLE} is not set"),
            format!("Set {VARIABLE} to postgres://user:password@host/database."),
        )
    })?;
    let mut parsed = parse_url(&url)?;
    parsed
        .database
        .application_name
        .get_or_insert_with(|| "registryctl".to_owned());
    Ok(Servers::new(&parsed.database, parsed.password)?)
}

/// The registry.
pub(crate) async fn open() -> Result<Registry, Failure> {
    Ok(Registry::open(servers()?).await?)
}

/// Brings the schema up to date.
pub(crate) async fn migrate() -> Result<(), Failure> {
    Ok(migrations::migrate_on(&servers()?).await?)
}
