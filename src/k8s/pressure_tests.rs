//! The layer over servers that are made for it; time is that of the runtime, which passes only while all wait.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;

use super::*;

fn answer(code: u16, retry_after: Option<u64>) -> Answer {
    let mut response = Response::new(Box::new(Body::empty().map_err(BoxError::from)) as Box<DynBody>);
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response.headers_mut().extend(retry_after.map(|it| (RETRY_AFTER, it.into())));
    response
}

/// A server that gives these answers one after the other, and 200 from then on; with the number of requests it got.
fn server(
    answers: &[(u16, Option<u64>)],
) -> (impl Service<Request<Body>, Response = Answer, Error = BoxError, Future: Send> + Clone + Send + 'static, Arc<AtomicUsize>) {
    let answers = Arc::new(Mutex::new(answers.iter().copied().collect::<VecDeque<_>>()));
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let service = tower::service_fn(move |_: Request<Body>| {
        counter.fetch_add(1, Ordering::SeqCst);
        let next = answers.lock().unwrap().pop_front();
        async move { Ok(next.map_or_else(|| answer(200, None), |(code, wait)| answer(code, wait))) }
    });
    (PressureLayer::new().layer(service), asked)
}

fn request(method: Method) -> Request<Body> {
    Request::builder().method(method).uri("/api/v1/pods").body(Body::empty()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_refused_read_is_tried_again_when_the_server_said() {
    let (service, asked) = server(&[(429, Some(3)), (503, None)]);
    let begun = Instant::now();
    assert_eq!(service.oneshot(request(Method::GET)).await.unwrap().status(), 200);
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(3_500) && took < Duration::from_secs(6), "{took:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn what_would_wait_too_long_or_must_not_be_repeated_is_handed_back() {
    for (answers, method, requests) in [
        (vec![(429, Some(60))], Method::GET, 1),
        (vec![(429, Some(0)); 9], Method::GET, 5),
        (vec![(429, Some(1))], Method::POST, 1),
    ] {
        let (service, asked) = server(&answers);
        let begun = Instant::now();
        assert_eq!(service.oneshot(request(method)).await.unwrap().status(), 429);
        assert_eq!(asked.load(Ordering::SeqCst), requests);
        assert!(begun.elapsed() < PATIENCE);
    }
    let (service, asked) = server(&[(500, None), (404, None)]);
    assert_eq!(service.oneshot(request(Method::GET)).await.unwrap().status(), 500);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn the_number_at_a_time_is_bounded_halves_on_refusal_and_grows_back() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let refusing = Arc::new(AtomicUsize::new(0));
    let (running, peak, refuse) = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&refusing));
    let service = PressureLayer::new().layer(tower::service_fn(move |_: Request<Body>| {
        let (running, peak) = (Arc::clone(&running), Arc::clone(&peak));
        let refused = refuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |it| it.checked_sub(1)).is_ok();
        async move {
            peak.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep_until(Instant::now() + Duration::from_millis(10)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, BoxError>(if refused { answer(429, Some(1)) } else { answer(200, None) })
        }
    }));
    let burst = async |number: usize| {
        most.store(0, Ordering::SeqCst);
        // An answer that is kept keeps its turn.
        let one = async || service.clone().oneshot(request(Method::GET)).await.unwrap().status();
        let all = join_all((0..number).map(|_| one())).await;
        assert!(all.into_iter().all(|it| it == 200));
        most.load(Ordering::SeqCst)
    };
    assert_eq!(burst(START).await, START);
    refusing.store(1, Ordering::SeqCst);
    burst(1).await;
    assert_eq!(burst(4).await, 4, "half of eight, or of nine");
    assert!(burst(2).await <= 5);
    assert_eq!(burst(1_000).await, CEILING);
}

#[tokio::test(start_paused = true)]
async fn a_turn_is_held_until_the_body_is_done_with() {
    let (service, _) = server(&[]);
    let mut held = Vec::new();
    for _ in 0..START {
        held.push(service.clone().oneshot(request(Method::GET)).await.unwrap());
    }
    // Eight went well, so there is a ninth turn, and no tenth.
    held.push(service.clone().oneshot(request(Method::GET)).await.unwrap());
    let next = tokio::time::timeout(Duration::from_secs(1), service.clone().oneshot(request(Method::GET)));
    assert!(next.await.is_err());
    held.pop();
    assert!(service.oneshot(request(Method::GET)).await.is_ok());
}
