//! Who asks: the bearer token of a request, and the registry as that bearer may use it.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use chrono::Utc;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use registry::Registry;
use registry::access::Role;
use registry::tokens::{Authentication, Bearer};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::api::Api;
use super::problem::Problem;

/// For how long a token that the database has accepted is believed by what answers from memory alone: a token that is
/// revoked reads from there for so long at the most. Everything else asks the database each time, a switch in the statement
/// that switches.
const TRUST_DURATION: Duration = Duration::from_secs(1);

/// The same while the database can't be asked, in which nobody can revoke a token there either.
const TRUST_DURATION_WITHOUT_DATABASE: Duration = Duration::from_hours(1);

/// How many tokens are remembered; with more, those that are not trusted any more are forgotten.
const REMEMBERED_MAX: usize = 10_000;

/// How many tokens that nobody has shown before are looked up in a second: guessing must not keep the database busy.
const UNKNOWN_PER_SECOND: NonZeroU32 = NonZeroU32::new(200).unwrap();

/// Who asks, as the database says at this moment.
pub(crate) struct Caller {
    /// Who.
    pub(crate) bearer: Bearer,
    /// The registry, in which everything works as the bearer's role.
    pub(crate) registry: Registry,
}

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let token = ShownToken::from_request_parts(parts, api).await?;
        token.call(api).await
    }
}

impl Caller {
    /// Refuses who may not do what the database is not asked for.
    pub(crate) fn require(&self, attempted: &str, role: Role) -> Result<(), Problem> {
        require(&self.bearer, attempted, role)
    }
}

/// Who asked a moment ago with the same token, for a change in which the database looks at the token again.
pub(crate) struct PresumedCaller {
    /// Who it was.
    pub(crate) bearer: Bearer,
    token: ShownToken,
}

impl FromRequestParts<Api> for PresumedCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let token = ShownToken::from_request_parts(parts, api).await?;
        let bearer = api
            .gate()
            .admit(api.registry(), &token.0, TRUST_DURATION)
            .await?;
        Ok(Self { bearer, token })
    }
}

impl PresumedCaller {
    /// Why the database has refused the token.
    pub(crate) async fn refusal(&self, api: &Api) -> Problem {
        let again = api
            .gate()
            .admit(api.registry(), &self.token.0, Duration::ZERO)
            .await;
        again
            .err()
            .unwrap_or_else(|| Problem::unauthenticated("The token is not accepted."))
    }
}

/// A token that was shown, not yet looked at: what is asked for decides how.
pub(crate) struct ShownToken(String);

impl<S: Send + Sync> FromRequestParts<S> for ShownToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        token_of(parts).map(|token| Self(token.to_owned()))
    }
}

impl ShownToken {
    /// Who asks, for what the database answers.
    pub(crate) async fn call(&self, api: &Api) -> Result<Caller, Problem> {
        let bearer = api
            .gate()
            .admit(api.registry(), &self.0, Duration::ZERO)
            .await?;
        Ok(Caller {
            registry: api.registry().working_as(bearer.role),
            bearer,
        })
    }

    /// Lets a viewer read what is in memory, once that has what was changed through this server.
    pub(crate) async fn read_memory(&self, api: &Api) -> Result<(), Problem> {
        let trust_duration = if api.cache().stats().is_connected {
            TRUST_DURATION
        } else {
            TRUST_DURATION_WITHOUT_DATABASE
        };
        let bearer = api
            .gate()
            .admit(api.registry(), &self.0, trust_duration)
            .await?;
        require(&bearer, "Reading extensions", Role::RegistryViewer)?;
        api.catch_up().await;
        Ok(())
    }
}

/// The roles that may what a viewer may, in the order of what they may more.
const ABOVE_VIEWER: [Role; 3] = [
    Role::RegistryViewer,
    Role::RegistryOperator,
    Role::RegistryEditor,
];

