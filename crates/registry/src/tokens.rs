//! Bearer tokens: what scripts show a server that works for them. Table `registry_tokens`
//! (`migrations/0120_tokens_for_scripts.sql`).
//!
//! A token is 256 random bits as text. It is shown once, when it is made; kept is its SHA-256. Who asks with it works
//! as its role ([`Registry::working_as`]) and is its owner in the audit log ([`crate::ChangeContext::acting_for`]).

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use sqlx::types::Uuid;
use tracing::{info, warn};

use crate::access::Role;
use crate::{Error, Registry, Result, rules};

/// What every token begins with, so that people and scanners for secrets know it when they see one.
const PREFIX: &str = "blr_";

const TOKEN_BYTES: usize = 32;

/// The roles that a token can have.
pub const TOKEN_ROLES: [Role; 4] = [
    Role::RegistryAuditor,
    Role::RegistryViewer,
    Role::RegistryOperator,
    Role::RegistryEditor,
];

/// A token to make.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenDraft {
    /// The actor of what is done with it, 1 to 255 characters.
    pub owner: String,
    /// What it may do: one of [`TOKEN_ROLES`].
    pub role: Role,
    /// What it is for, 1 to 255 characters.
    pub purpose: Option<String>,
    /// For how long it is accepted; none for good.
    pub lifetime: Option<TimeDelta>,
}

/// What is known of a token, which is not the token.
#[derive(Clone, Debug, Eq, PartialEq, sqlx::FromRow)]
pub struct ApiToken {
    /// Its name for everybody: no secret.
    pub token_id: Uuid,
    /// The actor of what is done with it.
    pub owner: String,
    /// What each request with it works as.
    #[sqlx(try_from = "String")]
    pub role: Role,
    /// What it is for.
    pub purpose: Option<String>,
    /// The database login that made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it is refused; none: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// A use of it, at most a minute before the last one; none: it was never used.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Since when it is refused for good.
    pub revoked_at: Option<DateTime<Utc>>,
    /// The database login that revoked it.
    pub revoked_by: Option<String>,
}

/// A token that was just made.
#[derive(Debug)]
pub struct CreatedToken {
    /// What is known of it.
    pub token: ApiToken,
    /// The token itself. It can't be had again.
    pub secret: SecretString,
}

/// Who asks with a token that is accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bearer {
    /// The token.
    pub token_id: Uuid,
    /// The actor of what is done.
    pub owner: String,
    /// What it may do.
    pub role: Role,
    /// From when on it is refused; none: never.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What became of a token that somebody showed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Authentication {
    /// It is accepted.
    Accepted(Bearer),
    /// There is no such token.
    Unknown,
    /// Its time is over.
    Expired,
    /// Somebody has revoked it.
    Revoked,
}

/// Whether the login of this connection can be that of a server which works for bearers of tokens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerRights {
    /// The login.
    pub login: String,
    /// Whether the schema has tokens: it may be older than this program.
    pub has_tokens: bool,
    /// Whether the database believes whom it names as the actor: a direct member of `registry_rest_server`.
    pub may_name_actors: bool,
    /// The roles that it can't take on.
    pub missing_roles: Vec<Role>,
}

impl ServerRights {
    /// Whether nothing is missing.
    pub fn are_complete(&self) -> bool {
        self.has_tokens && self.may_name_actors && self.missing_roles.is_empty()
    }
}

/// The columns of [`ApiToken`] within a query: one statement text for each.
macro_rules! concat_columns {
    ($before:literal $(, $after:literal)?) => {
        concat!(
            $before,
            "token_id, owner, role, purpose, created_by, created_at, expires_at, last_used_at, revoked_at, revoked_by"
            $(, $after)?
        )
    };
}

