//! How hard one cluster is asked: a number of requests at a time that shrinks when the API server says it is too many and
//! grows back while it does not, shared by everything that reads that cluster.

use std::future::Future;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use kube::client::{Body, DynBody};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};
use tower::{BoxError, Layer, Service, ServiceExt as _};

/// Requests at a time to a cluster that has not complained yet.
const START: usize = 8;
/// Most requests at a time; API servers give all clients of one kind about as many seats.
const CEILING: usize = 16;
/// Attempts for one request.
const ATTEMPTS: u32 = 5;
/// How long one request may wait for its turn to be tried again; a call has 45 s.
const PATIENCE: Duration = Duration::from_secs(20);
/// Refusals within this time are answers to the same burst.
const BURST: Duration = Duration::from_secs(1);
/// The first pause where the server names none.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Bounds requests to one cluster, and tries again what was refused for load.
#[derive(Clone)]
pub(super) struct PressureLayer(Arc<Limiter>);

impl PressureLayer {
    /// The layer of one cluster.
    pub(super) fn new() -> Self {
        Self(Arc::new(Limiter::new()))
    }
}

impl<S> Layer<S> for PressureLayer {
    type Service = Pressure<S>;

    fn layer(&self, inner: S) -> Pressure<S> {
        Pressure { inner, limiter: Arc::clone(&self.0) }
    }
}

/// A service below the bounds of its cluster.
#[derive(Clone)]
pub(super) struct Pressure<S> {
    inner: S,
    limiter: Arc<Limiter>,
}

type Answer = Response<Box<DynBody>>;

impl<S> Service<Request<Body>> for Pressure<S>
where
    S: Service<Request<Body>, Response = Answer, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Each attempt waits for its own turn.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (inner, limiter) = (self.inner.clone(), Arc::clone(&self.limiter));
        Box::pin(async move { ask(inner, limiter, request).await })
    }
}

async fn ask<S>(inner: S, limiter: Arc<Limiter>, request: Request<Body>) -> Result<Answer, BoxError>
where
    S: Service<Request<Body>, Response = Answer, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send,
{
    let until = Instant::now() + PATIENCE;
    let (head, body) = request.into_parts();
    let repeatable = head.method == Method::GET;
    let mut body = Some(body);
    for attempt in 1.. {
        let turn = Limiter::turn(&limiter, until).await?;
        let request = Request::from_parts(head.clone(), body.take().unwrap_or_else(Body::empty));
        let response = inner.clone().oneshot(request).await?;
        let Some(pause) = pause(response.status(), response.headers(), attempt) else {
            limiter.went_well();
            return Ok(held(response, turn));
        };
        let again = Instant::now() + pause + jitter(pause);
        limiter.was_refused(again.min(until));
        if !repeatable || attempt >= ATTEMPTS || again > until {
            return Ok(held(response, turn));
        }
        drop((response, turn));
        sleep_until(again).await;
    }
    Err("no attempt is left".into())
}

/// How long the server asks to wait, or should be left alone; nothing when it took the request.
fn pause(code: StatusCode, headers: &HeaderMap, attempt: u32) -> Option<Duration> {
    let loaded = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT];
    if !loaded.contains(&code) {
        return None;
    }
    let asked = headers.get(RETRY_AFTER).and_then(|it| it.to_str().ok()).and_then(|it| it.trim().parse().ok());
    Some(asked.map_or_else(|| FIRST_PAUSE * 2_u32.saturating_pow(attempt.saturating_sub(1)), Duration::from_secs))
}

/// Up to half as much again, so that those who were refused together do not come back together.
fn jitter(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 1_000;
    pause.min(PATIENCE) / 2 * u32::try_from(random).unwrap_or_default() / 1_000
}

/// The answer, whose turn ends when its body has been read or is no longer wanted.
fn held(response: Answer, turn: Turn) -> Answer {
    response.map(|body| -> Box<DynBody> {
        Box::new(body.map_frame(move |frame| {
            let _ = &turn;
            frame
        }))
    })
}

/// Additive increase, multiplicative decrease.
struct Limiter {
    turns: Arc<Semaphore>,
    state: Mutex<State>,
}

struct State {
    limit: usize,
    /// Turns that are taken but shall not be given again.
    surplus: usize,
    /// Requests that went well since the limit was last changed.
    well: usize,
    reduced: Option<Instant>,
    /// Until when nothing is sent.
    quiet_until: Option<Instant>,
}

impl Limiter {
    fn new() -> Self {
        let state = State { limit: START, surplus: 0, well: 0, reduced: None, quiet_until: None };
        Self { turns: Arc::new(Semaphore::new(START)), state: Mutex::new(state) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn, and for the pause that the server asked for.
    async fn turn(this: &Arc<Self>, until: Instant) -> Result<Turn, BoxError> {
        let quiet = this.state().quiet_until.filter(|it| *it > Instant::now());
        if let Some(quiet) = quiet {
            sleep_until(quiet.min(until)).await;
        }
        let permit = Arc::clone(&this.turns).acquire_owned().await?;
        Ok(Turn { limiter: Arc::clone(this), permit: Some(permit) })
    }

    fn went_well(&self) {
        let mut state = self.state();
        state.well += 1;
        if state.well < state.limit || state.limit >= CEILING {
            return;
        }
        state.well = 0;
        state.limit += 1;
        if state.surplus > 0 {
            state.surplus -= 1;
        } else {
            self.turns.add_permits(1);
        }
    }

    fn was_refused(&self, quiet_until: Instant) {
        let now = Instant::now();
        let mut state = self.state();
        state.quiet_until = state.quiet_until.max(Some(quiet_until));
        if state.reduced.is_some_and(|it| now < it + BURST) {
            return;
        }
        let cut = state.limit - (state.limit / 2).max(1);
        state.limit -= cut;
        state.surplus += cut - self.turns.forget_permits(cut);
        state.well = 0;
        state.reduced = Some(now);
    }
}

/// The right to one request.
struct Turn {
    limiter: Arc<Limiter>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        if state.surplus > 0
            && let Some(permit) = self.permit.take()
        {
            state.surplus -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
#[path = "pressure_tests.rs"]
mod tests;