fn require(bearer: &Bearer, attempted: &str, role: Role) -> Result<(), Problem> {
    let place = |role: Role| ABOVE_VIEWER.iter().position(|each| *each == role);
    if place(bearer.role) >= place(role) {
        Ok(())
    } else {
        Err(Problem::forbidden(attempted, role))
    }
}

/// The token of a request; one of its headers, so that it is in no log of paths.
fn token_of(parts: &Parts) -> Result<&str, Problem> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Problem::unauthenticated(
            "The request has no token, or several.",
        ));
    };
    value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| Problem::unauthenticated("The request's Authorization is no bearer token."))
}

/// Lets those in who show a token that is accepted, each so often and no more.
pub(crate) struct Gate {
    remembered: Mutex<HashMap<[u8; 32], (Instant, Bearer)>>,
    unknown: DefaultDirectRateLimiter,
    /// None: as often as they like.
    by_token: Option<DefaultKeyedRateLimiter<Uuid>>,
}

impl Gate {
    /// With so many requests a second for each token, twice as many at once; 0 for any number.
    pub(crate) fn new(requests_per_second: u32) -> Self {
        Self {
            remembered: Mutex::default(),
            unknown: RateLimiter::direct(Quota::per_second(UNKNOWN_PER_SECOND)),
            by_token: NonZeroU32::new(requests_per_second).map(|rate| {
                let burst = rate.saturating_add(rate.get());
                RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst))
            }),
        }
    }

    /// Tells who shows this token; what the database said not longer ago than `trust_duration` will do.
    pub(crate) async fn admit(
        &self,
        registry: &Registry,
        token: &str,
        trust_duration: Duration,
    ) -> Result<Bearer, Problem> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        let remembered = self.remembered().get(&hash).cloned();
        let bearer = match remembered {
            Some((at, bearer)) if at.elapsed() < trust_duration && !has_expired(&bearer) => bearer,
            Some(_) => self.ask(registry, token, hash).await?,
            None => {
                self.unknown.check().map_err(|until| {
                    rate_limited(until.wait_time_from(DefaultClock::default().now()))
                })?;
                self.ask(registry, token, hash).await?
            }
        };
        if let Some(by_token) = &self.by_token {
            by_token.check_key(&bearer.token_id).map_err(|until| {
                rate_limited(until.wait_time_from(DefaultClock::default().now()))
            })?;
        }
        Ok(bearer)
    }

    async fn ask(
        &self,
        registry: &Registry,
        token: &str,
        hash: [u8; 32],
    ) -> Result<Bearer, Problem> {
        let asked_at = Instant::now();
        let refused = match registry.authenticate(token).await? {
            Authentication::Accepted(bearer) => {
                let mut remembered = self.remembered();
                if remembered.len() >= REMEMBERED_MAX {
                    remembered.retain(|_, (at, _)| at.elapsed() < TRUST_DURATION);
                }
                remembered.insert(hash, (asked_at, bearer.clone()));
                return Ok(bearer);
            }
            Authentication::Unknown => "The token is none of this registry.",
            Authentication::Expired => "The token has expired.",
            Authentication::Revoked => "The token was revoked.",
        };
        self.remembered().remove(&hash);
        Err(Problem::unauthenticated(refused))
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], (Instant, Bearer)>> {
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn has_expired(bearer: &Bearer) -> bool {
    bearer.expires_at.is_some_and(|at| at <= Utc::now())
}

fn rate_limited(wait: Duration) -> Problem {
    Problem::rate_limited(wait.as_secs() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(role: Role) -> Bearer {
        Bearer {
            token_id: Uuid::nil(),
            owner: "anna".into(),
            role,
            expires_at: None,
        }
    }

    #[test]
    fn an_auditor_may_nothing_that_a_viewer_may() {
        let may = |role, required| require(&bearer(role), "Reading", required).is_ok();
        assert!(!may(Role::RegistryAuditor, Role::RegistryViewer));
        assert!(may(Role::RegistryViewer, Role::RegistryViewer));
        assert!(!may(Role::RegistryViewer, Role::RegistryOperator));
        assert!(may(Role::RegistryEditor, Role::RegistryOperator));
    }
}