impl Registry {
    /// Makes a token. Only the owner of the tables may, or a superuser: who makes tokens can act as anybody.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] naming the field, [`Error::OwnerRequired`], [`Error::DatabaseUnavailable`].
    pub async fn create_token(&self, draft: &TokenDraft) -> Result<CreatedToken> {
        const ATTEMPTED: &str = "Creating the token";
        rules::check_name("owner", &draft.owner)?;
        if let Some(purpose) = &draft.purpose {
            rules::check_name("purpose", purpose)?;
        }
        if !TOKEN_ROLES.contains(&draft.role) {
            return Err(rules::invalid(
                "role",
                format!("A token can't work as {}.", draft.role),
                "Choose auditor, viewer, operator or editor.",
            ));
        }
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(|source| Error::Internal {
            attempted: ATTEMPTED,
            source: source.into(),
        })?;
        let secret = SecretString::from(format!("{PREFIX}{}", hex::encode(bytes)));
        let token: ApiToken = sqlx::query_as(concat_columns!(
            "INSERT INTO public.registry_tokens (hash, owner, role, purpose, expires_at)
             VALUES ($1, $2, $3, $4, clock_timestamp() + $5 * interval '1 second')
             RETURNING "
        ))
        .bind(hash_of(secret.expose_secret()))
        .bind(&draft.owner)
        .bind(draft.role.name())
        .bind(draft.purpose.as_deref())
        .bind(draft.lifetime.map(|lifetime| lifetime.num_seconds()))
        .fetch_one(self.pool())
        .await
        .map_err(|source| owner_required(ATTEMPTED, rules::refused(ATTEMPTED.into(), source)))?;
        info!(token_id = %token.token_id, owner = token.owner, role = %token.role, "created a token");
        Ok(CreatedToken { token, secret })
    }

    /// All tokens, also those that are not accepted any more, the newest first.
    ///
    /// # Errors
    /// [`Error::OwnerRequired`], [`Error::DatabaseUnavailable`].
    pub async fn list_tokens(&self) -> Result<Vec<ApiToken>> {
        const ATTEMPTED: &str = "Listing the tokens";
        sqlx::query_as(concat_columns!(
            "SELECT ",
            " FROM public.registry_tokens ORDER BY created_at DESC, token_id"
        ))
        .fetch_all(self.pool())
        .await
        .map_err(|source| owner_required(ATTEMPTED, Error::from_query(ATTEMPTED, source)))
    }

    /// Has a token refused from now on, for good. One that is revoked already stays as it is.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if there is no such token, [`Error::OwnerRequired`], [`Error::DatabaseUnavailable`].
    pub async fn revoke_token(&self, token_id: Uuid) -> Result<ApiToken> {
        const ATTEMPTED: &str = "Revoking the token";
        let token: Option<ApiToken> = sqlx::query_as(concat_columns!(
            "UPDATE public.registry_tokens SET revoked_at = coalesce(revoked_at, clock_timestamp())
             WHERE token_id = $1
             RETURNING "
        ))
        .bind(token_id)
        .fetch_optional(self.pool())
        .await
        .map_err(|source| owner_required(ATTEMPTED, Error::from_query(ATTEMPTED, source)))?;
        let token = token.ok_or_else(|| {
            rules::invalid(
                "token_id",
                format!("There is no token {token_id}."),
                "Take the id of a token from the list.",
            )
        })?;
        info!(%token_id, owner = token.owner, "revoked a token");
        Ok(token)
    }

