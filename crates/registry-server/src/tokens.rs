//! `registryctl token`: tokens are made, listed and revoked.

use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use registry::tokens::{ApiToken, TokenDraft};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::command_line::TokenOptions;
use crate::database;
use crate::failure::Failure;

/// Makes a token. Alone on standard output, so that a script can take it.
pub(crate) async fn create(options: TokenOptions) -> Result<(), Failure> {
    let draft = TokenDraft {
        owner: options.owner,
        role: options.role.into(),
        purpose: options.purpose,
        lifetime: (!options.never_expires).then(|| TimeDelta::days(options.expires_in_days.into())),
    };
    let created = database::open().await?.create_token(&draft).await?;
    let secret = created.secret.expose_secret();
    if options.json {
        let mut shown = shown(&created.token);
        shown["token"] = secret.into();
        return write_out(&format!("{shown:#}\n"));
    }
    let token = created.token;
    write_out(&format!("{secret}\n"))?;
    let until = token
        .expires_at
        .map_or_else(|| "it is revoked".to_owned(), time);
    let note = format!(
        "Token {} of {} works as {} until {until}. It is shown this once.\n",
        token.token_id, token.owner, token.role
    );
    // The token is told; who closed standard error doesn't want to know.
    let _ = io::stderr().write_all(note.as_bytes());
    Ok(())
}

/// Lists the tokens.
pub(crate) async fn list(as_json: bool) -> Result<(), Failure> {
    let tokens = database::open().await?.list_tokens().await?;
    if as_json {
        let shown: Vec<Value> = tokens.iter().map(shown).collect();
        return write_out(&format!("{:#}\n", Value::from(shown)));
    }
    let mut rows =
        vec![["ID", "OWNER", "ROLE", "STATE", "LAST USED", "PURPOSE"].map(str::to_owned)];
    rows.extend(tokens.iter().map(|token| row(token, Utc::now())));
    write_out(&table(&rows))
}

/// Revokes a token.
pub(crate) async fn revoke(token_id: Uuid) -> Result<(), Failure> {
    let token = database::open().await?.revoke_token(token_id).await?;
    write_out(&format!(
        "Revoked token {} of {}.\n",
        token.token_id, token.owner
    ))
}

fn row(token: &ApiToken, now: DateTime<Utc>) -> [String; 6] {
    let state = match (token.revoked_at, token.expires_at) {
        (Some(at), _) => format!("revoked {}", time(at)),
        (None, Some(at)) if at <= now => format!("expired {}", time(at)),
        (None, Some(at)) => format!("until {}", time(at)),
        (None, None) => "until revoked".to_owned(),
    };
    [
        token.token_id.to_string(),
        token.owner.clone(),
        token.role.to_string(),
        state,
        token.last_used_at.map_or_else(|| "never".to_owned(), time),
        token.purpose.clone().unwrap_or_default(),
    ]
}

/// Columns as wide as their widest cell. What would move a terminal's cursor is told as it is spelled in Rust.
fn table(rows: &[[String; 6]]) -> String {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            row.iter()
                .map(|cell| cell.escape_debug().to_string())
                .collect()
        })
        .collect();
    let width = |column: usize| {
        cells
            .iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut text = String::new();
    for row in &cells {
        let line: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text += line.join("  ").trim_end();
        text.push('\n');
    }
    text
}

fn shown(token: &ApiToken) -> Value {
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

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn write_out(text: &str) -> Result<(), Failure> {
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::of_system("Standard output can't be written", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_hold_no_control_characters() {
        let row = |owner: &str| ["1", owner, "r", "s", "l", ""].map(str::to_owned);
        let text = table(&[row("anna"), row("b\u{1b}[2J")]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "1  anna        r  s  l");
        assert_eq!(lines[1], "1  b\\u{1b}[2J  r  s  l");
    }
}
