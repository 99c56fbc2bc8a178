//! `registryctl token`: tokens are made, listed and revoked.

use std::io::{self, Write};

use chrono::{DateTime, TimeDelta, Utc};
use registry::tokens::{ApiToken, TokenDraft};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::command_line::TokenOptions;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::place::Place;
use crate::table::{Cell, Table};
use crate::terminal::{RED, YELLOW, shown};
use crate::words::time;

/// Makes a token. Alone on standard output, so that a script can take it.
pub(crate) async fn create(
    options: TokenOptions,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let draft = TokenDraft {
        owner: options.owner,
        role: options.role.into(),
        purpose: options.purpose,
        lifetime: (!options.never_expires).then(|| TimeDelta::days(options.expires_in_days.into())),
    };
    let opened = place.open_as_owner().await?;
    let created = opened.registry.create_token(&draft).await?;
    let secret = created.secret.expose_secret();
    let token = created.token;
    if output.is_json() {
        let mut shown = json_of(&token);
        shown["token"] = secret.into();
        output.json(&shown)?;
    } else {
        output.line(secret)?;
        output.flush()?;
        let until = token
            .expires_at
            .map_or_else(|| "it is revoked".to_owned(), time);
        let note = format!(
            "Token {} of {} works as {} until {until}. It is shown this once.\n",
            token.token_id,
            shown(&token.owner),
            token.role
        );
        // The token is told; who closed standard error doesn't want to know.
        let _ = io::stderr().write_all(note.as_bytes());
    }
    opened.close().await;
    Ok(Exit::Done)
}

/// Lists the tokens.
pub(crate) async fn list(place: &Place, output: &mut Output) -> Result<Exit, Failure> {
    let opened = place.open_as_owner().await?;
    let tokens = opened.registry.list_tokens().await?;
    if output.is_json() {
        let listed: Vec<Value> = tokens.iter().map(json_of).collect();
        output.json(&listed)?;
    } else {
        let now = Utc::now();
        let mut table = Table::new(["ID", "OWNER", "ROLE", "STATE", "LAST USED", "PURPOSE"]);
        table.write(output, tokens.into_iter().map(|token| row(token, now)))?;
    }
    opened.close().await;
    Ok(Exit::Done)
}

/// Revokes a token.
pub(crate) async fn revoke(
    token_id: Uuid,
    place: &Place,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let opened = place.open_as_owner().await?;
    let token = opened.registry.revoke_token(token_id).await?;
    if output.is_json() {
        output.json(&json_of(&token))?;
    } else {
        output.line(&format!(
            "Revoked token {} of {}.",
            token.token_id,
            shown(&token.owner)
        ))?;
    }
    opened.close().await;
    Ok(Exit::Done)
}

fn row(token: ApiToken, now: DateTime<Utc>) -> [Cell; 6] {
    let state = match (token.revoked_at, token.expires_at) {
        (Some(at), _) => Cell::styled(format!("revoked {}", time(at)), RED),
        (None, Some(at)) if at <= now => Cell::styled(format!("expired {}", time(at)), YELLOW),
        (None, Some(at)) => format!("until {}", time(at)).into(),
        (None, None) => "until revoked".into(),
    };
    [
        token.token_id.to_string().into(),
        token.owner.into(),
        token.role.to_string().into(),
        state,
        token
            .last_used_at
            .map_or_else(|| "never".to_owned(), time)
            .into(),
        token.purpose.unwrap_or_default().into(),
    ]
}

fn json_of(token: &ApiToken) -> Value {
    json!({
        "token_id": token.token_id,
        "owner": token.owner,
        "role": token.role,
        "purpose": token.purpose,
        "created_by": token.created_by,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "revoked_at": token.revoked_at,
        "revoked_by": token.revoked_by,
    })
}