    /// Tells who shows this token, and notes at most once a minute that it was used. The login must be a member of
    /// `registry_rest_server`.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::DatabaseUnavailable`]. That a token is not accepted is no error.
    pub async fn authenticate(&self, token: &str) -> Result<Authentication> {
        const ATTEMPTED: &str = "Checking the token";
        // Whatever else is shown is none, and is not hashed: it may be long.
        let is_token = token
            .strip_prefix(PREFIX)
            .is_some_and(|digits| digits.len() == 2 * TOKEN_BYTES);
        if !is_token {
            return Ok(Authentication::Unknown);
        }
        let shown: Option<ShownToken> = sqlx::query_as(
            "SELECT token_id, owner, role, expires_at, revoked_at IS NOT NULL AS is_revoked,
                    coalesce(expires_at <= clock_timestamp(), false) AS is_expired,
                    coalesce(last_used_at < clock_timestamp() - interval '1 minute', true) AS is_use_noted_late
             FROM public.registry_tokens WHERE hash = $1",
        )
        .bind(hash_of(token))
        .fetch_optional(self.pool())
        .await
        .map_err(|source| Error::from_query(ATTEMPTED, source))?;
        let Some(shown) = shown else {
            return Ok(Authentication::Unknown);
        };
        if shown.is_revoked {
            return Ok(Authentication::Revoked);
        }
        if shown.is_expired {
            return Ok(Authentication::Expired);
        }
        if shown.is_use_noted_late {
            self.note_use(shown.token_id).await;
        }
        Ok(Authentication::Accepted(Bearer {
            token_id: shown.token_id,
            owner: shown.owner,
            role: shown.role,
            expires_at: shown.expires_at,
        }))
    }

    /// Whether a token that was accepted still is.
    pub(crate) async fn accepts(&self, token_id: Uuid) -> Result<bool> {
        sqlx::query_scalar(
            "SELECT EXISTS (
                 SELECT FROM public.registry_tokens
                 WHERE token_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp()))",
        )
        .bind(token_id)
        .fetch_one(self.pool())
        .await
        .map_err(|source| Error::from_query("Checking the token", source))
    }

    /// A note that fails keeps nobody from working: a registry that only reads takes none.
    async fn note_use(&self, token_id: Uuid) {
        let noted = sqlx::query(
            "UPDATE public.registry_tokens SET last_used_at = clock_timestamp()
             WHERE token_id = $1 AND coalesce(last_used_at < clock_timestamp() - interval '1 minute', true)",
        )
        .bind(token_id)
        .execute(self.pool())
        .await;
        if let Err(error) = noted {
            warn!(%token_id, %error, "the use of a token couldn't be noted");
        }
    }

    /// Whether this registry's login can work for bearers of tokens.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`].
    pub async fn server_rights(&self) -> Result<ServerRights> {
        let roles = TOKEN_ROLES.map(Role::name);
        let (login, has_tokens, may_name_actors, missing): (String, bool, bool, Vec<String>) = sqlx::query_as(
            "SELECT session_user::text,
                    to_regclass('public.registry_tokens') IS NOT NULL,
                    EXISTS (
                        SELECT FROM pg_auth_members
                        WHERE roleid = to_regrole('registry_rest_server')
                          AND member = (SELECT oid FROM pg_roles WHERE rolname = session_user)),
                    ARRAY(
                        SELECT name FROM unnest($1::text[]) AS name
                        WHERE NOT coalesce(pg_has_role(session_user, to_regrole(name), 'MEMBER'), false))",
        )
        .bind(roles)
        .fetch_one(self.pool())
        .await
        .map_err(|source| Error::from_query("Reading what the login may do", source))?;
        Ok(ServerRights {
            login,
            has_tokens,
            may_name_actors,
            missing_roles: TOKEN_ROLES
                .into_iter()
                .filter(|role| missing.iter().any(|name| name == role.name()))
                .collect(),
        })
    }
}

#[derive(sqlx::FromRow)]
struct ShownToken {
    token_id: Uuid,
    owner: String,
    #[sqlx(try_from = "String")]
    role: Role,
    expires_at: Option<DateTime<Utc>>,
    is_revoked: bool,
    is_expired: bool,
    is_use_noted_late: bool,
}

fn hash_of(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

/// What is refused here is refused to everybody but the owner.
fn owner_required(attempted: &'static str, error: Error) -> Error {
    match error {
        Error::Forbidden { .. } => Error::OwnerRequired { attempted },
        other => other,
    }
}
