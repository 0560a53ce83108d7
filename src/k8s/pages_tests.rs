//! Lists over servers that are made for it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use super::*;
use http::{Request, Response};
use kube::client::Body as KubeBody;

/// What the server is asked, in order: the continue token of each request.
type Asked = Arc<Mutex<Vec<String>>>;

fn client(answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> (Client, Asked) {
    let asked = Asked::default();
    let log = Arc::clone(&asked);
    let answer = Arc::new(answer);
    let service = tower::service_fn(move |request: Request<KubeBody>| {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let token = query.split('&').find_map(|it| it.strip_prefix("continue=")).unwrap_or_default().to_owned();
        log.lock().unwrap().push(token.clone());
        let (code, body) = answer(&token);
        let response = Response::builder().status(code).body(KubeBody::from(body.into_bytes())).unwrap();
        async move { Ok::<_, Infallible>(response) }
    });
    (Client::new(service, "default"), asked)
}

fn page(names: &[&str], next: &str) -> (u16, String) {
    let items: Vec<String> = names
        .iter()
        .map(|it| {
            format!(r#"{{"metadata":{{"name":"{it}","namespace":"n","managedFields":[{{}}]}},"status":{{"phase":"Running"}}}}"#)
        })
        .collect();
    (200, format!(r#"{{"kind":"PodList","metadata":{{"continue":"{next}"}},"items":[{}]}}"#, items.join(",")))
}

fn gone(next: &str) -> (u16, String) {
    (410, format!(r#"{{"kind":"Status","metadata":{{"continue":"{next}"}},"message":"too old","reason":"Expired","code":410}}"#))
}

#[tokio::test]
async fn a_list_goes_on_where_it_was_left_and_an_old_place_is_said_to_be_gone() {
    let (client, asked) = client(|token| match token {
        "1" => page(&["c"], ""),
        _ => gone("other"),
    });
    let read = async |start: &str| {
        let options = ListOptions { start: Some(start), ..ListOptions::default() };
        let mut names = Vec::new();
        let visit = |step| {
            if let Step::Object(object) = step {
                names.push(object.name().to_owned());
            }
            true
        };
        list(&client, &Kind::named("Pod").unwrap(), &options, Form::Whole, &Keep::ALL, One(visit)).await.map(|_| names)
    };
    assert_eq!(read("1").await.unwrap(), ["c"]);
    let err = read("old").await.unwrap_err();
    assert!(
        err.message.contains("no longer holds the state") && err.hint.unwrap().contains("without `cursor`"),
        "{}",
        err.message
    );
    assert_eq!(*asked.lock().unwrap(), ["1", "old"]);
}

async fn read(client: &Client, most_pages: usize) -> Result<(Vec<String>, Listed), ToolError> {
    let (mut names, mut pages) = (Vec::new(), 0);
    let listed = list(
        client,
        &Kind::named("Pod").unwrap(),
        &ListOptions::default(),
        Form::Whole,
        &Keep::ALL,
        Many::new(|page: Vec<Object>| {
            names.extend(page.iter().map(|it| it.name().to_owned()));
            pages += 1;
            pages < most_pages
        }),
    )
    .await?;
    Ok((names, listed))
}

#[tokio::test]
async fn pages_follow_one_another_and_stop_when_enough_is_read() {
    let (client, asked) = client(|token| match token {
        "" => page(&["a", "b"], "1"),
        "1" => page(&["c"], "2"),
        _ => page(&["d"], ""),
    });
    let (names, listed) = read(&client, 9).await.unwrap();
    assert_eq!(names, ["a", "b", "c", "d"]);
    assert_eq!((listed.clone(), listed.warning()), (Listed { pages: 3, ..Listed::default() }, None));
    assert_eq!(*asked.lock().unwrap(), ["", "1", "2"]);
    asked.lock().unwrap().clear();
    let (names, listed) = read(&client, 1).await.unwrap();
    assert_eq!((names, listed.next.as_deref()), (vec!["a".to_owned(), "b".to_owned()], Some("1")));
    assert_eq!(*asked.lock().unwrap(), [""], "a second page that nobody wants is not asked for");
}

#[tokio::test]
async fn an_expired_list_starts_over_once_and_repeats_nothing() {
    let state = Mutex::new(0);
    let (client, asked) = client(move |token| {
        let mut state = state.lock().unwrap();
        *state += 1;
        match (*state, token) {
            (1, "") => page(&["a", "b"], "1"),
            (2, "1") => page(&["c"], "2"),
            // The third request, and any after the fifth.
            // Meanwhile `b` is gone, and `bb` and `d` are new.
            (4, "") => page(&["a", "bb", "c"], "5"),
            (5, "5") => page(&["d"], "6"),
            _ => gone(""),
        }
    });
    let err = read(&client, 9).await.unwrap_err();
    assert!(err.message.contains("too old"), "the second time is an error: {err:?}");
    assert_eq!(*asked.lock().unwrap(), ["", "1", "2", "", "5", "6"]);
}

#[tokio::test]
async fn an_expired_list_goes_on_and_says_so() {
    for next in ["", "other"] {
        let state = Mutex::new(false);
        let (client, asked) = client(move |token| {
            let mut expired = state.lock().unwrap();
            match (*expired, token) {
                (false, "") => page(&["a", "b"], "1"),
                (false, _) => {
                    *expired = true;
                    gone(next)
                }
                (true, "") => page(&["a", "b", "c"], ""),
                (true, _) => page(&["c"], ""),
            }
        });
        let (names, listed) = read(&client, 9).await.unwrap();
        assert_eq!(names, ["a", "b", "c"]);
        assert!(listed.expired && listed.warning().unwrap().contains("410"));
        assert_eq!(*asked.lock().unwrap(), ["", "1", next]);
    }
}

#[tokio::test]
async fn what_is_no_list_is_a_clear_error() {
    for (code, body, why) in [
        (200, r#"{"items":[{"metadata":"#, "broken JSON (it ends too early"),
        (200, "<html>busy</html>", "broken JSON (unexpected text at byte 0)"),
        (200, r#"{"kind":"Status"}"#, "it is no list"),
        (502, "<html>bad gateway</html>", "bad gateway"),
        (403, r#"{"message":"pods is forbidden"}"#, "pods is forbidden"),
        (410, r#"{"message":"gone"}"#, "gone"),
    ] {
        let (client, _) = client(move |_| (code, body.to_owned()));
        let err = read(&client, 9).await.unwrap_err();
        assert!(err.message.contains(why), "{err:?}");
    }
}

#[tokio::test]
async fn items_say_what_they_are_and_only_what_is_kept() {
    let (client, _) = client(|_| page(&["a"], ""));
    let kind = Kind::named("Deployment").unwrap();
    let mut found = Vec::new();
    let keep = Keep::only(["metadata.name"]);
    list(
        &client,
        &kind,
        &ListOptions::default(),
        Form::Metadata,
        &keep,
        One(|step| {
            if let Step::Object(object) = step {
                found.push(object);
            }
            true
        }),
    )
    .await
    .unwrap();
    let expected = serde_json::json!({"metadata": {"name": "a"}, "kind": "Deployment", "apiVersion": "apps/v1"});
    assert_eq!(found.iter().map(Object::value).collect::<Vec<_>>(), [&expected]);
}
